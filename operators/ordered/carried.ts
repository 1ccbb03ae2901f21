/** Records on their way through a shuffle: each is a frame (rows.ts) in the body of the partition that its key has. */
import type { RecordPlace } from '../aggregates/state.ts'
import type { Value } from '../json.ts'
import { partitionOf } from '../murmur2.ts'
import type { PartBuilder } from '../pipeline-parts.ts'
import { ROW_CARRIED, type Row } from '../rows.ts'
import { StateReader, StateWriter } from '../snapshot.ts'
import { TextBytes } from '../text-bytes.ts'
import { readValues, writeValues } from '../value-codec.ts'
import type { OrderedRecord } from './operator.ts'

export class CarriedRecords {
  readonly #partitions: number
  readonly #input: number
  readonly #writer = new StateWriter()
  readonly #keyBytes = new TextBytes()

  /** `input`: which of several inputs the records came by. */
  constructor(partitions: number, input: number) {
    this.#partitions = partitions
    this.#input = input
  }

  add(parts: PartBuilder, keyText: string, values: readonly Value[], place: Readonly<RecordPlace>): void {
    const key = this.#keyBytes.of(keyText)
    this.#writer.reset()
    this.#writer.varint(place.partition)
    writeValues(values, this.#writer)
    const { time, offset, index } = place
    const destination = partitionOf(key, this.#partitions)
    parts.add(destination, ROW_CARRIED, this.#input, time, offset, index, key, this.#writer.written())
  }
}

/** Keeps nothing of the row's bytes. */
export function carriedRecord({ a, b, revision, flags, key, value }: Row): OrderedRecord {
  const reader = new StateReader(value)
  const partition = reader.varint()
  const values = readValues(reader)
  reader.end()
  return {
    time: a,
    partition,
    offset: b,
    index: revision,
    input: flags,
    key: Buffer.from(key).toString('utf8'),
    values,
  }
}
