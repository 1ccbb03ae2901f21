/**
 * What the agreement cores ask of their shell. The shell keeps one rule that the proofs rest on: effects are carried out
 * in order, and nothing is signed or sent before every `persist` that came before it is durable.
 */
import type { PeerId } from '../ids.ts'
import type { Wire } from '../transport/transport.ts'
import type { Statement } from './statement.ts'
import type { Certificate, CutContent, CutPosition, Term } from './types.ts'

/** `batch` and `snapshot` are the host's: they go through the same outbox because the order matters. */
export type AgreementTable =
  | 'meta'
  | 'statement'
  | 'acceptor'
  | 'term'
  | 'certificate'
  | 'control'
  | 'job'
  | 'batch'
  | 'snapshot'

export type PersistOp =
  | { readonly kind: 'put'; readonly table: AgreementTable; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly table: AgreementTable; readonly key: string }
  | { readonly kind: 'deleteRange'; readonly table: AgreementTable; readonly from: string; readonly to: string }

export type AgreementEffect<Event> =
  | { readonly kind: 'persist'; readonly ops: readonly PersistOp[] }
  /** Sign in the next flush and deliver to these peers (self included when listed) with what belongs to it. */
  | { readonly kind: 'sign'; readonly statement: Statement; readonly attachment: Wire; readonly to: readonly PeerId[] }
  | { readonly kind: 'send'; readonly to: PeerId; readonly body: Wire }
  /** Send what the store holds of a unit beyond this term and position. */
  | { readonly kind: 'tell'; readonly to: PeerId; readonly term: number; readonly after: CutPosition | undefined }
  | { readonly kind: 'event'; readonly event: Event }

const DIGITS = 12

/** Numbers in store keys sort as text. */
export const sortable = (value: number): string => String(value).padStart(DIGITS, '0')

export const termKey = (unit: string, term: number): string => `${unit}/${sortable(term)}`
export const positionKey = (unit: string, position: CutPosition): string =>
  `${unit}/${sortable(position.seq)}/${sortable(position.part)}`

/** First key after everything of a unit. */
export const unitEnd = (unit: string): string => `${unit}/~`

export const encodeStored = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
export const decodeStored = (bytes: Uint8Array): unknown =>
  JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString())

type Persist = { readonly kind: 'persist'; readonly ops: readonly PersistOp[] }

/** Before the vote leaves. */
export function persistVote(term: number, content: CutContent): Persist {
  const key = positionKey(content.unit, content)
  return { kind: 'persist', ops: [{ kind: 'put', table: 'statement', key, value: encodeStored({ term, content }) }] }
}

/** With it the votes up to there are done with. */
export function persistCertificate(certificate: Certificate): Persist {
  const { content } = certificate
  const key = positionKey(content.unit, content)
  return {
    kind: 'persist',
    ops: [
      { kind: 'put', table: 'certificate', key, value: encodeStored(certificate) },
      { kind: 'deleteRange', table: 'statement', from: `${content.unit}/`, to: `${key}~` },
    ],
  }
}

/** With it the votes of the term before are void. */
export function persistTerm(term: Term): Persist {
  const { unit, number } = term
  return {
    kind: 'persist',
    ops: [
      { kind: 'put', table: 'term', key: termKey(unit, number), value: encodeStored(term) },
      { kind: 'deleteRange', table: 'statement', from: `${unit}/`, to: unitEnd(unit) },
    ],
  }
}

export function forgetTerms(unit: string, numbers: readonly number[]): Persist[] {
  const ops = numbers.flatMap((number): PersistOp[] => {
    const key = termKey(unit, number)
    return [
      { kind: 'delete', table: 'term', key },
      { kind: 'delete', table: 'acceptor', key },
    ]
  })
  return ops.length === 0 ? [] : [{ kind: 'persist', ops }]
}
