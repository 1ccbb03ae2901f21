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
import { QuorateError } from '../../errors.ts'
import type { LogPartition } from '../log.ts'
import { BATCH_HEADER_BYTES } from '../records/batch-header.ts'
import { controlType } from '../records/columns.ts'
import { eachBatch } from '../records/each-batch.ts'
import type { KafkaCluster } from './cluster.ts'
import { whileConcurrent } from './concurrent.ts'
import type { BrokerConnection } from './connection.ts'
import { lookForProgress, scan } from './progress.ts'
import type { TransactionPart, Undecided } from './progress-search.ts'

const TRANSACTION_TIMEOUT_MS = 60_000
const COMMIT = 1
/** Where a transaction's records are looked for begins so long before its progress was written. */
const BEFORE_MS = 60_000

/** Of a transaction in one partition, as its readers see it; undecided ones by whether all of it is there. */
type Outcome = 'committed' | 'aborted' | 'whole' | 'partial'

/**
 * Fences whoever writes under the id. Nothing, when the transaction has been decided by then.
 * @throws QuorateError QRT_LOG_UNREACHABLE when only an operator can decide it; and what kafkajs throws
 */
export async function endUnmarked(
  cluster: KafkaCluster,
  transactionalId: string,
  progress: LogPartition,
  found: Undecided,
): Promise<void> {
  const coordinator = await cluster.coordinatorOf(transactionalId)
  const producer = await whileConcurrent(() => coordinator.initProducer(transactionalId, TRANSACTION_TIMEOUT_MS))
  const { undecided } = await lookForProgress(cluster, progress.topic, transactionalId, progress.partition)
  if (undecided === undefined || undecided.offset !== found.offset) return
  const { contents } = undecided
  if (contents === undefined)
    throw stuck(transactionalId, progress, undecided, 'its record does not say where it wrote')
  if (producer.producerId !== undecided.producerId) {
    throw stuck(transactionalId, progress, undecided, `the id has another producer now, ${producer.producerId}`)
  }
  const outcomes = new Set(await Promise.all(contents.map((part) => outcomeIn(cluster, part, undecided))))
  if (outcomes.has('committed') && outcomes.has('aborted')) {
    throw stuck(transactionalId, progress, undecided, 'it is committed in one partition and aborted in another')
  }
  const transaction = { transactionalId, ...producer }
  const commit = outcomes.has('committed') || !(outcomes.has('aborted') || outcomes.has('partial'))
  await whileConcurrent(() => coordinator.addPartitions(transaction, [progress, ...contents]))
  await coordinator.endTransaction(transaction, commit)
}

async function outcomeIn(
  cluster: KafkaCluster,
  { topic, partition, records }: TransactionPart,
  { producerId, producerEpoch, timestamp }: Undecided,
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

function stuck(transactionalId: string, { topic, partition }: LogPartition, undecided: Undecided, why: string) {
  return new QuorateError(
    'QRT_LOG_UNREACHABLE',
    `expected every earlier transaction of "${transactionalId}" to be committed or aborted, found the one of producer ` +
      `${undecided.producerId} in ${topic}[${partition}] at ${undecided.offset} neither, and ${why}; nothing is written ` +
      'until it is, or rows could be there twice: end it with kafka-transactions.sh',
  )
}
