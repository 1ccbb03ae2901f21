/** Waiting for the coordinator to end the transaction before, which it says by CONCURRENT_TRANSACTIONS (kafkajs issue 430). */
import { setTimeout as delay } from 'node:timers/promises'
import { typeOf } from './failure.ts'

/** How long an earlier writer's transaction may take to end. */
const CONCURRENT_DEADLINE_MS = 30_000
const CONCURRENT_WAIT_MS = 2
const CONCURRENT_WAIT_MAX_MS = 50

/** Repeats a call that changes nothing as long as the answer is that an earlier transaction is still being ended. */
export async function whileConcurrent<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + CONCURRENT_DEADLINE_MS
  for (let wait = CONCURRENT_WAIT_MS; ; wait = Math.min(wait * 2, CONCURRENT_WAIT_MAX_MS)) {
    try {
      return await call()
    } catch (error) {
      if (typeOf(error) !== 'CONCURRENT_TRANSACTIONS' || performance.now() > deadline) throw error
    }
    await delay(wait)
  }
}
