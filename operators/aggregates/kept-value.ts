/** A value that a state keeps, with its place. Its text is made when it is asked for: most are replaced before that. */
import { canonicalJson, encodeUtf8, type Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { RecordPlace } from './state.ts'

export class KeptValue implements Readonly<RecordPlace> {
  readonly time: number
  readonly partition: number
  readonly offset: number
  readonly index: number
  readonly #value: Value
  #text: string | undefined

  constructor({ time, partition, offset, index }: Readonly<RecordPlace>, value: Value, text?: string) {
    this.time = time
    this.partition = partition
    this.offset = offset
    this.index = index
    this.#value = value
    this.#text = text
  }

  /** Canonical JSON. */
  get text(): string {
    this.#text ??= canonicalJson(this.#value)
    return this.#text
  }

  get bytes(): number {
    return 64 + (this.#text?.length ?? (typeof this.#value === 'string' ? this.#value.length : 16))
  }

  write(writer: StateWriter): void {
    writer.float(this.time)
    writer.varint(this.partition)
    writer.varint(this.offset)
    writer.varint(this.index)
    writer.bytes(encodeUtf8(this.text))
  }

  static read(reader: StateReader): KeptValue {
    const place = {
      time: reader.float(),
      partition: reader.varint(),
      offset: reader.varint(),
      index: reader.varint(),
    }
    return new KeptValue(place, undefined, Buffer.from(reader.bytes()).toString('utf8'))
  }
}
