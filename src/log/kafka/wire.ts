/**
 * Reading and writing Kafka's messages. Each API has had plain encodings and, from some version on, "flexible" ones
 * (KIP-482): compact lengths as varint of length + 1, and a section of tagged fields at the end of each structure, which
 * is read over here. Codecs name the fields in order and leave the difference to these two.
 */
import { VarintReader, writeUnsigned } from '../records/varint.ts'

/** One request of one version, with what its answer is. */
export interface WireRequest<Answer> {
  readonly api: { readonly key: number; readonly name: string }
  readonly version: number
  readonly flexible: boolean
  write(writer: WireWriter): void
  read(reader: WireReader): Answer
}

export class WireWriter {
  readonly #flexible: boolean
  #bytes = Buffer.allocUnsafe(1024)
  #length = 0

  constructor(flexible: boolean) {
    this.#flexible = flexible
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  int8(value: number): this {
    this.#length = this.#room(1).writeInt8(value, this.#length)
    return this
  }

  int16(value: number): this {
    this.#length = this.#room(2).writeInt16BE(value, this.#length)
    return this
  }

  int32(value: number): this {
    this.#length = this.#room(4).writeInt32BE(value, this.#length)
    return this
  }

  int64(value: number): this {
    this.#length = this.#room(8).writeBigInt64BE(BigInt(value), this.#length)
    return this
  }

  string(value: string): this {
    const length = Buffer.byteLength(value)
    if (this.#flexible) this.#unsigned(length + 1)
    else this.int16(length)
    this.#length += this.#room(length).write(value, this.#length)
    return this
  }

  /** As 32 hexadecimal digits. */
  uuid(value: string): this {
    this.#length += this.#room(16).write(value, this.#length, 'hex')
    return this
  }

  array<T>(values: readonly T[], write: (value: T) => void): this {
    if (this.#flexible) this.#unsigned(values.length + 1)
    else this.int32(values.length)
    for (const value of values) write(value)
    return this
  }

  /** The end of a structure: no tagged fields. */
  end(): this {
    if (this.#flexible) this.#unsigned(0)
    return this
  }

  #unsigned(value: number): void {
    this.#length = writeUnsigned(this.#room(5), this.#length, value)
  }

  #room(bytes: number): Buffer {
    if (this.#length + bytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe((this.#length + bytes) * 2)
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    return this.#bytes
  }
}

/** What does not fit ends in a RangeError. */
export class WireReader {
  readonly #flexible: boolean
  readonly #bytes: Buffer
  readonly #varints: VarintReader

  constructor(bytes: Buffer, flexible: boolean) {
    this.#bytes = bytes
    this.#flexible = flexible
    this.#varints = new VarintReader(bytes)
  }

  int8(): number {
    return this.#bytes.readInt8(this.#skip(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#skip(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#skip(4))
  }

  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#skip(8)))
  }

  string(): string {
    return this.nullableString() ?? ''
  }

  nullableString(): string | null {
    const length = this.#flexible ? this.#varints.unsigned() - 1 : this.int16()
    if (length < 0) return null
    const at = this.#skip(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  uuid(): string {
    const at = this.#skip(16)
    return this.#bytes.toString('hex', at, at + 16)
  }

  /** Not copied. Null is empty. */
  bytes(): Buffer {
    const length = this.#flexible ? this.#varints.unsigned() - 1 : this.int32()
    const at = this.#skip(Math.max(0, length))
    return this.#bytes.subarray(at, this.#varints.at)
  }

  /** Null is empty. */
  array<T>(read: () => T): T[] {
    const length = this.#flexible ? this.#varints.unsigned() - 1 : this.int32()
    if (length > this.#bytes.length) throw new RangeError(`a list of ${length} in ${this.#bytes.length} bytes`)
    return Array.from({ length: Math.max(0, length) }, read)
  }

  /** The end of a structure, with whatever tagged fields there are. */
  end(): void {
    if (!this.#flexible) return
    for (let fields = this.#varints.unsigned(); fields > 0; fields--) {
      this.#varints.unsigned()
      this.#skip(this.#varints.unsigned())
    }
  }

  #skip(bytes: number): number {
    const { at } = this.#varints
    if (at + bytes > this.#bytes.length)
      throw new RangeError(`${bytes} bytes expected, ${this.#bytes.length - at} left`)
    this.#varints.at = at + bytes
    return at
  }
}
