/**
 * Checks of certificates that came in a file: each for itself (the mesh's `verifyCertificate`), and all against each other,
 * because two valid certificates for different content at one position are the fork that certificates exist to rule out.
 */
import {
  type Certificate,
  comparePositions,
  contentDigest,
  createVerifier,
  type Digest,
  isCertificate,
  nextPosition,
  type PeerId,
  peerIdOf,
  verifyCertificate,
} from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'

export interface GivenCertificate {
  readonly certificate: Certificate
  readonly write: number
  readonly members: readonly PeerId[]
}

export type MemberKeys = ReadonlyMap<PeerId, Uint8Array>

export interface Finding {
  readonly unit: string
  /** `seq.part` */
  readonly position: string
  readonly ok: boolean
  /** Why not. */
  readonly reason?: string
}

/** From `{certificates}` (query, certificates, demo), a list, one certificate, or JSON lines of them. */
export function readCertificates(text: string, file: string): GivenCertificate[] {
  const found = documentsOf(text, file).flatMap((document) => listed(document, 'certificates'))
  if (found.length === 0) throw invalid(file, 'it holds no certificates')
  return found.map((value, index) => {
    const { certificate, write, members } = (value ?? {}) as Partial<GivenCertificate>
    if (!isCertificate(certificate)) throw invalid(file, `item ${index} is not a certificate with its unit's members`)
    if (!Number.isSafeInteger(write) || write === undefined || write < 1)
      throw invalid(file, `item ${index} has no "write"`)
    if (!Array.isArray(members)) throw invalid(file, `item ${index} has no "members"`)
    return { certificate, write, members }
  })
}

/** From `quorate members --json`. A key that does not hash to its peer's id is refused. */
export function readMembers(text: string, file: string): MemberKeys {
  const keys = new Map<PeerId, Uint8Array>()
  for (const value of documentsOf(text, file).flatMap((document) => listed(document, 'members'))) {
    const { id, publicKey } = (value ?? {}) as { id?: unknown; publicKey?: unknown }
    if (typeof id !== 'string' || typeof publicKey !== 'string' || !/^[0-9a-f]{64}$/.test(publicKey)) {
      throw invalid(file, 'expected members with "id" and "publicKey" (64 hex digits)')
    }
    const key = Buffer.from(publicKey, 'hex')
    const own = peerIdOf(key)
    if (own !== id) throw invalid(file, `the public key of ${id} belongs to ${own}`)
    keys.set(own, key)
  }
  if (keys.size === 0) throw invalid(file, 'it holds no members')
  return keys
}

/** In (unit, position) order; `leastWrite` is the reader's own demand. */
export function checkCertificates(
  given: readonly GivenCertificate[],
  keys: MemberKeys,
  leastWrite: number,
): readonly Finding[] {
  const { verify } = createVerifier()
  const sorted = [...given].sort((a, b) => compareContent(a.certificate, b.certificate))
  let before: Link | undefined
  return sorted.map(({ certificate, write, members }) => {
    const { content } = certificate
    const link: Link = { certificate, digest: contentDigest(content) }
    const unknown = certificate.signers.find((signer) => !keys.has(signer.peer))
    const verdict = verifyCertificate(certificate, Math.max(write, leastWrite), members, verify)
    const reason =
      unknown !== undefined
        ? `signer ${unknown.peer} is not in the members file`
        : verdict.ok
          ? brokenLink(before, link)
          : verdict.reason
    before = link
    const place = { unit: content.unit, position: `${content.seq}.${content.part}` }
    return reason === undefined ? { ...place, ok: true } : { ...place, ok: false, reason }
  })
}

interface Link {
  readonly certificate: Certificate
  readonly digest: Digest
}

/** What is wrong between two certificates that follow each other in order; undefined when nothing is. */
function brokenLink(before: Link | undefined, link: Link): string | undefined {
  const { content } = link.certificate
  const last = before?.certificate.content
  if (before === undefined || last === undefined || last.unit !== content.unit) return undefined
  if (comparePositions(last, content) === 0) {
    return before.digest === link.digest ? undefined : 'a fork: another certificate here has different content'
  }
  const neighbours = comparePositions(nextPosition(last), content) === 0
  return neighbours && content.parent !== before.digest ? 'it does not follow the certificate before it' : undefined
}

function compareContent(a: Certificate, b: Certificate): number {
  const byUnit = a.content.unit < b.content.unit ? -1 : a.content.unit > b.content.unit ? 1 : 0
  return byUnit || comparePositions(a.content, b.content)
}

/** A JSON document, or one a line. */
function documentsOf(text: string, file: string): unknown[] {
  try {
    return [JSON.parse(text)]
  } catch {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    return lines.map((line, index) => {
      try {
        return JSON.parse(line)
      } catch {
        throw invalid(file, `neither it nor its line ${index + 1} is JSON`)
      }
    })
  }
}

function listed(document: unknown, name: string): readonly unknown[] {
  if (Array.isArray(document)) return document
  const list = (document as Readonly<Record<string, unknown>> | null)?.[name]
  // A certificate has members of its own: only a list of objects is a list of documents.
  return Array.isArray(list) && list.every((item) => typeof item === 'object') ? list : [document]
}

const invalid = (file: string, why: string): QuorateError => new QuorateError('QRT_CONFIG_INVALID', `${file}: ${why}`)
