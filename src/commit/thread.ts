/**
 * Sinks run on a thread of their own, so that compressing, hashing and serializing a batch never delays a vote. This is
 * the main thread's end: the same Sink interface, by messages.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { PeerId } from '../../mesh/index.ts'
import { type CheckpointKeeper, KEEPER_CALLS } from '../checkpoint/keeper.ts'
import type { CheckpointSettings } from '../checkpoint/place.ts'
import { QuorateError, type QuorateErrorCode } from '../errors.ts'
import type { LogSettings } from '../log/log.ts'
import type { CertifiedBatch, Sink, SinkConnections, SinkPlan, SinkProgress, UnitIdentity, UnitSink } from './sink.ts'

export interface CommitThreadData {
  readonly log: LogSettings
  readonly connections: SinkConnections
  readonly self: PeerId
  readonly checkpoints: CheckpointSettings | undefined
}

export type CommitCall =
  | { readonly call: 'probe'; readonly plan: SinkPlan }
  | { readonly call: 'shared'; readonly plan: SinkPlan; readonly peers: readonly PeerId[] }
  | { readonly call: 'open'; readonly plan: SinkPlan; readonly unit: UnitIdentity; readonly session: number }
  | { readonly call: 'write'; readonly session: number; readonly batches: readonly CertifiedBatch[] }
  | { readonly call: 'announced'; readonly session: number }
  | { readonly call: 'close'; readonly session: number }
  | { readonly call: 'checkpoint'; readonly method: keyof CheckpointKeeper; readonly args: readonly unknown[] }
  | { readonly call: 'stop' }

export type CommitAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | {
      readonly id: number
      readonly ok: false
      readonly code: QuorateErrorCode
      readonly message: string
      readonly indefinite: boolean
    }

/** A client of a sink that is away may wait long for it. */
const STOP_WITHIN_MS = 4_000

export class CommitThread {
  readonly #worker: Worker
  readonly #onFailure: (error: Error) => void
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #number = 0
  /** Why it takes no calls any more. */
  #ended: QuorateError | undefined

  constructor(data: CommitThreadData, onFailure: (error: Error) => void) {
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: data })
    this.#worker.on('message', (answer: CommitAnswer) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if (answer.ok) waiting?.resolve(answer.value)
      else waiting?.reject(new QuorateError(answer.code, answer.message, { indefinite: answer.indefinite }))
    })
    this.#onFailure = onFailure
    this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))))
    this.#worker.on('exit', (code) => this.#fail(new Error(`it ended with code ${code}`)))
  }

  sink(plan: SinkPlan): Sink {
    return {
      name: sinkName(plan),
      probe: async () => {
        await this.#call({ call: 'probe', plan })
      },
      open: (unit) => this.#open(plan, unit),
      ...(plan.kind === 'file'
        ? { sharedBy: async (peers: readonly PeerId[]) => (await this.#call({ call: 'shared', plan, peers })) === true }
        : {}),
      close: async () => undefined,
    }
  }

  /** The keeper of checkpoints, on this thread's other end. */
  get checkpoints(): CheckpointKeeper {
    const call =
      (method: keyof CheckpointKeeper) =>
      (...args: unknown[]) =>
        this.#call({ call: 'checkpoint', method, args })
    return Object.fromEntries(KEEPER_CALLS.map((method) => [method, call(method)])) as unknown as CheckpointKeeper
  }

  /** Its clients end their connections, if they can do so soon; then the thread ends, whatever they do. */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) return
    const stopping = this.#call({ call: 'stop' })
    this.#ended = new QuorateError('QRT_WORKER_FAILED', 'the commit thread was stopped', { indefinite: true })
    try {
      await Promise.race([stopping, delay(STOP_WITHIN_MS, undefined, { ref: false })])
    } finally {
      await this.#worker.terminate()
      this.#settle(this.#ended)
    }
  }

  #fail(cause: Error): void {
    // It was asked to end, or has said already why it does.
    if (this.#ended !== undefined) return
    this.#ended = new QuorateError('QRT_WORKER_FAILED', `the commit thread ended: ${cause.message}`, {
      cause,
      indefinite: true,
    })
    this.#settle(this.#ended)
    this.#onFailure(cause)
  }

  /** Nobody answers any more. */
  #settle(error: QuorateError): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  async #open(plan: SinkPlan, unit: UnitIdentity): Promise<UnitSink> {
    this.#number += 1
    const session = this.#number
    const progress = (await this.#call({ call: 'open', plan, unit, session })) as SinkProgress | undefined
    return {
      progress,
      announced: async () => (await this.#call({ call: 'announced', session })) as SinkProgress | undefined,
      write: async (batches) => (await this.#call({ call: 'write', session, batches })) as 'written' | 'already',
      close: async () => {
        await this.#call({ call: 'close', session })
      },
    }
  }

  #call(call: CommitCall): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    this.#number += 1
    const id = this.#number
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, ...call })
    })
  }
}

/** Stable within a job; what status, events and metrics call the sink. */
export function sinkName(plan: SinkPlan): string {
  switch (plan.kind) {
    case 'kafka':
      return `kafka:${plan.topic}`
    case 'mongodb':
      return `mongodb:${plan.database}.${plan.collection}`
    case 's3':
      return `s3:${plan.bucket}/${plan.prefix}`
    case 'file':
      return `file:${plan.directory}`
    case 'shuffle':
      return `shuffle:${plan.topic}`
  }
}
