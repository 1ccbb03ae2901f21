/**
 * Ends a transaction that its coordinator takes for ended, and that has no marker.
 *
 * A coordinator leaves the marker of a partition out when no leader is known for it ("likely deleted already"), and calls
 * the transaction complete. A partition has no leader while its only replica is fenced, as a broker is that was starved for
 * longer than its session; the coordinator still works then, for a moment. The records stay undecided, and the next marker
 * of the producer id decides them along with its own transaction's: who takes the progress for what it was before, and
 * writes the rows again, commits them twice.
 *
 * So they are decided first, by a transaction without records that takes in every partition of theirs. Where a partition did
 * get its marker, all others get the same. Where none did, nobody has seen a record, and it is committed if it is whole, as
 * it is when its own writer was told that it is committed; otherwise it cannot have been, and is aborted.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { QuorateError } from '../../errors.ts'
import type { LogPartition } from '../log.ts'
import { BATCH_HEADER_BYTES } from '../records/batch-header.ts'
import { controlType } from '../records/columns.ts'
import { eachBatch } from '../records/each-batch.ts'
import type { KafkaCluster } from './cluster.ts'
import { whileConcurrent } from './concurrent.ts'
import type { BrokerConnection } from './connection.ts'
import { openIn } from './producers.ts'
import { DECIDED_WAIT_MS, DECIDED_WITHIN_MS, lookForProgress, scan } from './progress.ts'
import type { TransactionPart, WrittenTransaction } from './progress-search.ts'

const TRANSACTION_TIMEOUT_MS = 60_000
const COMMIT = 1
/** Where a transaction's records are looked for begins so long before its progress was written. */
const BEFORE_MS = 60_000

/** Of a transaction in one partition, as its readers see it; undecided ones by whether all of it is there. */
type Outcome = 'committed' | 'aborted' | 'whole' | 'partial'

/**
 * Fences whoever writes under the id, and ends its last transaction where that has no marker.
 * @throws QuorateError QRT_LOG_UNREACHABLE when only an operator can decide it; and what kafkajs throws
 */
export async function endUnmarked(
  cluster: KafkaCluster,
  transactionalId: string,
  progress: LogPartition,
): Promise<void> {
  const coordinator = await cluster.coordinatorOf(transactionalId)
  const producer = await whileConcurrent(() => coordinator.initProducer(transactionalId, TRANSACTION_TIMEOUT_MS))
  const { committed, undecided } = await lookForProgress(cluster, progress.topic, transactionalId, progress.partition)
  const last = undecided ?? committed
  if (last === undefined || (undecided === undefined && !(await hasOpenParts(cluster, last)))) return
  const { contents, producerId } = last
  const fail = (why: string) => stuck(transactionalId, progress, last, why)
  if (contents === undefined) throw fail('its record does not say where it wrote')
  if (producer.producerId !== producerId) throw fail(`the id has another producer now, ${producer.producerId}`)
  const outcomes = new Set(await Promise.all(contents.map((part) => outcomeIn(cluster, part, last))))
  if (undecided === undefined) outcomes.add('committed')
  if (outcomes.has('committed') && outcomes.has('aborted')) {
    throw fail('it is committed in one partition and aborted in another')
  }
  const commit = outcomes.has('committed') || !(outcomes.has('aborted') || outcomes.has('partial'))
  const transaction = { transactionalId, ...producer }
  await whileConcurrent(() => coordinator.addPartitions(transaction, [progress, ...contents]))
  await coordinator.endTransaction(transaction, commit)
}

/** Whether a transaction whose progress is committed has records that are neither, and stay so for a while. */
export async function staysOpen(cluster: KafkaCluster, transaction: WrittenTransaction): Promise<boolean> {
  const deadline = performance.now() + DECIDED_WITHIN_MS
  while (await hasOpenParts(cluster, transaction)) {
    if (performance.now() > deadline) return true
    await delay(DECIDED_WAIT_MS)
  }
  return false
}

const hasOpenParts = async (cluster: KafkaCluster, { contents = [], producerId }: WrittenTransaction) =>
  (await openIn(cluster, contents, producerId)).length > 0

async function outcomeIn(
  cluster: KafkaCluster,
  { topic, partition, records }: TransactionPart,
  { producerId, producerEpoch, timestamp }: WrittenTransaction,
): Promise<Outcome> {
  const look = async (leader: BrokerConnection): Promise<Outcome> => {
    let outcome: Outcome | undefined
    /** Since the producer's last marker. */
    let open = 0
    let isIt = false
    const from = await leader.offset(topic, partition, { timestamp: timestamp - BEFORE_MS })
    await scan(leader, { topic, partition }, from, (bytes, position, end) =>
      eachBatch(bytes, position, end, (header, at) => {
        if (header.producerId !== producerId) return
        if (header.control) {
          if (isIt) outcome ??= controlType(bytes, at + BATCH_HEADER_BYTES) === COMMIT ? 'committed' : 'aborted'
          open = 0
          isIt = false
        } else if (header.producerEpoch === producerEpoch) {
          open += header.records
          // Its records were written after its progress, by the same clock.
          isIt ||= header.maxTimestamp >= timestamp
        }
      }),
    )
    return outcome ?? (open === records ? 'whole' : 'partial')
  }
  const doing = `looking for a transaction in ${topic}[${partition}]`
  const [outcome] = await cluster.withLeaders(topic, doing, look, partition)
  return outcome ?? 'partial'
}

function stuck(transactionalId: string, { topic, partition }: LogPartition, last: WrittenTransaction, why: string) {
  return new QuorateError(
    'QRT_LOG_UNREACHABLE',
    `expected every earlier transaction of "${transactionalId}" to be committed or aborted, found the one of producer ` +
      `${last.producerId} in ${topic}[${partition}] at ${last.offset} neither, and ${why}; nothing is written ` +
      'until it is, or rows could be there twice: end it with kafka-transactions.sh',
  )
}
