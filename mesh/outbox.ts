/**
 * The rule that the proofs rest on, in one place: effects leave in order, and nothing is signed or sent before every
 * write that came before it is durable. One flush at a time: a store write, one signature over the statements' Merkle
 * root, then the messages. What arrives meanwhile waits for the next flush, so load makes flushes larger, not more.
 */
import type { PersistOp } from './agreement/effects.ts'
import { encodeStored } from './agreement/effects.ts'
import { type Statement, signFlush } from './agreement/statement.ts'
import type { StatementProof } from './agreement/types.ts'
import type { Clock } from './clock.ts'
import type { Signer } from './identity.ts'
import type { PeerId } from './ids.ts'
import { LIMITS, TIMING } from './limits.ts'
import { planted } from './planted.ts'
import type { Wire } from './transport/transport.ts'

/** A statement with what belongs to it, as it travels. */
export interface SignedItem {
  readonly statement: Statement
  readonly attachment: Wire
  readonly proof: StatementProof
}

export interface OutboxStore {
  write(ops: readonly PersistOp[]): Promise<void>
}

type Outgoing =
  | { readonly kind: 'sign'; readonly statement: Statement; readonly attachment: Wire; readonly to: readonly PeerId[] }
  | { readonly kind: 'run'; readonly action: () => void }

export interface OutboxOptions {
  readonly signer: Signer
  readonly clock: Clock
  readonly store: OutboxStore
  /** The highest flush counter on disk. */
  readonly counter: number
  readonly deliver: (to: PeerId, items: readonly SignedItem[]) => void
  /** A write failed: the peer must stop, since it no longer knows what is durable. */
  readonly onFailure: (error: Error) => void
}

export class Outbox {
  readonly #options: OutboxOptions
  #counter: number
  #ops: PersistOp[] = []
  #outgoing: Outgoing[] = []
  /** Statements that wait until it is sure that this identity lacks none of its earlier ones. */
  #held: Outgoing[] | undefined = []
  #scheduled = false
  #flushing = false
  #closed = false

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#counter = options.counter
  }

  /** Of the last flush that was signed. */
  get counter(): number {
    return this.#counter
  }

  /** Statements wait for `release`. */
  get holds(): boolean {
    return this.#held !== undefined
  }

  /** Lets the statements go that were held; nothing is signed before. */
  release(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    this.#outgoing.push(...held)
    this.#schedule()
  }

  persist(ops: readonly PersistOp[]): void {
    this.#ops.push(...ops)
    this.#schedule()
  }

  sign(statement: Statement, attachment: Wire, to: readonly PeerId[]): void {
    const item: Outgoing = { kind: 'sign', statement, attachment, to }
    if (this.#held !== undefined) {
      this.#held.push(item)
      return
    }
    this.#outgoing.push(item)
    this.#schedule()
  }

  /** Runs an action (a send, a note to the host) once everything before it is durable. */
  after(action: () => void): void {
    this.#outgoing.push({ kind: 'run', action })
    this.#schedule()
  }

  close(): void {
    this.#closed = true
  }

  #schedule(): void {
    if (this.#scheduled || this.#flushing || this.#closed) return
    this.#scheduled = true
    this.#options.clock.after(TIMING.flushDelayMs, () => {
      this.#scheduled = false
      this.#flush().catch((error) => {
        this.#closed = true
        this.#options.onFailure(error instanceof Error ? error : new Error(String(error)))
      })
    })
  }

  async #flush(): Promise<void> {
    if (this.#closed) return
    this.#flushing = true
    const ops = this.#ops
    const outgoing = this.#outgoing.splice(0, LIMITS.flushStatements)
    this.#ops = []
    const statements = outgoing.filter((item) => item.kind === 'sign')
    if (statements.length > 0) {
      this.#counter += 1
      ops.push({ kind: 'put', table: 'meta', key: 'flushCounter', value: encodeStored(this.#counter) })
    }
    const counter = this.#counter
    const written = ops.length > 0 ? this.#options.store.write(ops) : undefined
    if (!planted('vote-before-sync')) await written
    if (this.#closed) return
    const { signer, deliver } = this.#options
    const signed = statements.map(({ statement }) => statement)
    const proofs = signed.length === 0 ? [] : signFlush(signer, counter, signed)
    const byPeer = new Map<PeerId, SignedItem[]>()
    statements.forEach(({ statement, attachment, to }, index) => {
      const proof = proofs[index]
      if (proof === undefined) return
      for (const peer of to) {
        const items = byPeer.get(peer)
        if (items === undefined) byPeer.set(peer, [{ statement, attachment, proof }])
        else items.push({ statement, attachment, proof })
      }
    })
    for (const [peer, items] of byPeer) deliver(peer, items)
    for (const item of outgoing) if (item.kind === 'run') item.action()
    this.#flushing = false
    if (this.#ops.length > 0 || this.#outgoing.length > 0) this.#schedule()
  }
}
