/**
 * The bytes of results. A body is a sequence of frames; what is certified is the digest of exactly these bytes, and
 * every sink writes keys and values from them unchanged.
 *
 *   body   = frame*
 *   frame  = u32 length of the rest | u8 kind | u8 flags | f64 a | f64 b | u32 revision | u32 keyLength | key | value
 *
 *   kind 1  window row      a = window start, b = window end (epoch ms), flags bit 0 = final, bit 2 = removed
 *   kind 2  record row      a = source partition, b = source offset, revision = index within the record
 *   kind 3  dead letter     a = source partition, b = source offset, revision = index within the record. Of a row that a stage
 *                           made: flags = its number, a = its unit, b = the number of the row. Of what a stage reads behind a
 *                           shuffle: flags = 16 + its number, a = partition, b = offset
 *   kind 4  partial         a = window start, b = window end, revision = number in the cut, value = where in the source it is from
 *                           (partial.ts), then partial aggregates (pipeline's own encoding)
 *   kind 5  watermark mark  a = watermark (-Infinity, finite or Infinity), b = source partition, flags bit 1 = idle
 *   kind 6  carried record  a = event time, b = source offset, revision = index within the record, flags = number of the
 *                           input, value = varint source partition, then the values that later operators read
 *
 * Integers are big-endian. Keys and values of kinds 1 to 3 are canonical JSON in UTF-8.
 */
export const ROW_WINDOW = 1
export const ROW_RECORD = 2
export const ROW_DEAD_LETTER = 3
export const ROW_PARTIAL = 4
export const ROW_WATERMARK = 5
export const ROW_CARRIED = 6

export const FLAG_FINAL = 1
export const FLAG_IDLE = 2
/** The row takes earlier ones of its window and key back: the window has become part of a greater one. */
export const FLAG_REMOVED = 4

const HEADER_BYTES = 1 + 1 + 8 + 8 + 4 + 4

export interface Row {
  readonly kind: number
  readonly flags: number
  readonly a: number
  readonly b: number
  readonly revision: number
  /** Views into the body. */
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** Where the frame starts in the body, and where the next one does. */
  readonly start: number
  readonly end: number
}

/** Appends frames to a growing buffer. */
export class RowWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(initialBytes = 1024) {
    this.#bytes = new Uint8Array(initialBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get length(): number {
    return this.#length
  }

  append(
    kind: number,
    flags: number,
    a: number,
    b: number,
    revision: number,
    key: Uint8Array,
    value: Uint8Array,
  ): void {
    const rest = HEADER_BYTES + key.length + value.length
    this.#reserve(4 + rest)
    const view = this.#view
    let at = this.#length
    view.setUint32(at, rest)
    view.setUint8(at + 4, kind)
    view.setUint8(at + 5, flags)
    view.setFloat64(at + 6, a)
    view.setFloat64(at + 14, b)
    view.setUint32(at + 22, revision)
    view.setUint32(at + 26, key.length)
    at += 4 + HEADER_BYTES
    this.#bytes.set(key, at)
    this.#bytes.set(value, at + key.length)
    this.#length += 4 + rest
  }

  /** The frames so far, as bytes of their own; the writer starts again empty. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length)
    this.#length = 0
    return taken
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/**
 * The rows of a body, as views.
 * @throws RangeError when the bytes are not whole frames; a certified body never does.
 */
export function* readRows(body: Uint8Array): Generator<Row> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  let at = 0
  while (at < body.length) {
    if (at + 4 + HEADER_BYTES > body.length) throw new RangeError(`torn row header at byte ${at} of ${body.length}`)
    const end = at + 4 + view.getUint32(at)
    const keyStart = at + 4 + HEADER_BYTES
    const keyEnd = keyStart + view.getUint32(at + 26)
    if (end > body.length || keyEnd > end) throw new RangeError(`torn row at byte ${at} of ${body.length}`)
    yield {
      kind: view.getUint8(at + 4),
      flags: view.getUint8(at + 5),
      a: view.getFloat64(at + 6),
      b: view.getFloat64(at + 14),
      revision: view.getUint32(at + 22),
      key: body.subarray(keyStart, keyEnd),
      value: body.subarray(keyEnd, end),
      start: at,
      end,
    }
    at = end
  }
}
