/**
 * The way to the next stage: each non-empty body of a batch becomes one record of its partition of the internal topic,
 * with what its reader needs to check it (slice.ts).
 */
import { assert, leafDigest, merklePath, merkleRoot } from '../../../mesh/index.ts'
import { QuorateError } from '../../errors.ts'
import type { Log, LogPartition, LogRecord } from '../../log/log.ts'
import type { CertifiedBatch, Sink, UnitIdentity, UnitSink } from '../sink.ts'
import { decodeDestinations, encodeSlice } from '../slice.ts'
import { openLogSession, translated } from './log-session.ts'

export class ShuffleSink implements Sink {
  readonly name: string
  readonly #topic: string
  readonly #partitions: readonly LogPartition[]
  readonly #log: Log

  constructor(topic: string, partitions: number, log: Log) {
    this.name = `shuffle:${topic}`
    this.#topic = topic
    this.#partitions = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    this.#log = log
  }

  /** Kept without limit: what is below every replica's oldest snapshot is trimmed, nothing else. */
  async probe(): Promise<void> {
    const settings = { partitions: this.#partitions.length, cleanupPolicy: 'delete', retentionMs: -1 } as const
    await translated(this.name, () => this.#log.createTopic(this.#topic, settings))
  }

  async open(unit: UnitIdentity): Promise<UnitSink> {
    await this.probe()
    return openLogSession(this.#log, this.name, unit, (batch) => this.#recordsOf(batch))
  }

  /** The log belongs to whoever opened it. */
  async close(): Promise<void> {}

  #recordsOf(batch: CertifiedBatch): Map<LogPartition, LogRecord[]> {
    const bodies = decodeDestinations(batch.body)
    const digests = bodies.map(leafDigest)
    if (bodies.length < this.#partitions.length || merkleRoot(digests) !== batch.outDigest) {
      throw new QuorateError(
        'QRT_SINK_REFUSED',
        `${this.name}: the ${bodies.length} bodies of ${batch.unit} at cut ${batch.position.seq} part ` +
          `${batch.position.part} are not those that were certified for ${this.#partitions.length} partitions`,
      )
    }
    const records = new Map<LogPartition, LogRecord[]>()
    for (const partition of this.#partitions) {
      const destination = partition.partition
      const body = bodies[destination]
      assert(body !== undefined, 'there is a body for each partition')
      if (body.length === 0) continue
      const path = merklePath(digests, destination)
      const value = encodeSlice({ destination, leaves: digests.length, path, certificate: batch.certificate, body })
      records.set(partition, [{ key: null, value }])
    }
    return records
  }
}
