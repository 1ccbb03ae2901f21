/** How a sink writes the values of rows, where it is not the JSON that was certified: plain data, as all of a plan. */
export type RowFormat =
  | 'msgpack'
  | {
      readonly kind: 'avro'
      /** As JSON text. */
      readonly schema: string
      /** In the registry: it stands before each value, as registries frame it. Absent: the bare datum. */
      readonly id?: number
    }
