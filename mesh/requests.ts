/** Requests between peers: an answer, an error, or a timeout; bounded per peer. */
import type { Clock } from './clock.ts'
import { MeshError } from './errors.ts'
import type { PeerId } from './ids.ts'
import { LIMITS } from './limits.ts'
import type { Wire } from './transport/transport.ts'

interface Waiting {
  readonly peer: PeerId
  readonly resolve: (body: Wire) => void
  readonly reject: (error: Error) => void
  readonly cancel: () => void
}

export class Requests {
  readonly #clock: Clock
  readonly #send: (to: PeerId, body: Wire) => boolean
  readonly #answer: (from: PeerId, body: Wire) => Promise<Wire>
  readonly #waiting = new Map<number, Waiting>()
  #number = 0

  constructor(
    clock: Clock,
    send: (to: PeerId, body: Wire) => boolean,
    answer: (from: PeerId, body: Wire) => Promise<Wire>,
  ) {
    this.#clock = clock
    this.#send = send
    this.#answer = answer
  }

  request(to: PeerId, body: Wire, timeoutMs: number): Promise<Wire> {
    if (this.#waiting.size >= LIMITS.pendingRequests) {
      return Promise.reject(new MeshError('QRT_MESH_OVERLOADED', 'too many requests to other peers wait for an answer'))
    }
    this.#number += 1
    const id = this.#number
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        this.#settle(id)?.reject(
          new MeshError('QRT_MESH_UNREACHABLE', `peer ${to} did not answer within ${timeoutMs} ms`),
        )
      })
      this.#waiting.set(id, { peer: to, resolve, reject, cancel })
      if (!this.#send(to, { c: 'request', id, body })) {
        this.#settle(id)?.reject(new MeshError('QRT_MESH_UNREACHABLE', `peer ${to} is not connected`))
      }
    })
  }

  receive(
    from: PeerId,
    envelope: { readonly c: string; readonly id: unknown; readonly body?: Wire; readonly error?: unknown },
  ): void {
    const { id } = envelope
    if (typeof id !== 'number') return
    if (envelope.c === 'request') {
      this.#answer(from, envelope.body ?? null).then(
        (body) => this.#send(from, { c: 'response', id, body }),
        (error) =>
          this.#send(from, { c: 'response', id, error: error instanceof Error ? error.message : String(error) }),
      )
      return
    }
    const waiting = this.#waiting.get(id)
    if (waiting === undefined || waiting.peer !== from) return
    this.#settle(id)
    if (typeof envelope.error === 'string') waiting.reject(new MeshError('QRT_MESH_UNREACHABLE', envelope.error))
    else waiting.resolve(envelope.body ?? null)
  }

  disconnected(peer: PeerId): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.peer !== peer) continue
      this.#settle(id)?.reject(new MeshError('QRT_MESH_UNREACHABLE', `the connection to peer ${peer} ended`))
    }
  }

  close(): void {
    for (const id of [...this.#waiting.keys()]) {
      this.#settle(id)?.reject(new MeshError('QRT_MESH_CLOSED', 'this peer is stopping'))
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.cancel()
    return waiting
  }
}
