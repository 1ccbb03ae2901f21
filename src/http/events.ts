/**
 * Live events as server-sent events. One bounded history serves all clients: each is a cursor into it, so a slow client
 * costs nothing but falls behind, and one that returns with Last-Event-ID goes on where it stopped. Whoever misses events,
 * because the history has moved on or the peer was restarted, is told so by a `gap` event.
 */
import { randomBytes } from 'node:crypto'
import { QuorateError } from '../errors.ts'
import type { LiveEvent, PeerApi } from './api.ts'
import { toJson } from './json.ts'
import { HTTP_LIMITS, HTTP_TIMING } from './limits.ts'

export interface EventHubOptions {
  readonly history?: number
  readonly clients?: number
  readonly heartbeatMs?: number
}

export class EventHub {
  readonly #history: number
  readonly #clientBound: number
  readonly #heartbeatMs: number
  /** Tells this process's numbering from that of an earlier one. */
  readonly #epoch = randomBytes(4).toString('hex')
  readonly #frames: string[] = []
  /** Number of the oldest frame kept. */
  #first = 1
  #clients = 0
  #closed = false
  readonly #waiting = new Set<() => void>()
  readonly #unsubscribe: () => void

  constructor(api: Pick<PeerApi, 'subscribe'>, options: EventHubOptions = {}) {
    this.#history = options.history ?? HTTP_LIMITS.eventHistory
    this.#clientBound = options.clients ?? HTTP_LIMITS.eventClients
    this.#heartbeatMs = options.heartbeatMs ?? HTTP_TIMING.eventHeartbeatMs
    this.#unsubscribe = api.subscribe((event) => this.#add(event))
  }

  /**
   * A stream of frames: from now on, from behind `lastEventId`, or all that is kept (`start`).
   * @throws QuorateError QRT_UNREACHABLE when the peer serves as many streams as it may
   */
  open(lastEventId: string | undefined): ReadableStream<Uint8Array> {
    if (this.#clients >= this.#clientBound) {
      const detail = `this peer already serves ${this.#clients} event streams: ask another peer, or later`
      throw new QuorateError('QRT_UNREACHABLE', detail)
    }
    this.#clients++
    const encoder = new TextEncoder()
    let { next, opening } = this.#resume(lastEventId)
    let ended = false
    const end = (): void => {
      if (ended) return
      ended = true
      this.#clients--
    }
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          controller.enqueue(encoder.encode(`retry: ${HTTP_TIMING.eventRetryMs}\n\n${opening}`))
        },
        // Called only when the client has taken what it was sent: this is where a slow one waits.
        pull: async (controller) => {
          const news = await this.#newsAfter(next)
          if (ended) return
          if (this.#closed) {
            end()
            controller.close()
            return
          }
          const taken = news ? this.#take(next) : { text: ': still here\n\n', next }
          next = taken.next
          controller.enqueue(encoder.encode(taken.text))
        },
        cancel: end,
      },
      { highWaterMark: 1 },
    )
  }

  /** Ends all streams. */
  close(): void {
    this.#closed = true
    this.#unsubscribe()
    this.#wake()
  }

  get #end(): number {
    return this.#first + this.#frames.length
  }

  #add(event: LiveEvent): void {
    this.#frames.push(`id: ${this.#epoch}-${this.#end}\nevent: ${event.kind}\ndata: ${toJson(event)}\n\n`)
    if (this.#frames.length > this.#history) {
      this.#frames.shift()
      this.#first++
    }
    this.#wake()
  }

  #resume(lastEventId: string | undefined): { next: number; opening: string } {
    if (lastEventId === undefined) return { next: this.#end, opening: '' }
    if (lastEventId === 'start') return { next: this.#first, opening: '' }
    const [epoch, number] = lastEventId.split('-')
    const last = Number(number)
    if (epoch === this.#epoch && Number.isSafeInteger(last) && last >= 0 && last < this.#end) {
      return { next: last + 1, opening: '' }
    }
    // Another process numbered that event: how many were missed cannot be known, all that is kept is given.
    return { next: this.#first, opening: gapFrame({ reason: 'the peer was restarted' }) }
  }

  #take(from: number): { text: string; next: number } {
    const start = Math.max(from, this.#first)
    const next = Math.min(start + HTTP_LIMITS.eventBatch, this.#end)
    const gap = start > from ? gapFrame({ reason: 'the client was too far behind', missed: start - from }) : ''
    return { text: gap + this.#frames.slice(start - this.#first, next - this.#first).join(''), next }
  }

  /** True once there is an event at `next` or the hub has closed; false when a heartbeat is due before. */
  #newsAfter(next: number): Promise<boolean> {
    if (this.#closed || next < this.#end) return Promise.resolve(true)
    return new Promise((resolve) => {
      const wake = (): void => finish(true)
      const timer = setTimeout(() => finish(false), this.#heartbeatMs)
      timer.unref()
      const finish = (news: boolean): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve(news)
      }
      this.#waiting.add(wake)
    })
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

const gapFrame = (gap: { reason: string; missed?: number }): string => `event: gap\ndata: ${toJson(gap)}\n\n`
