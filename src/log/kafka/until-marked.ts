/** Waiting for the marker of a transaction, of which a record is known. */
import { setTimeout as delay } from 'node:timers/promises'
import type { LogPartition } from '../log.ts'
import { eachBatch } from '../records/each-batch.ts'
import type { KafkaCluster } from './cluster.ts'
import { scan } from './progress.ts'

const MARKED_WITHIN_MS = 5_000
const WAIT_MS = 2
const WAIT_MAX_MS = 50

/** @param offset of a record of the transaction @throws Error when no marker comes */
export async function untilMarked(
  cluster: KafkaCluster,
  { topic, partition }: LogPartition,
  offset: number,
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
    if (marked) return
    if (performance.now() > deadline) throw new Error(`the transaction at ${offset} has no marker`)
    await delay(wait)
  }
}
