/**
 * The Store as the peer uses it: SQLite on a thread of its own (thread-worker.ts). This side only matches outcomes to
 * promises. When the thread dies, everything that waits is rejected and `onFailure` says so once: a peer without its
 * store must not vote.
 */
import { Worker } from 'node:worker_threads'
import { QuorateError } from '../errors.ts'
import type { Store, StoreEntry, StoreOp, StoreTable } from './store.ts'
import type { StoreFault, StoreReply, StoreRequest, StoreResult } from './thread-protocol.ts'

export interface StoreThreadOptions {
  /** The thread ended without being asked to. Called at most once; every call from then on is rejected. */
  readonly onFailure?: (error: QuorateError) => void
}

interface Waiting {
  readonly resolve: (result: StoreResult) => void
  readonly reject: (error: QuorateError) => void
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

/** @throws QuorateError QRT_STORE_FAILED or QRT_STORE_CORRUPT when the file cannot be opened. */
export async function openStoreThread(file: string, options: StoreThreadOptions = {}): Promise<Store> {
  const worker = new Worker(new URL('./thread-worker.ts', import.meta.url), { workerData: { file }, name: 'store' })
  await opened(worker, file)
  return new StoreThread(worker, file, options.onFailure)
}

function opened(worker: Worker, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', (reply: StoreReply) => {
      if (reply.kind === 'refused') reject(errorOf(reply.fault))
      else resolve()
    })
    // Once it is open these two come too late to matter: the promise is settled.
    worker.once('error', (cause) => reject(failed(file, `could not start: ${cause.message}`, cause)))
    worker.once('exit', (code) => reject(failed(file, `ended with code ${code} before it was open`)))
  })
}

const errorOf = ({ code, message, indefinite }: StoreFault) => new QuorateError(code, message, { indefinite })

const failed = (file: string, what: string, cause?: unknown) =>
  new QuorateError('QRT_STORE_FAILED', `the thread of the store ${file} ${what}`, {
    indefinite: true,
    ...(cause === undefined ? {} : { cause }),
  })

class StoreThread implements Store {
  readonly #worker: Worker
  readonly #file: string
  readonly #onFailure: ((error: QuorateError) => void) | undefined
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  /** Set once no more requests are taken: the reason, as every later call gets it. */
  #ended: QuorateError | undefined
  #closed: Promise<void> | undefined

  constructor(worker: Worker, file: string, onFailure: ((error: QuorateError) => void) | undefined) {
    this.#worker = worker
    this.#file = file
    this.#onFailure = onFailure
    worker.on('message', (reply: StoreReply) => this.#settle(reply))
    worker.on('error', (cause) => this.#fail(failed(file, `failed: ${cause.message}`, cause)))
    worker.on('messageerror', (cause) => this.#fail(failed(file, 'sent what cannot be read', cause)))
    worker.on('exit', (code) => this.#fail(failed(file, `ended with code ${code}`)))
  }

  async write(ops: readonly StoreOp[]): Promise<void> {
    // The caller keeps its bytes: each value is copied once into a buffer of its own, and that one is handed over. (A
    // clone would copy the whole buffer behind a view, which may be a frame of megabytes.)
    const transfer: ArrayBuffer[] = []
    const own = ops.map((op) => {
      if (op.kind !== 'put') return op
      const value = new Uint8Array(op.value)
      transfer.push(value.buffer)
      return { ...op, value }
    })
    await this.#request({ kind: 'write', ops: own }, transfer)
  }

  async get(table: StoreTable, key: string): Promise<Uint8Array | undefined> {
    return (await this.#request({ kind: 'get', table, key })) as Uint8Array | undefined
  }

  async range(table: StoreTable, from: string, to: string, limit: number): Promise<readonly StoreEntry[]> {
    return (await this.#request({ kind: 'range', table, from, to, limit })) as readonly StoreEntry[]
  }

  /** Everything asked before is done first. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    if (this.#ended !== undefined) return
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()))
    const done = this.#request({ kind: 'close' })
    this.#ended = new QuorateError('QRT_STORE_FAILED', `the store ${this.#file} is closed`)
    await done
    await exited
  }

  #request(request: WithoutId<StoreRequest>, transfer: ArrayBuffer[] = []): Promise<StoreResult> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ ...request, id }, transfer)
    })
  }

  #settle(reply: StoreReply): void {
    if (reply.kind !== 'outcomes') return
    for (const outcome of reply.outcomes) {
      const waiting = this.#waiting.get(outcome.id)
      this.#waiting.delete(outcome.id)
      if ('fault' in outcome) waiting?.reject(errorOf(outcome.fault))
      else waiting?.resolve(outcome.result)
    }
  }

  #fail(error: QuorateError): void {
    const wasOpen = this.#ended === undefined
    this.#ended ??= error
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
    if (wasOpen) this.#onFailure?.(error)
  }
}
