/**
 * Records as a fetch delivers them: a batch of one log partition, read through accessors so that nothing is allocated
 * per record. Implementations wrap what their client returns.
 */
export type RecordHeaders = ReadonlyMap<string, Uint8Array>

export interface RecordBatch {
  readonly length: number
  /** Offset of record i. Offsets rise but may have gaps (aborted transactions, compaction of an internal topic). */
  offset(i: number): number
  /** The log's own timestamp of record i, epoch milliseconds. */
  timestamp(i: number): number
  key(i: number): Uint8Array | null
  /** The bytes are valid until the batch is released; copy what is kept. */
  value(i: number): Uint8Array | null
  /**
   * Headers of record i by name, of several with one name the last; read when they are asked for. Undefined: they cannot be
   * read. Absent where records have none.
   */
  headers?(i: number): RecordHeaders | undefined
}
