/**
 * What a sink keeps beside the rows of a batch: the certificate, and with checkpoints the terms that no checkpoint holds
 * yet. From these two and the log everything can be computed again that the sink has, though every peer's disk is lost.
 */
import {
  type Certificate,
  decodeStored,
  encodeStored,
  isCertificate,
  isTermList,
  normalTerm,
  type Term,
} from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import type { Sink, UnitIdentity, UnitSink } from './sink.ts'

export interface SinkRecord {
  readonly certificate: Certificate
  /** In order; empty when the peers that wrote it kept no checkpoints. */
  readonly terms: readonly Term[]
}

/** @param terms undefined: without checkpoints */
export const encodeRecord = (certificate: Certificate, terms: readonly Term[] | undefined): Uint8Array =>
  encodeStored(terms === undefined ? certificate : { ...certificate, terms })

/** Undefined when the bytes are no such record. */
export function decodeRecord(bytes: Uint8Array): SinkRecord | undefined {
  try {
    const value = decodeStored(bytes)
    if (!isCertificate(value)) return undefined
    const { content, term, signers } = value
    const { terms } = value as { readonly terms?: unknown }
    return { certificate: { content, term, signers }, terms: isTermList(terms) ? terms.map(normalTerm) : [] }
  } catch {
    // Not even JSON; the caller says where it found it.
    return undefined
  }
}

/**
 * A sink that a restored cluster writes to is not written to by the one before it: whoever still is of that one stops.
 * @param restored how many clusters had the unit before this one
 * @throws QuorateError QRT_SINK_TAKEN
 */
export async function openUntaken(sink: Sink, identity: UnitIdentity, restored: number): Promise<UnitSink> {
  const session = await sink.open(identity)
  const record = session.progress === undefined ? undefined : decodeRecord(session.progress.record)
  if (record === undefined || (record.terms[record.terms.length - 1]?.restored ?? 0) <= restored) return session
  await session.close()
  throw new QuorateError(
    'QRT_SINK_TAKEN',
    `${sink.name}: a cluster that was restored from checkpoints goes on with ${identity.unit}; stop this one, it was replaced`,
  )
}
