/**
 * A disk that can lose power. It holds what a peer's Store wrote and synced; `open` gives a process its Store on it,
 * and `crash` ends that process: what waits is never answered, what was not synced is gone, and the group that was
 * being synced at that moment either reached the disk as a whole or not at all, as the random source says.
 */
import type { Clock } from '../../mesh/clock.ts'
import type { Random } from '../../mesh/random.ts'
import { QuorateError } from '../../src/errors.ts'
import type { Store, StoreEntry, StoreOp, StoreTable } from '../../src/store/store.ts'
import { copyOfBytes } from './byte-copies.ts'
import { deleteKey, insertKey, placeOf } from './sorted.ts'

export interface SimulatedDiskOptions {
  readonly clock: Clock
  readonly random: Random
  /** A sync takes this long plus up to as much again. */
  readonly syncMs?: number
}

export interface Stored {
  readonly value: Uint8Array
  readonly corrupt: boolean
}

/** Requests that arrived during one sync and are served by the next: all writes, then all reads. */
interface Group {
  readonly ops: StoreOp[]
  readonly done: { resolve: () => void; reject: (error: QuorateError) => void }[]
  readonly reads: (() => void)[]
}

const emptyGroup = (): Group => ({ ops: [], done: [], reads: [] })

export class SimulatedDisk {
  readonly #clock: Clock
  readonly #random: Random
  readonly #syncMs: number
  readonly #tables = new Map<StoreTable, Map<string, Stored>>()
  /** Keys of each table, in order. */
  readonly #sorted = new Map<StoreTable, string[]>()
  /** Rises at each open and crash: answers to an earlier process are dropped. */
  #epoch = 0
  #syncing: Group | undefined
  #next = emptyGroup()
  #failure: QuorateError | undefined
  /** Sees what is about to be on it: for checkers. */
  onWrite: ((ops: readonly StoreOp[]) => void) | undefined

  constructor({ clock, random, syncMs = 2 }: SimulatedDiskOptions) {
    this.#clock = clock
    this.#random = random
    this.#syncMs = syncMs
  }

