/** Instants of rows, which are texts in ISO 8601 or epoch milliseconds, as the numbers that binary formats write. */
export interface InstantParts {
  readonly seconds: bigint
  /** Of the second, 0 to 999,999,999. */
  readonly nanos: number
}

const ISO = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z$/

/** Undefined where the value is no instant. */
export function timestampParts(value: unknown): InstantParts | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    const seconds = Math.floor(value / 1_000)
    return { seconds: BigInt(seconds), nanos: (value - seconds * 1_000) * 1_000_000 }
  }
  const [, whole, fraction = ''] = (typeof value === 'string' ? ISO.exec(value) : undefined) ?? []
  const ms = whole === undefined ? Number.NaN : Date.parse(`${whole}Z`)
  return Number.isNaN(ms) ? undefined : { seconds: BigInt(ms / 1_000), nanos: Number(fraction.padEnd(9, '0')) }
}
