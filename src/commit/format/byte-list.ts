/** Bytes that are written one after another, with the small encodings that Avro and Protocol Buffers are made of. */
export class ByteList {
  #bytes = Buffer.allocUnsafe(256)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** A copy. */
  written(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length))
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Seven bits a byte, the lowest first. @param value not negative */
  varint(value: bigint): void {
    this.#reserve(10)
    let left = value
    while (left > 0x7fn) {
      this.#bytes[this.#length++] = Number(left & 0x7fn) | 0x80
      left >>= 7n
    }
    this.#bytes[this.#length++] = Number(left)
  }

  /** Little-endian. */
  fixed(value: bigint, bytes: 4 | 8): void {
    this.#reserve(8)
    this.#bytes.writeBigUInt64LE(value, this.#length)
    this.#length += bytes
  }

  float32(value: number): void {
    this.#reserve(4)
    this.#length = this.#bytes.writeFloatLE(value, this.#length)
  }

  float64(value: number): void {
    this.#reserve(8)
    this.#length = this.#bytes.writeDoubleLE(value, this.#length)
  }

  /** With the length before it. */
  prefixed(bytes: Uint8Array): void {
    this.varint(BigInt(bytes.length))
    this.raw(bytes)
  }

  /** With the length before what is written inside. */
  nested(write: (inner: ByteList) => void): void {
    const inner = new ByteList()
    write(inner)
    this.prefixed(inner.#bytes.subarray(0, inner.#length))
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + more))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
