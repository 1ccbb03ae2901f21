/** Signed flushes of other peers, checked: statements that come out of here were made by whom they name. */
import { rememberingNodes } from './agreement/merkle.ts'
import { isStatement, isStatementProof, verifyStatement } from './agreement/statement.ts'
import type { Verifier } from './identity.ts'
import type { PeerId } from './ids.ts'
import { LIMITS } from './limits.ts'
import type { SignedItem } from './outbox.ts'

export interface FlushesHandler {
  readonly onStatement: (from: PeerId, item: SignedItem) => void
  readonly onMalformed: (from: PeerId, what: string) => void
}

export class Flushes {
  readonly #verifier: Verifier
  readonly #handler: FlushesHandler
  /** Statements of one flush share its signature: the last one that checked is remembered. */
  #checked: readonly Uint8Array[] = []

  constructor(verifier: Verifier, handler: FlushesHandler) {
    this.#verifier = verifier
    this.#handler = handler
  }

  receive(from: PeerId, items: unknown): void {
    const { onStatement, onMalformed } = this.#handler
    if (!Array.isArray(items) || items.length > LIMITS.flushStatements) {
      onMalformed(from, 'flush')
      return
    }
    const node = items.length > 1 ? rememberingNodes() : undefined
    for (const item of items as SignedItem[]) {
      if (!isStatement(item?.statement) || !isStatementProof(item.proof) || item.proof.peer !== from) {
        onMalformed(from, 'statement')
        return
      }
      if (!verifyStatement(item.statement, item.proof, this.#verify, node)) {
        onMalformed(from, 'signature')
        return
      }
      onStatement(from, item)
    }
  }

  readonly #verify: Verifier['verify'] = (publicKey, bytes, signature) => {
    const [key, signed, by] = this.#checked
    const same = key !== undefined && isSame(by, signature) && isSame(signed, bytes) && isSame(key, publicKey)
    if (same) return true
    const ok = this.#verifier.verify(publicKey, bytes, signature)
    if (ok) this.#checked = [publicKey, bytes, signature]
    return ok
  }
}

const isSame = (one: Uint8Array | undefined, other: Uint8Array): boolean =>
  one !== undefined && Buffer.compare(one, other) === 0
