/** Nothing malformed or forged enters the state: it is counted, reported, and the rest goes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createVerifier, generateIdentity } from '../../../mesh/identity.ts'
import { announce } from '../../../mesh/membership/announcement.ts'
import type { MembershipCore } from '../../../mesh/membership/core.ts'
import type { Announcement, Claim } from '../../../mesh/membership/member.ts'
import { createMembership } from '../../../mesh/membership/membership.ts'
import { decodeMessage, encodeMessage, type MembershipMessage } from '../../../mesh/membership/messages.ts'
import type { Rumor } from '../../../mesh/membership/rumors.ts'
import { seededRandom } from '../../../mesh/random.ts'
import { decodeWire, encodeWire } from '../../../mesh/transport/codec.ts'
import type { Wire } from '../../../mesh/transport/transport.ts'

const self = generateIdentity()
const ada = generateIdentity()
const mallory = generateIdentity()

function wordsOf(signer: typeof ada, changes: Partial<Announcement> = {}): Announcement {
  const { id, publicKey } = signer
  const words = { id, publicKey, name: 'a', address: 'ws://a', httpAddress: 'http://a', version: '1' }
  return { ...words, incarnation: 0, left: false, ...changes }
}

function coreOf(settings = {}): MembershipCore {
  const { id, publicKey } = self
  return createMembership({
    self: { id, publicKey, name: 'self', address: 'ws://self', httpAddress: '', version: '1' },
    signer: self,
    verifier: createVerifier(),
    random: seededRandom(1),
    seeds: [],
    now: 0,
    settings,
  })
}

const gossip = (claim: Claim, more: Partial<Rumor> = {}): Wire =>
  encodeMessage(0, { t: 'gossip', rumors: [{ claim, since: 0, ...more }] })

const receive = (core: MembershipCore, body: Wire) => core.receive(0, { kind: 'message', from: mallory.id, body })

/** node:crypto makes signatures as Buffers, the wire brings plain bytes. */
const plain = (claim: Claim): Claim => ({ ...claim, signature: new Uint8Array(claim.signature) })

/** A valid message with one field of one rumor replaced. */
function tampered(path: readonly string[], value: unknown): Wire {
  const body = structuredClone(gossip(announce(ada, wordsOf(ada)))) as { m: { rumors: unknown[] } }
  let at = body.m.rumors[0] as Record<string, unknown>
  for (const field of path.slice(0, -1)) at = at[field] as Record<string, unknown>
  at[path.at(-1)!] = value
  return body as unknown as Wire
}

test('every kind of message survives the way over the wire', () => {
  const claim = plain(announce(ada, wordsOf(ada, { bootstrapExpect: 3 })))
  const rumors: Rumor[] = [
    { claim, since: -5 },
    { claim: { ...claim, state: 'suspect' }, by: self.id, since: 0 },
    { claim: plain(announce(ada, wordsOf(ada, { left: true }))), since: 0 },
  ]
  const messages: MembershipMessage[] = [
    { t: 'ping', sequence: 1, rumors },
    { t: 'ack', sequence: 1, rumors },
    { t: 'nack', sequence: 1, rumors: [] },
    { t: 'pingRequest', sequence: 2, target: ada.id, rumors },
    { t: 'gossip', rumors },
    { t: 'sync', reply: true, rumors },
  ]
  for (const message of messages) {
    const received = decodeWire(encodeWire(encodeMessage(0, message)))
    assert.deepEqual(decodeMessage(0, received), message)
  }
})

test('what is kept of a message does not hold on to its bytes', () => {
  const claim = announce(ada, wordsOf(ada))
  const [rumor] = decodeMessage(0, gossip(claim))!.rumors
  assert.notEqual(rumor?.claim.signature.buffer, claim.signature.buffer)
  assert.notEqual(rumor?.claim.announcement.publicKey.buffer, claim.announcement.publicKey.buffer)
})

