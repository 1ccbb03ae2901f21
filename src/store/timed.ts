/** A store whose writes are timed, from asking to durable: no vote leaves earlier, so this is part of every result's age. */
import type { Store } from './store.ts'

/** @param now monotonic milliseconds */
export function timedStore(store: Store, now: () => number, onWrite: (durationMs: number) => void): Store {
  return {
    async write(ops) {
      const startedAt = now()
      await store.write(ops)
      onWrite(now() - startedAt)
    },
    get: (table, key) => store.get(table, key),
    range: (table, from, to, limit) => store.range(table, from, to, limit),
    close: () => store.close(),
  }
}
