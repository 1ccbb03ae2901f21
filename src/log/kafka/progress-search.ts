/**
 * Finds the last committed record under one key among the batches of a progress partition. They are read uncommitted, and
 * the transactions are followed here: those of other ids in the same partition may be open, and a reader of what is stable
 * would stop in front of them.
 *
 * A progress record says in a header how many records its transaction writes to which partitions, so that whoever finds it
 * without a marker knows where else to look, and for what: { topic: { partition: records } } as JSON.
 */
import type { LogPartition, LogRecord, Progress } from '../log.ts'
import { BATCH_HEADER_BYTES, type BatchHeader } from '../records/batch-header.ts'
import { controlType, RecordColumns } from '../records/columns.ts'
import { decompress } from '../records/compression.ts'
import { eachBatch } from '../records/each-batch.ts'

const CONTENTS_HEADER = 'contents'
const COMMIT = 1

/** A transaction, as its progress record tells. */
export interface WrittenTransaction {
  readonly producerId: number
  readonly producerEpoch: number
  /** Of its progress record, which it wrote first. */
  readonly offset: number
  /** Epoch milliseconds, by the writer's clock. */
  readonly timestamp: number
  readonly progress: Progress
  /** What it writes besides the progress; undefined when the record does not say. */
  readonly contents: readonly TransactionPart[] | undefined
}

export interface TransactionPart extends LogPartition {
  readonly records: number
}

export class ProgressSearch {
  /** The last one that is committed. */
  committed: WrittenTransaction | undefined
  readonly #key: Uint8Array
  readonly #columns = new RecordColumns()
  /** By producer: what its open transaction wrote under the key. */
  readonly #open = new Map<number, WrittenTransaction>()

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** One that has no marker. */
  get undecided(): WrittenTransaction | undefined {
    const [first] = this.#open.values()
    return first
  }

  /** Takes what a fetch at `position` brought, and returns where the next one begins. */
  add(bytes: Buffer, position: number, end: number): number {
    return eachBatch(bytes, position, end, (header, at) => this.#addBatch(header, bytes, at))
  }

  #addBatch(header: BatchHeader, bytes: Buffer, at: number): void {
    const from = at + BATCH_HEADER_BYTES
    const to = at + header.size
    const { producerId, producerEpoch } = header
    if (header.control) {
      const written = this.#open.get(producerId)
      this.#open.delete(producerId)
      if (written !== undefined && controlType(bytes, from) === COMMIT) this.committed = written
      return
    }
    const columns = this.#columns
    columns.reset(0)
    if (header.compression === 0) columns.add(header, bytes, from, to, 0)
    else {
      const records = decompress(header.compression, bytes.subarray(from, to))
      columns.add(header, records, 0, records.length, 0)
    }
    for (let i = 0; i < columns.length; i++) {
      const key = columns.key(i)
      if (key === null || Buffer.compare(key, this.#key) !== 0) continue
      const progress = columns.value(i)?.slice()
      if (!header.transactional || progress === undefined) continue
      const contents = readContents(columns.headers(i)?.get(CONTENTS_HEADER))
      const place = { producerId, producerEpoch, offset: columns.offset(i), timestamp: columns.timestamp(i) }
      this.#open.set(producerId, { ...place, progress, contents })
    }
  }
}

/** The headers of a progress record. */
export function contentsHeader(
  records: Iterable<readonly [LogPartition, readonly LogRecord[]]>,
): Record<string, string> {
  const byTopic: Contents = {}
  for (const [{ topic, partition }, { length }] of records) {
    const counts = byTopic[topic] ?? {}
    byTopic[topic] = counts
    if (length > 0) counts[partition] = (counts[partition] ?? 0) + length
  }
  return { [CONTENTS_HEADER]: JSON.stringify(byTopic) }
}

type Contents = Record<string, Record<string, number>>

function readContents(header: Uint8Array | undefined): readonly TransactionPart[] | undefined {
  if (header === undefined) return undefined
  const byTopic = JSON.parse(Buffer.from(header).toString('utf8')) as Contents
  return Object.entries(byTopic).flatMap(([topic, counts]) =>
    Object.entries(counts).map(([partition, records]) => ({ topic, partition: Number(partition), records })),
  )
}