test('a message with one wrong field is malformed: nothing of it is taken, and it is counted', () => {
  const long = 'x'.repeat(257)
  const wrong: Wire[] = [
    null,
    'membership',
    new Uint8Array(3),
    { c: 'membership' },
    { c: 'membership', m: { t: 'gossip' } },
    { c: 'membership', m: { t: 'gossip', rumors: new Array(65).fill(null) } },
    { c: 'membership', m: { t: 'shout', rumors: [] } },
    { c: 'membership', m: { t: 'ping', rumors: [] } },
    { c: 'membership', m: { t: 'ping', sequence: -1, rumors: [] } },
    { c: 'membership', m: { t: 'ack', sequence: 1.5, rumors: [] } },
    { c: 'membership', m: { t: 'sync', rumors: [] } },
    { c: 'membership', m: { t: 'pingRequest', sequence: 1, target: 'x', rumors: [] } },
    tampered(['announcement'], null),
    tampered(['announcement', 'id'], 'x'),
    tampered(['announcement', 'publicKey'], new Uint8Array(31)),
    tampered(['announcement', 'name'], long),
    tampered(['announcement', 'name'], '\u001b[31mred'),
    tampered(['announcement', 'address'], long),
    tampered(['announcement', 'httpAddress'], 7),
    tampered(['announcement', 'version'], undefined),
    tampered(['announcement', 'incarnation'], Number.MAX_SAFE_INTEGER),
    tampered(['announcement', 'incarnation'], '1'),
    tampered(['announcement', 'left'], 'no'),
    tampered(['announcement', 'bootstrapExpect'], 0),
    tampered(['announcement', 'bootstrapExpect'], 2000),
    tampered(['signature'], new Uint8Array(129)),
    tampered(['signature'], 'abc'),
    tampered(['state'], 'zombie'),
    tampered(['state'], 'left'),
    tampered(['state'], 'suspect'),
    tampered(['by'], self.id),
    tampered(['age'], -1),
    tampered(['age'], Number.NaN),
  ]
  const core = coreOf()
  for (const body of wrong) assert.deepEqual(receive(core, body), [{ kind: 'malformed', from: mallory.id }])
  assert.equal(core.members().length, 1)
  assert.equal(core.counters.malformed, wrong.length)
})

test('arbitrary data never throws', () => {
  const core = coreOf()
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true }), fc.anything(), (m, rumors) => {
      receive(core, m as Wire)
      receive(core, { c: 'membership', m } as Wire)
      receive(core, { c: 'membership', m: { t: 'gossip', rumors: [rumors] } } as Wire)
      receive(core, { c: 'membership', m: { t: 'gossip', rumors: [{ announcement: m, state: rumors }] } } as Wire)
    }),
    { seed: 22, numRuns: 300 },
  )
  assert.equal(core.members().length, 1)
})

test('nobody announces for another: a forged signature, a changed field and a foreign key are refused', () => {
  const honest = announce(ada, wordsOf(ada))
  const core = coreOf()
  const forged: Claim[] = [
    { ...honest, signature: new Uint8Array(64) },
    { ...honest, announcement: { ...honest.announcement, address: 'ws://mallory' } },
    announce(mallory, { ...wordsOf(ada), publicKey: mallory.publicKey }),
    announce(mallory, wordsOf(ada)),
  ]
  for (const claim of forged) assert.deepEqual(receive(core, gossip(claim)), [{ kind: 'malformed', from: mallory.id }])
  assert.equal(core.members().length, 1)
  receive(core, gossip(honest))
  const raised = { ...honest, announcement: { ...honest.announcement, incarnation: 9 } }
  assert.deepEqual(receive(core, gossip(raised)), [{ kind: 'malformed', from: mallory.id }])
  assert.equal(core.members()[1]?.incarnation, 0)
})

test('nobody says for another that it left', () => {
  const core = coreOf()
  const honest = announce(ada, wordsOf(ada))
  receive(core, gossip(honest))
  const left: Claim = { ...honest, announcement: { ...honest.announcement, left: true }, state: 'left' }
  assert.deepEqual(receive(core, gossip(left)), [{ kind: 'malformed', from: mallory.id }])
  assert.equal(core.members()[1]?.state, 'alive')
})

