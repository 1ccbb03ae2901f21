/** Stored records that cannot be read: damaged, or in a form that is not read here. The reader says where. */
export class RecordsUnreadable extends Error {
  readonly kind: 'corrupt' | 'unsupported'

  constructor(kind: 'corrupt' | 'unsupported', message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RecordsUnreadable'
    this.kind = kind
  }
}
