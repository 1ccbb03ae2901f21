/** Certificates: W equal votes of distinct members, and how anyone checks one offline. */
import type { Verifier } from '../identity.ts'
import { type Digest, isDigest, type PeerId } from '../ids.ts'
import { digestOf } from './encoding.ts'
import { isStatementProof, verifyStatement } from './statement.ts'
import type { Certificate, CutContent, Vote } from './types.ts'

/** Contents do not change, and each is asked about by several. */
const digests = new WeakMap<CutContent, Digest>()

/** What replicas compare and vote on. */
export function contentDigest(content: CutContent): Digest {
  const known = digests.get(content)
  if (known !== undefined) return known
  const digest = digestOf('cut', content)
  digests.set(content, digest)
  return digest
}

/** The vote each signer of a certificate made. */
export function certifiedVote(certificate: Certificate): Vote {
  const { unit, seq, part } = certificate.content
  return { kind: 'vote', unit, term: certificate.term, seq, part, digest: contentDigest(certificate.content) }
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/**
 * Checks a certificate: at least `write` distinct members signed a vote for exactly this content. Pure: needs the ids of
 * the members and a signature check, no peer.
 */
export function verifyCertificate(
  certificate: Certificate,
  write: number,
  members: readonly PeerId[],
  verify: Verifier['verify'],
): Verdict {
  const vote = certifiedVote(certificate)
  const signed = new Set<PeerId>()
  for (const proof of certificate.signers) {
    if (!members.includes(proof.peer)) return { ok: false, reason: `signer ${proof.peer} is not a member` }
    if (signed.has(proof.peer)) return { ok: false, reason: `signer ${proof.peer} is listed twice` }
    if (!verifyStatement(vote, proof, verify)) {
      return { ok: false, reason: `the signature of ${proof.peer} does not match the content` }
    }
    signed.add(proof.peer)
  }
  if (signed.size < write) return { ok: false, reason: `${signed.size} of ${write} signatures` }
  return { ok: true }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Shape check of cut content from outside. */
export function isCutContent(value: unknown): value is CutContent {
  if (typeof value !== 'object' || value === null) return false
  const content = value as Partial<CutContent>
  return (
    typeof content.cluster === 'string' &&
    typeof content.unit === 'string' &&
    isCount(content.seq) &&
    isCount(content.part) &&
    typeof content.last === 'boolean' &&
    isCount(content.offset) &&
    typeof content.counts === 'object' &&
    content.counts !== null &&
    isCount(content.counts.in) &&
    isCount(content.counts.late) &&
    isCount(content.counts.dead) &&
    isDigest(content.parent) &&
    isDigest(content.inDigest) &&
    isDigest(content.outDigest) &&
    (content.stateDigest === undefined || isDigest(content.stateDigest))
  )
}

/** Shape check of a certificate from outside; the signatures are `verifyCertificate`'s. */
export function isCertificate(value: unknown): value is Certificate {
  if (typeof value !== 'object' || value === null) return false
  const certificate = value as Partial<Certificate>
  return (
    isCutContent(certificate.content) &&
    isCount(certificate.term) &&
    Array.isArray(certificate.signers) &&
    certificate.signers.length <= 64 &&
    certificate.signers.every(isStatementProof)
  )
}
