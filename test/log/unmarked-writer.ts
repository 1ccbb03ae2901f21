/**
 * A writer to Kafka whose transactions are complete for their coordinator, and have a marker only in the partitions which
 * it was told of: what is left when a coordinator leaves markers out. It takes a broker that does not ask the coordinator
 * whether it knows what is written (`transaction.partition.verification.enable=false`).
 */
import type { KafkaCluster } from '../../src/log/kafka/cluster.ts'
import { whileConcurrent } from '../../src/log/kafka/concurrent.ts'
import type { TransactionalProducer } from '../../src/log/kafka/connection.ts'
import type { WireRequest } from '../../src/log/kafka/wire.ts'
import type { LogPartition, LogRecord } from '../../src/log/log.ts'
import { AT, writeInt64 } from '../../src/log/records/batch-header.ts'
import { encodeBatch } from '../../src/log/records/encode.ts'
import { sealed, TRANSACTIONAL } from './records/batches.ts'

const TIMEOUT_MS = 10_000

export class UnmarkedWriter {
  readonly #cluster: KafkaCluster
  readonly #id: string
  readonly #producer: TransactionalProducer

  static async open(cluster: KafkaCluster, id: string): Promise<UnmarkedWriter> {
    const coordinator = await cluster.coordinatorOf(id)
    return new UnmarkedWriter(cluster, id, await whileConcurrent(() => coordinator.initProducer(id, TIMEOUT_MS)))
  }

  private constructor(cluster: KafkaCluster, id: string, producer: TransactionalProducer) {
    this.#cluster = cluster
    this.#id = id
    this.#producer = producer
  }

  /** One batch; the first one of this writer in the partition. */
  async write({ topic, partition }: LogPartition, record: LogRecord): Promise<void> {
    const bytes = encodeBatch([record], 0, Date.now())
    const view = new DataView(bytes.buffer)
    view.setInt16(AT.attributes, TRANSACTIONAL)
    writeInt64(view, AT.producerId, this.#producer.producerId)
    view.setInt16(AT.producerEpoch, this.#producer.producerEpoch)
    view.setInt32(AT.baseSequence, 0)
    const request = produce(this.#id, { topic, partition }, sealed(bytes))
    const doing = `writing to ${topic}[${partition}]`
    const [error] = await this.#cluster.withLeaders(topic, doing, (leader) => leader.send(request), partition)
    if (error !== 0) throw new Error(`${doing} was answered with error ${error}`)
  }

  /** Ends what was written, where the coordinator is told of it. */
  async end(partitions: readonly LogPartition[], commit: boolean): Promise<void> {
    const coordinator = await this.#cluster.coordinatorOf(this.#id)
    const transaction = { transactionalId: this.#id, ...this.#producer }
    await coordinator.addPartitions(transaction, partitions)
    await coordinator.endTransaction(transaction, commit)
  }
}

/**
 * Produce, version 3: string transactional id | i16 acks = all | i32 timeout | [string topic | [i32 partition | bytes]];
 * answer: [string topic | [i32 partition | i16 error | i64 offset | i64 time]] | i32 throttle
 */
const produce = (id: string, { topic, partition }: LogPartition, batch: Uint8Array): WireRequest<number> => ({
  api: { key: 0, name: 'Produce' },
  version: 3,
  flexible: false,
  write(writer) {
    writer.string(id).int16(-1).int32(TIMEOUT_MS)
    writer.array([topic], () => {
      writer.string(topic).array([partition], () => {
        writer.int32(partition).array([...batch], (byte) => writer.int8((byte << 24) >> 24))
      })
    })
  },
  read(reader) {
    const errors = reader.array(() => {
      reader.string()
      return reader.array(() => {
        reader.int32()
        const error = reader.int16()
        reader.int64()
        reader.int64()
        return error
      })
    })
    return errors[0]?.[0] ?? -1
  },
})
