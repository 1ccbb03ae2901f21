/**
 * Where the LZ77 decoders write: bytes that grow up to a bound, literals and copies of what was written before. Every
 * length and distance comes from data that may be hostile, so each is checked here.
 */
export class Output {
  #bytes: Uint8Array
  #length = 0
  readonly #max: number

  constructor(expected: number, max: number) {
    this.#max = max
    this.#bytes = new Uint8Array(Math.min(expected, max))
  }

  get length(): number {
    return this.#length
  }

  /** @throws RangeError when the source has not that many bytes, or there would be too many */
  literal(source: Uint8Array, from: number, length: number): void {
    if (from + length > source.length) throw new RangeError(`literals of ${length} bytes end beyond the input`)
    this.#reserve(length)
    const { length: at } = this
    if (length < 32) for (let i = 0; i < length; i++) this.#bytes[at + i] = source[from + i] as number
    else this.#bytes.set(source.subarray(from, from + length), at)
    this.#length += length
  }

  /** Repeats `length` bytes from `distance` back; they may overlap what they become. */
  copy(distance: number, length: number): void {
    if (distance < 1 || distance > this.#length) throw new RangeError(`a copy from ${distance} back of ${this.#length}`)
    this.#reserve(length)
    const bytes = this.#bytes
    const at = this.#length
    if (distance >= length && length >= 32) bytes.copyWithin(at, at - distance, at - distance + length)
    else for (let i = at; i < at + length; i++) bytes[i] = bytes[i - distance] as number
    this.#length += length
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    if (needed > this.#max) throw new RangeError(`it expands to more than ${this.#max} bytes`)
    const grown = new Uint8Array(Math.min(this.#max, Math.max(needed, this.#bytes.length * 2)))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