test('words that this peer never said do not raise its incarnation', () => {
  const core = coreOf()
  const claim = announce(mallory, { ...wordsOf(self), incarnation: 1_000_000 })
  assert.deepEqual(receive(core, gossip(claim)), [{ kind: 'malformed', from: mallory.id }])
  assert.equal(core.members()[0]?.incarnation, 0)
})

test('an accusation is answered at once, to the accuser, under the next incarnation', () => {
  const core = coreOf()
  const [own] = decodeMessage(0, firstSent(core))!.rumors
  assert.equal(own?.claim.state, 'alive')
  const effects = receive(core, gossip({ ...own!.claim, state: 'dead' }))
  const [answer] = effects
  assert.ok(answer?.kind === 'send' && answer.to === mallory.id)
  const told = decodeMessage(0, answer.body)?.rumors[0]?.claim
  assert.deepEqual([told?.state, told?.announcement.incarnation], ['alive', 1])
  assert.deepEqual([core.counters.refuted, core.healthMultiplier], [1, 2])
})

test('members beyond the bound are refused and counted', () => {
  const core = coreOf({ maxMembers: 2 })
  for (let n = 0; n < 4; n++) receive(core, gossip(announce(...signed())))
  assert.equal(core.members().length, 3)
  assert.equal(core.counters.refused, 2)
})

test('a death that others are about to forget is not taken up again', () => {
  const core = coreOf({ rememberMs: 1_000 })
  const dead: Claim = { ...announce(ada, wordsOf(ada)), state: 'dead' }
  receive(core, gossip(dead, { since: -950 }))
  assert.equal(core.members().length, 1)
  receive(core, gossip(dead, { since: -500 }))
  assert.equal(core.members()[1]?.state, 'dead')
  core.tick(500)
  assert.equal(core.members().length, 2)
  core.tick(501)
  assert.equal(core.members().length, 1, 'forgotten when those who saw it die forget it')
})

test('a peer that is held dead and pings is told so in the ack', () => {
  const core = coreOf()
  const claim = announce(ada, wordsOf(ada))
  receive(core, gossip({ ...claim, state: 'dead' }))
  const ping = encodeMessage(0, { t: 'ping', sequence: 7, rumors: [] })
  for (let asked = 0; asked < 20; asked++) {
    const [effect] = core.receive(0, { kind: 'message', from: ada.id, body: ping })
    assert.ok(effect?.kind === 'send')
    const ack = decodeMessage(0, effect.body)
    assert.equal(ack?.t, 'ack')
    assert.equal(ack?.rumors[0]?.claim.state, 'dead')
  }
})

test('an address that does not answer is dialled at growing intervals, up to the longest', () => {
  const { id, publicKey } = self
  const core = createMembership({
    self: { id, publicKey, name: 'self', address: 'ws://self', httpAddress: '', version: '1' },
    signer: self,
    verifier: createVerifier(),
    random: seededRandom(1),
    seeds: ['ws://down', 'ws://self'],
    now: 0,
  })
  const dialled: number[] = []
  for (let now = 0; now < 120_000; now += 50) {
    for (const effect of core.tick(now)) {
      if (effect.kind !== 'dial') continue
      assert.equal(effect.address, 'ws://down', 'never itself')
      dialled.push(now)
    }
  }
  assert.ok(dialled.length >= 12 && dialled.length <= 30, `${dialled.length} dials in two minutes`)
  const gaps = dialled.slice(1).map((at, index) => at - dialled[index]!)
  assert.ok(gaps[0]! <= 400 && Math.max(...gaps) <= 12_050 && Math.max(...gaps) > 4_000, gaps.join())
})

function signed(): [typeof ada, Announcement] {
  const signer = generateIdentity()
  return [signer, wordsOf(signer)]
}

/** The first thing a peer tells whoever connects: its table, itself first. */
function firstSent(core: MembershipCore): Wire {
  const { id, publicKey } = mallory
  const [effect] = core.receive(0, { kind: 'connected', peer: { id, publicKey, name: 'm', address: 'ws://m' } })
  assert.ok(effect?.kind === 'send')
  return effect.body
}
