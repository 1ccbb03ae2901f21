/**
 * The certified chain of one unit, as far as it is held in memory: from the last snapshot on, which is what replays are
 * compared with and what a succession hands over. The last certificate is the frontier; it only moves forward.
 */
import { type Digest, GENESIS } from '../ids.ts'
import { contentDigest } from './certificate.ts'
import type { Chain } from './succession.ts'
import {
  type Certificate,
  type CutContent,
  type CutPosition,
  comparePositions,
  isBehind,
  nextPosition,
} from './types.ts'
import type { UnitEffect } from './unit-contract.ts'

/** A certified place with what the next one must continue. */
export interface Frontier extends CutPosition {
  readonly last: boolean
  readonly offset: number
  readonly digest: Digest
}

const key = (position: CutPosition): string => `${position.seq}/${position.part}`

export class CertifiedChain implements Chain {
  readonly #certificates = new Map<string, Certificate>()
  #frontier: Frontier | undefined

  /** @param certificates in order, the last one being the frontier */
  constructor(certificates: readonly Certificate[]) {
    for (const certificate of certificates) this.adopt(certificate)
  }

  get frontier(): Frontier | undefined {
    return this.#frontier
  }

  at(position: CutPosition): Certificate | undefined {
    return this.#certificates.get(key(position))
  }

  /** Whether a certificate is the next link: its place follows the frontier and its parent is the frontier's digest. */
  continuedBy({ content }: Certificate): boolean {
    if (comparePositions(content, nextPosition(this.#frontier)) !== 0) return false
    return content.parent === (this.#frontier?.digest ?? GENESIS)
  }

  adopt(certificate: Certificate): void {
    const { content } = certificate
    const { seq, part, last, offset } = content
    this.#certificates.set(key(content), certificate)
    if (isBehind(this.#frontier, content)) {
      this.#frontier = { seq, part, last, offset, digest: contentDigest(content) }
    }
  }

  certificates(after: CutPosition | undefined, upTo: CutPosition | undefined): readonly Certificate[] | undefined {
    if (!isBehind(after, upTo)) return []
    const found: Certificate[] = []
    // They were adopted in the order of the chain.
    for (const certificate of this.#certificates.values()) {
      if (isBehind(after, certificate.content) && !isBehind(upTo, certificate.content)) found.push(certificate)
    }
    const [first] = found
    const last = found[found.length - 1]
    if (first === undefined || last === undefined || isBehind(last.content, upTo)) return undefined
    return follows(after, first.content) ? found : undefined
  }

  /** What was computed at or before the frontier, against its certificate. */
  compare(computed: CutContent, digest: Digest): UnitEffect[] {
    const certificate = this.at(computed)
    if (certificate === undefined) return []
    const certified = certificate.content
    const same = contentDigest(certified) === digest
    const event = same
      ? ({ kind: 'matched', certificate } as const)
      : ({ kind: 'diverged', computed, certified } as const)
    return [{ kind: 'event', event }]
  }

  /** Drops certificates below a position: a certified snapshot covers them. */
  trim(position: CutPosition): void {
    for (const [name, { content }] of this.#certificates) {
      if (comparePositions(content, position) < 0) this.#certificates.delete(name)
    }
  }
}

/** Whether nothing can lie between two places of a chain. */
function follows(before: CutPosition | undefined, { seq, part }: CutPosition): boolean {
  if (before === undefined) return seq === 1 && part === 0
  return (seq === before.seq && part === before.part + 1) || (seq === before.seq + 1 && part === 0)
}
