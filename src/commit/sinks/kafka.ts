/**
 * Rows to a topic of the log: key and value are the row's certified bytes, or the value is what a format makes of them; headers say which revision of which window
 * it is. A key's partition is the one every other Kafka client computes.
 */
import { partitionOf, readRows } from '../../../operators/index.ts'
import { QuorateError } from '../../errors.ts'
import type { Log, LogPartition, LogRecord } from '../../log/log.ts'
import { type EncodeValue, valueEncoder } from '../format/encode.ts'
import type { RowFormat } from '../format/plan.ts'
import type { CertifiedBatch, Sink, UnitIdentity, UnitSink } from '../sink.ts'
import { openLogSession, translated } from './log-session.ts'
import { placeOf, type RowPlace } from './row-text.ts'

export class KafkaSink implements Sink {
  readonly name: string
  readonly #topic: string
  readonly #log: Log
  readonly #encode: EncodeValue

  /** @param format of the values; absent: JSON, as certified */
  constructor(topic: string, log: Log, format?: RowFormat) {
    this.name = `kafka:${topic}`
    this.#topic = topic
    this.#log = log
    this.#encode = valueEncoder(format, this.name)
  }

  async probe(): Promise<void> {
    await this.#partitions('QRT_SINK_UNSUPPORTED')
  }

  async open(unit: UnitIdentity): Promise<UnitSink> {
    const partitions = await this.#partitions('QRT_SINK_UNREACHABLE')
    return openLogSession(this.#log, this.name, unit, (batch) => recordsOf(batch, partitions, this.#encode))
  }

  /** The log belongs to whoever opened it. */
  async close(): Promise<void> {}

  async #partitions(missing: 'QRT_SINK_UNSUPPORTED' | 'QRT_SINK_UNREACHABLE'): Promise<readonly LogPartition[]> {
    const topic = this.#topic
    const description = await translated(this.name, () => this.#log.describeTopic(topic))
    if (description === undefined) {
      throw new QuorateError(missing, `${this.name}: there is no topic "${topic}"; create it, results wait until then`)
    }
    return Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }))
  }
}

function recordsOf(
  batch: CertifiedBatch,
  partitions: readonly LogPartition[],
  encode: EncodeValue,
): Map<LogPartition, LogRecord[]> {
  const records = new Map<LogPartition, LogRecord[]>()
  for (const row of readRows(batch.body)) {
    const partition = partitions[partitionOf(row.key, partitions.length)]
    if (partition === undefined) throw new RangeError(`no partition for a key among ${partitions.length}`)
    const record = { key: row.key, value: encode(row.value), headers: headersOf(placeOf(row)) }
    const others = records.get(partition)
    if (others === undefined) records.set(partition, [record])
    else others.push(record)
  }
  return records
}

/** Windows and source places as numbers, so that no range of dates limits them: `start/end`, `partition/offset/index`. */
function headersOf(place: RowPlace): Record<string, string> {
  if (place.kind !== 'window') return { source: `${place.partition}/${place.offset}/${place.index}` }
  const { start, end, revision, final, removed } = place
  return {
    window: `${start}/${end}`,
    revision: String(revision),
    final: String(final),
    ...(removed === undefined ? {} : { removed: String(removed) }),
  }
}
