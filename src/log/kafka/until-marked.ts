/** Waiting for the markers of a transaction, of which a record is known. */
import { setTimeout as delay } from 'node:timers/promises'
import type { LogPartition } from '../log.ts'
import { eachBatch } from '../records/each-batch.ts'
import type { KafkaCluster } from './cluster.ts'
import { openIn } from './producers.ts'
import { scan } from './progress.ts'

const MARKED_WITHIN_MS = 5_000
const WAIT_MS = 2
const WAIT_MAX_MS = 50

/**
 * @param offset of a record of the transaction
 * @param others where it wrote besides
 * @throws Error when a marker does not come
 */
export async function untilMarked(
  cluster: KafkaCluster,
  { topic, partition }: LogPartition,
  offset: number,
  others: readonly LogPartition[],
): Promise<void> {
  const deadline = performance.now() + MARKED_WITHIN_MS
  const doing = `looking for the end of a transaction in ${topic}[${partition}]`
  let from = offset
  let producerId: number | undefined
  let marked = false
  for (let wait = WAIT_MS; ; wait = Math.min(wait * 2, WAIT_MAX_MS)) {
    await cluster.withLeaders(
      topic,
      doing,
      (leader) =>
        scan(leader, { topic, partition }, from, (bytes, position, end) => {
          from = eachBatch(bytes, position, end, (header) => {
            if (header.nextOffset <= offset) return
            producerId ??= header.producerId
            marked ||= header.control && header.producerId === producerId
          })
          return from
        }),
      partition,
    )
    const open = marked && producerId !== undefined ? await openIn(cluster, others, producerId) : undefined
    if (open?.length === 0) return
    if (performance.now() > deadline) {
      const [where = { topic, partition }] = open ?? []
      throw new Error(`the transaction at ${offset} has no marker in ${where.topic}[${where.partition}]`)
    }
    await delay(wait)
  }
}
