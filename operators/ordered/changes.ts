/** Of each key, the records whose value differs from that of the record before; the first one passes. */
import { encodeUtf8 } from '../json.ts'
import { compareTexts } from '../pipeline-key.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { OrderedOperator, OrderedRecord } from './operator.ts'
import type { OrderedOutput } from './output.ts'

const NONE = new Uint8Array()

export class Changes implements OrderedOperator {
  readonly owedFrom = Number.POSITIVE_INFINITY
  readonly closesAt = Number.NEGATIVE_INFINITY
  /** By key: the text of the last value. */
  readonly #last = new Map<string, string>()
  #bytes = 0

  take(record: OrderedRecord, output: OrderedOutput): void {
    const { key, values } = record
    const [value, whole] = values as readonly string[]
    if (value === undefined || whole === undefined) throw new RangeError('a record without the value that is compared')
    const before = this.#last.get(key)
    if (before === value) return
    this.#bytes += value.length - (before === undefined ? -96 - key.length : before.length)
    this.#last.set(key, value)
    output.record(record, record.index, key, encodeUtf8(whole))
  }

  advance(): void {}

  openRows(): Uint8Array {
    return NONE
  }

  get groups(): number {
    return this.#last.size
  }

  get bytes(): number {
    return this.#bytes
  }

  write(writer: StateWriter): void {
    writer.varint(this.#last.size)
    for (const [key, value] of [...this.#last].sort(([a], [b]) => compareTexts(a, b))) {
      writer.text(key)
      writer.text(value)
    }
  }

  read(reader: StateReader): void {
    this.#last.clear()
    this.#bytes = 0
    for (let left = reader.varint(); left > 0; left--) {
      const key = reader.text()
      const value = reader.text()
      this.#last.set(key, value)
      this.#bytes += value.length + 96 + key.length
    }
  }
}
