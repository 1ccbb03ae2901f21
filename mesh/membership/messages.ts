/**
 * The messages of membership and their one way in from the wire. Everything is checked field by field, with a bound on
 * every length, before any of it is looked at; a message with one wrong field is malformed as a whole.
 */
import type { Instant } from '../clock.ts'
import { isPeerId, type PeerId } from '../ids.ts'
import type { Wire } from '../transport/transport.ts'
import { PUBLIC_KEY_BYTES } from './announcement.ts'
import type { Announcement, Claim, MemberState } from './member.ts'
import { MAX_RUMORS, type Rumor } from './rumors.ts'

export type MembershipMessage = { readonly rumors: readonly Rumor[] } & (
  | { readonly t: 'ping'; readonly sequence: number }
  | { readonly t: 'ack'; readonly sequence: number }
  | { readonly t: 'nack'; readonly sequence: number }
  | { readonly t: 'pingRequest'; readonly sequence: number; readonly target: PeerId }
  | { readonly t: 'gossip' }
  | { readonly t: 'sync'; readonly reply: boolean }
)

const CHANNEL = 'membership'
const MAX_TEXT = 256
const MAX_SIGNATURE_BYTES = 128
const MAX_EXPECT = 1024
const STATES: ReadonlySet<unknown> = new Set<MemberState>(['alive', 'suspect', 'dead', 'left'])
/** Names end up on terminals and in pages. */
const CONTROL_CHARACTER = /\p{Cc}/u

export function encodeMessage(now: Instant, message: MembershipMessage): Wire {
  return { c: CHANNEL, m: { ...message, rumors: message.rumors.map((rumor) => encodeRumor(now, rumor)) } }
}

/** Ages are durations: clocks of peers are never compared. */
function encodeRumor(now: Instant, { claim, by, since }: Rumor): Wire {
  return {
    announcement: { ...claim.announcement },
    signature: claim.signature,
    state: claim.state,
    age: Math.max(0, now - since),
    ...(by === undefined ? {} : { by }),
  }
}

/** Undefined: malformed. */
export function decodeMessage(now: Instant, body: Wire): MembershipMessage | undefined {
  const envelope = fieldsOf(body)
  const message = envelope?.c === CHANNEL ? fieldsOf(envelope.m) : undefined
  if (message === undefined || !Array.isArray(message.rumors) || message.rumors.length > MAX_RUMORS) return undefined
  const rumors: Rumor[] = []
  for (const value of message.rumors) {
    const rumor = decodeRumor(now, value)
    if (rumor === undefined) return undefined
    rumors.push(rumor)
  }
  const { t, sequence, target, reply } = message
  switch (t) {
    case 'gossip':
      return { t, rumors }
    case 'sync':
      return typeof reply === 'boolean' ? { t, rumors, reply } : undefined
    case 'ping':
    case 'ack':
    case 'nack':
      return isCount(sequence) ? { t, rumors, sequence } : undefined
    case 'pingRequest':
      return isCount(sequence) && isPeerId(target) ? { t, rumors, sequence, target } : undefined
    default:
      return undefined
  }
}

function decodeRumor(now: Instant, value: unknown): Rumor | undefined {
  const fields = fieldsOf(value)
  const announcement = decodeAnnouncement(fields?.announcement)
  if (fields === undefined || announcement === undefined) return undefined
  const { signature, state, age, by } = fields
  if (!(signature instanceof Uint8Array) || signature.length > MAX_SIGNATURE_BYTES) return undefined
  if (!isState(state) || (state === 'left') !== announcement.left) return undefined
  if (typeof age !== 'number' || !(age >= 0 && age <= Number.MAX_SAFE_INTEGER)) return undefined
  const claim: Claim = { announcement, signature: copied(signature), state }
  if (state !== 'suspect') return by === undefined ? { claim, since: now - age } : undefined
  return isPeerId(by) ? { claim, by, since: now - age } : undefined
}

function decodeAnnouncement(value: unknown): Announcement | undefined {
  const fields = fieldsOf(value)
  if (fields === undefined) return undefined
  const { id, publicKey, name, address, httpAddress, version, bootstrapExpect, incarnation, left } = fields
  if (!isPeerId(id) || !(publicKey instanceof Uint8Array) || publicKey.length !== PUBLIC_KEY_BYTES) return undefined
  if (!isText(name) || !isText(address) || !isText(httpAddress) || !isText(version)) return undefined
  if (!isCount(incarnation) || typeof left !== 'boolean') return undefined
  const words = { id, publicKey: copied(publicKey), name, address, httpAddress, version }
  const announcement = { ...words, incarnation, left }
  if (bootstrapExpect === undefined) return announcement
  if (!isCount(bootstrapExpect) || bootstrapExpect < 1 || bootstrapExpect > MAX_EXPECT) return undefined
  return { ...announcement, bootstrapExpect }
}

/** What is decoded may be a view of a whole frame, which a claim that is kept would keep in memory. */
const copied = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    return undefined
  return value as Readonly<Record<string, unknown>>
}

/** One below the largest exact integer, so that raising an incarnation stays exact. */
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < Number.MAX_SAFE_INTEGER

const isState = (value: unknown): value is MemberState => STATES.has(value)

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_TEXT && !CONTROL_CHARACTER.test(value)
