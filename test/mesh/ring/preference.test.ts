/** What a preference list promises: distinct, the same everywhere, fair, and moved only by what changed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type PeerId, peerId, unitId } from '../../../mesh/ids.ts'
import { seededRandom, shuffled } from '../../../mesh/random.ts'
import { preferenceList, rankAmong } from '../../../mesh/ring/preference.ts'
import { createRing } from '../../../mesh/ring/ring.ts'

const peer = (n: number): PeerId => peerId(createHash('sha256').update(`peer ${n}`).digest('hex').slice(0, 32))
const peers = (count: number): PeerId[] => Array.from({ length: count }, (_, n) => peer(n))
const units = (count: number) => Array.from({ length: count }, (_, n) => unitId('flights-1', n % 2, n >> 1))
const clusterSize = fc.integer({ min: 1, max: 30 })
const RUNS = { seed: 20, numRuns: 60 }

/** The slow obvious twin: every point of every member, and a walk over all of them. */
function twinPreference(members: readonly PeerId[], key: string, n: number): PeerId[] {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  const points = members.flatMap((member) =>
    Array.from({ length: 64 }, (_, v) => hash(`${member}-${v}`)).flatMap((bytes) =>
      [0, 4, 8, 12].map((at) => ({ member, point: bytes.readUInt32LE(at) })),
    ),
  )
  const start = hash(key).readUInt32LE(0)
  const distance = (point: number) => (point - start + 2 ** 32) % 2 ** 32
  const walk = points.sort((a, b) => distance(a.point) - distance(b.point) || (a.member < b.member ? -1 : 1))
  return [...new Set(walk.map(({ member }) => member))].slice(0, n)
}

test('a preference list is the first n distinct members clockwise', () => {
  fc.assert(
    fc.property(
      clusterSize,
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 1000 }),
      (size, n, partition) => {
        const unit = unitId('bids-7', 0, partition)
        const list = preferenceList(createRing({ number: 1, members: peers(size) }), unit, n)
        assert.deepEqual(list, twinPreference(peers(size), unit, n))
      },
    ),
    RUNS,
  )
})

test('no peer is twice in a list, and a small cluster gives a short list', () => {
  for (const size of [0, 1, 2, 3, 7, 14, 28]) {
    const ring = createRing({ number: 1, members: peers(size) })
    for (const unit of units(50)) {
      const list = preferenceList(ring, unit, 3)
      assert.equal(list.length, Math.min(3, size))
      assert.equal(new Set(list).size, list.length)
    }
  }
})

test('the order in which a view lists its members moves nothing', () => {
  fc.assert(
    fc.property(clusterSize, fc.integer(), (size, seed) => {
      const members = peers(size)
      const one = createRing({ number: 1, members })
      const other = createRing({ number: 1, members: shuffled(members, seededRandom(seed)) })
      for (const unit of units(10)) assert.deepEqual(preferenceList(one, unit, 3), preferenceList(other, unit, 3))
    }),
    RUNS,
  )
})

test('every member has between two thirds and four thirds of its fair share, at the sizes that rounding would hurt too', () => {
  for (const size of [3, 5, 7, 14]) {
    const ring = createRing({ number: 1, members: peers(size) })
    const count = 4000
    const held = new Map<PeerId, number>()
    for (const unit of units(count)) {
      for (const member of preferenceList(ring, unit, 2)) held.set(member, (held.get(member) ?? 0) + 1)
    }
    const fair = (count * 2) / size
    for (const member of peers(size)) {
      const share = (held.get(member) ?? 0) / fair
      assert.ok(share > 2 / 3 && share < 4 / 3, `${size} peers: one holds ${share.toFixed(2)} of its fair share`)
    }
  }
})

test('a peer that goes is replaced where it was, and nothing else moves', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), fc.integer({ min: 1, max: 4 }), (size, pick, n) => {
      const members = peers(size)
      const gone = members[pick % size]!
      const before = createRing({ number: 1, members })
      const after = createRing({ number: 2, members: members.filter((member) => member !== gone) })
      for (const unit of units(20)) {
        const all = preferenceList(before, unit, size)
        assert.deepEqual(preferenceList(after, unit, n), all.filter((member) => member !== gone).slice(0, n))
      }
    }),
    RUNS,
  )
})

test('a peer that comes takes only what lies behind its own points', () => {
  const before = createRing({ number: 1, members: peers(6) })
  const after = createRing({ number: 2, members: peers(7) })
  const moved = units(1000).filter((unit) => preferenceList(before, unit, 1)[0] !== preferenceList(after, unit, 1)[0])
  for (const unit of moved) assert.equal(preferenceList(after, unit, 1)[0], peer(6))
  assert.ok(
    moved.length > 50 && moved.length < 250,
    `expected about a seventh of 1000 units to move, ${moved.length} did`,
  )
})

test('a rank is the place among those that are alive, and a peer is always alive to itself', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 9 })),
      fc.subarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
      (list, up) => {
        const alive = new Set(up.map(peer))
        for (let self = 0; self < 10; self++) {
          const expected = list.filter((n) => n === self || up.includes(n)).indexOf(self)
          assert.equal(rankAmong(peer(self), list.map(peer), alive), expected)
        }
      },
    ),
    RUNS,
  )
})