  /** The Store of a process that starts now. One at a time: an earlier one is crashed. */
  open(): Store {
    this.crash()
    const epoch = this.#epoch
    const ask = <T>(request: (resolve: (value: T) => void, reject: (error: QuorateError) => void) => void) =>
      new Promise<T>((resolve, reject) => {
        if (epoch !== this.#epoch) reject(new QuorateError('QRT_STORE_FAILED', 'the simulated store is closed'))
        else {
          request(resolve, reject)
          this.#serve()
        }
      })
    return {
      write: (ops) =>
        ask<void>((resolve, reject) => {
          for (const op of ops) this.#next.ops.push(copyOfOp(op))
          this.#next.done.push({ resolve, reject })
        }),
      get: (table, key) =>
        ask((resolve, reject) => {
          this.#next.reads.push(() => {
            const stored = this.#table(table).get(key)
            if (stored?.corrupt) reject(new QuorateError('QRT_STORE_CORRUPT', `simulated damage of ${table} "${key}"`))
            else resolve(stored && copyOfBytes(stored.value))
          })
        }),
      range: (table, from, to, limit) =>
        ask((resolve) => {
          this.#next.reads.push(() => resolve(this.#range(table, from, to, limit)))
        }),
      close: () =>
        ask<void>((resolve) => {
          this.#next.reads.push(() => {
            this.#epoch++
            resolve()
          })
        }),
    }
  }

  crash(): void {
    if (this.#syncing !== undefined && this.#failure === undefined && this.#random.next() < 0.5) {
      this.#apply(this.#syncing.ops)
    }
    this.#epoch++
    this.#syncing = undefined
    this.#next = emptyGroup()
    this.#failure = undefined
  }

  /** The sync that comes next fails, and every write after it, until the disk is opened again. */
  failWrites(): void {
    this.#failure = new QuorateError('QRT_STORE_FAILED', 'simulated failure of a sync', { indefinite: true })
  }

  /** All that is on it, for `restore`. */
  image(): ReadonlyMap<StoreTable, ReadonlyMap<string, Stored>> {
    return new Map([...this.#tables].map(([name, table]) => [name, new Map(table)]))
  }

  /** What was on it at an earlier time; to be called while no process has it open. */
  restore(image: ReadonlyMap<StoreTable, ReadonlyMap<string, Stored>>): void {
    this.#tables.clear()
    this.#sorted.clear()
    for (const [name, table] of image) this.#tables.set(name, new Map(table))
  }

  /** Damages one entry: reads report it until it is written or deleted. */
  corrupt(table: StoreTable, key: string): void {
    const stored = this.#table(table).get(key)
    if (stored === undefined) throw new Error(`there is no ${table} "${key}" to damage`)
    this.#table(table).set(key, { value: stored.value, corrupt: true })
  }

  /** What would be found after a crash at this moment: for checkers. */
  keys(table: StoreTable): string[] {
    return [...this.#keys(table)]
  }

  /** The bytes of an entry, damaged or not: for checkers. */
  find(table: StoreTable, key: string): Uint8Array | undefined {
    return this.#table(table).get(key)?.value
  }

  #serve(): void {
    if (this.#syncing !== undefined) return
    const { ops, done, reads } = this.#next
    if (done.length === 0 && reads.length === 0) return
    const epoch = this.#epoch
    this.#syncing = { ops, done, reads }
    this.#next = emptyGroup()
    const delayMs = done.length === 0 ? 0 : this.#syncMs * (1 + this.#random.next())
    this.#clock.after(delayMs, () => {
      if (epoch !== this.#epoch) return
      const failure = this.#failure
      if (done.length > 0 && failure !== undefined) for (const { reject } of done) reject(failure)
      else {
        this.#apply(ops)
        for (const { resolve } of done) resolve()
      }
      for (const read of reads) read()
      if (epoch !== this.#epoch) return
      this.#syncing = undefined
      this.#serve()
    })
  }

  #apply(ops: readonly StoreOp[]): void {
    this.onWrite?.(ops)
    for (const op of ops) {
      const table = this.#table(op.table)
      const keys = this.#keys(op.table)
      if (op.kind === 'put') {
        if (!table.has(op.key)) insertKey(keys, op.key)
        table.set(op.key, { value: op.value, corrupt: false })
      } else if (op.kind === 'delete') {
        if (table.delete(op.key)) deleteKey(keys, op.key)
      } else {
        const first = placeOf(op.from, keys)
        for (const key of keys.splice(first, placeOf(op.to, keys) - first)) table.delete(key)
      }
    }
  }

  #range(table: StoreTable, from: string, to: string, limit: number): StoreEntry[] {
    const values = this.#table(table)
    const keys = this.#keys(table)
    const first = placeOf(from, keys)
    return keys.slice(first, Math.min(placeOf(to, keys), first + limit)).flatMap((key): StoreEntry[] => {
      const stored = values.get(key)
      if (stored === undefined) return []
      return [stored.corrupt ? { key, corrupt: true } : { key, value: copyOfBytes(stored.value) }]
    })
  }

  #keys(table: StoreTable): string[] {
    const known = this.#sorted.get(table)
    if (known !== undefined) return known
    const keys = [...this.#table(table).keys()].sort()
    this.#sorted.set(table, keys)
    return keys
  }

  #table(name: StoreTable): Map<string, Stored> {
    const known = this.#tables.get(name)
    if (known !== undefined) return known
    const table = new Map<string, Stored>()
    this.#tables.set(name, table)
    return table
  }
}

function copyOfOp(op: StoreOp): StoreOp {
  if (op.kind !== 'put') return op
  const { kind, table, key, value } = op
  return { kind, table, key, value: copyOfBytes(value) }
}
