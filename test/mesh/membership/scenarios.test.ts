/** What membership does, told as scenarios on a clock that the test moves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../mesh/random.ts'
import { Cluster } from './cluster.ts'

const THREE = ['ada', 'bob', 'cyd']
const FIVE = ['ada', 'bob', 'cyd', 'dan', 'eve']
const SEEDS = Array.from({ length: 20 }, (_, seed) => seed + 1)

/**
 *   0 s ── one after another, each with a seed ── everybody knows everybody
 */
test('peers that know one seed find one another within two seconds', () => {
  for (const seed of SEEDS) {
    const cluster = new Cluster({ seed })
    for (const name of FIVE) cluster.start(name, ['ada'])
    cluster.runUntil(() => FIVE.every((name) => cluster.seenAlive(name).length === 5), 2_000)
    assert.deepEqual(cluster.view('eve', 'bob')?.httpAddress, 'http://bob')
  }
})

test('fifty peers that know one seed find one another within six seconds', () => {
  const names = Array.from({ length: 50 }, (_, n) => `peer ${n}`)
  const cluster = new Cluster({ seed: 1, stepMs: 50 })
  for (const name of names) cluster.start(name, ['peer 0'])
  cluster.runUntil(() => names.every((name) => cluster.seenAlive(name).length === 50), 6_000)
})

test('a seed that is down at first is dialled until it answers', () => {
  const cluster = new Cluster({ seed: 1 })
  cluster.start('bob', ['ada'])
  cluster.run(30_000)
  assert.deepEqual(cluster.seenAlive('bob'), ['bob'])
  cluster.start('ada')
  cluster.runUntil(() => cluster.seenAlive('bob').length === 2 && cluster.seenAlive('ada').length === 2, 13_000)
})

/**
 *   kill ──── connection reset ──── probe, ping requests ──── suspect ──────────── dead
 *   0                                                        ≤ 1.3 s               ≤ 8 s
 */
test('a killed peer is suspected within 1.3 s and dead within 8 s', () => {
  for (const seed of SEEDS) {
    const cluster = Cluster.started(THREE, { seed })
    cluster.run(5_000)
    cluster.kill('cyd', 'reset')
    cluster.runUntil(() => cluster.view('ada', 'cyd')?.state === 'suspect', 1_300)
    cluster.runUntil(() => cluster.view('ada', 'cyd')?.state === 'dead', 6_700)
    cluster.runUntil(() => cluster.view('bob', 'cyd')?.state === 'dead', 1_000)
  }
})

test('a peer that falls silent with its connections open is suspected within 3 s, typically within 2 s', () => {
  const times = SEEDS.map((seed) => {
    const cluster = Cluster.started(FIVE, { seed })
    cluster.run(5_000)
    cluster.kill('eve', 'silent')
    return cluster.runUntil(() => cluster.changesTo('suspect', 'eve').length > 0, 3_000)
  })
  const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!
  assert.ok(median <= 2_000, `the median was ${median} ms`)
})

test('a peer that is well is never suspected on a network that is well', () => {
  for (const seed of SEEDS) {
    const cluster = Cluster.started(FIVE, { seed })
    cluster.run(60_000)
    assert.deepEqual(cluster.changesTo('suspect'), [])
  }
})

/**
 *   stop 4 s ──── suspect ──── goes on, hears of it, raises its incarnation ──── alive
 */
test('a peer that was stopped for four seconds refutes and is never dead', () => {
  for (const seed of SEEDS) {
    const cluster = Cluster.started(THREE, { seed })
    cluster.run(5_000)
    cluster.stop('bob', 4_000)
    cluster.runUntil(() => cluster.changesTo('suspect', 'bob').length > 0, 4_000)
    cluster.runUntil(() => THREE.every((name) => cluster.seenAlive(name).length === 3), 6_000)
    assert.ok(cluster.view('ada', 'bob')!.incarnation > 0)
    assert.deepEqual(cluster.changesTo('dead'), [])
  }
})

test('the peer that was stopped blames nobody for what it did not hear', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const cluster = Cluster.started(THREE, { seed })
    // At many moments, so that it is stopped between a ping and its ack as well.
    cluster.run(1_000 + seed * 20)
    cluster.stop('bob', 4_000)
    cluster.run(6_000)
    assert.deepEqual(
      cluster.changes.filter(({ seenBy, to }) => seenBy === 'bob' && to === 'suspect').map(({ name }) => name),
      [],
    )
  }
})

/**
 *   bob stops ── ada suspects bob ── ada stops, bob goes on and refutes ── ada goes on: bob still has its time
 */
test('a suspicion does not run out while its holder is stopped', () => {
  for (const seed of SEEDS) {
    const cluster = Cluster.started(['ada', 'bob'], { seed })
    cluster.stop('bob', 2_500)
    cluster.runUntil(() => cluster.view('ada', 'bob')?.state === 'suspect', 2_500)
    cluster.stop('ada', 5_200)
    cluster.run(8_000)
    assert.deepEqual(
      cluster.changesTo('dead').filter(({ seenBy }) => seenBy === 'ada'),
      [],
    )
    assert.equal(cluster.view('ada', 'bob')?.state, 'alive')
  }
})

/**
 *   swallowed ──── suspect, dead ──── connections given up ──── healed ──── all alive
 *   0              ≤ 31 s                                       5 min       ≤ 15 s later
 */
test('after minutes in which packets vanished, and no connection ended, all are connected again within 15 s', () => {
  for (const seed of SEEDS) {
    const cluster = Cluster.started(FIVE, { seed })
    cluster.swallow(['ada', 'bob', 'cyd'], ['dan', 'eve'])
    cluster.run(300_000)
    assert.deepEqual(cluster.seenAlive('ada'), ['ada', 'bob', 'cyd'])
    cluster.heal()
    const whole = () => FIVE.every((a) => FIVE.every((b) => a === b || cluster.isConnected(a, b)))
    cluster.runUntil(() => whole() && FIVE.every((name) => cluster.seenAlive(name).length === 5), 15_000)
  }
})

test('a connection that goes silent between two peers alone accuses nobody, and is replaced', () => {
  for (const seed of SEEDS) {
    const cluster = Cluster.started(FIVE, { seed })
    cluster.swallow(['ada'], ['eve'])
    cluster.run(20_000)
    cluster.heal()
    cluster.runUntil(() => cluster.isConnected('ada', 'eve'), 15_000)
    assert.deepEqual(cluster.changesTo('dead'), [])
  }
})

test('those who ask about a dead peer in vain do not doubt themselves: the nacks show that they are well', () => {
  const cluster = Cluster.started(FIVE, { seed: 11 })
  cluster.run(5_000)
  cluster.kill('eve', 'silent')
  cluster.runUntil(() => {
    for (const name of FIVE.slice(0, 4)) assert.equal(cluster.core(name).healthMultiplier, 1)
    return cluster.changesTo('dead', 'eve').length === 4
  }, 10_000)
})

/**
 *   every few seconds one of three is stopped for 0.2 to 3 s, for about ten minutes
 */
test('an overloaded machine, on which processes stop for seconds, takes nobody for dead', () => {
  for (const seed of SEEDS.slice(0, 8)) {
    const cluster = Cluster.started(THREE, { seed })
    const random = seededRandom(seed)
    for (let pause = 0; pause < 150; pause++) {
      cluster.stop(THREE[random.below(3)]!, 200 + random.below(2_800))
      cluster.run(3_000 + random.below(2_000))
    }
    assert.deepEqual(cluster.changesTo('dead'), [])
    cluster.runUntil(() => THREE.every((name) => cluster.seenAlive(name).length === 3), 10_000)
  }
})

/**
 *   ada ──X──▶ bob      ada ──▶ cyd ──▶ bob: the way round
 */
test('an indirect probe saves a peer behind a one-way cut', () => {
  for (const seed of SEEDS) {
    const cluster = Cluster.started(THREE, { seed })
    cluster.cut('ada', 'bob')
    cluster.run(60_000)
    assert.deepEqual(cluster.changesTo('suspect', 'bob'), [])
    assert.equal(cluster.core('ada').healthMultiplier, 1, 'every probe ended well')
  }
})

test('without anybody to ask, the same cut is a suspicion', () => {
  const cluster = Cluster.started(['ada', 'bob'], { seed: 3 })
  cluster.cut('ada', 'bob')
  cluster.runUntil(() => cluster.view('ada', 'bob')?.state === 'suspect', 3_000)
})

/**
 *   eve is deaf: no acks and no nacks ──── health multiplier 2, 3, 4 … ──── hears again ──── 1
 */
test('a peer that hears nobody doubts itself first, and recovers', () => {
  const cluster = Cluster.started(FIVE, { seed: 4 })
  for (const name of FIVE) if (name !== 'eve') cluster.cut(name, 'eve')
  cluster.runUntil(() => cluster.core('eve').healthMultiplier >= 4, 10_000)
  cluster.heal()
  cluster.runUntil(() => cluster.core('eve').healthMultiplier === 1, 60_000)
  cluster.runUntil(() => FIVE.every((name) => cluster.seenAlive(name).length === 5), 20_000)
})

/**
 *   ada bob ─ ─ ─ X ─ ─ ─ cyd dan eve     each side: the other is dead      heal: dialled again, all alive
 */
test('the halves of a partition bury each other and come together when it heals', () => {
  for (const seed of SEEDS.slice(0, 8)) {
    const cluster = Cluster.started(FIVE, { seed })
    cluster.partition(['ada', 'bob'], ['cyd', 'dan', 'eve'])
    cluster.run(60_000)
    assert.deepEqual(cluster.seenAlive('ada'), ['ada', 'bob'])
    assert.deepEqual(cluster.seenAlive('eve'), ['cyd', 'dan', 'eve'])
    cluster.heal()
    cluster.runUntil(() => FIVE.every((name) => cluster.seenAlive(name).length === 5), 20_000)
  }
})

/**
 *   ada, the seed, is gone for good     bob cyd ─ ─ X ─ ─ dan eve     heal: only the dead are left to dial
 */
test('they come together without the seed by which they once found one another', () => {
  const cluster = Cluster.started(FIVE, { seed: 12 })
  cluster.kill('ada', 'reset')
  cluster.partition(['bob', 'cyd'], ['dan', 'eve'])
  cluster.run(60_000)
  assert.deepEqual(cluster.seenAlive('bob'), ['bob', 'cyd'])
  cluster.heal()
  cluster.runUntil(() => FIVE.slice(1).every((name) => cluster.seenAlive(name).length === 4), 20_000)
})

test('an accuser whom nobody confirms waits six times as long as three who agree', () => {
  const agreed = Cluster.started(FIVE, { seed: 13 })
  agreed.kill('eve', 'reset')
  agreed.runUntil(() => agreed.changesTo('dead', 'eve').length > 0, 8_000)

  const alone = Cluster.started(FIVE, { seed: 13 })
  for (const name of FIVE.slice(1)) {
    alone.cut('ada', name)
    alone.cut(name, 'ada')
  }
  const seenByAda = (to: 'suspect' | 'dead') => alone.changesTo(to).filter(({ seenBy }) => seenBy === 'ada')
  alone.runUntil(() => seenByAda('suspect').length > 0, 10_000)
  assert.ok(alone.runUntil(() => seenByAda('dead').length > 0, 40_000) >= 29_000)
})

test('half an hour in which three messages of ten are lost: nobody is taken for dead', () => {
  const cluster = Cluster.started(FIVE, { seed: 5, stepMs: 50 })
  cluster.loss = 0.3
  cluster.run(30 * 60_000)
  assert.deepEqual(cluster.changesTo('dead'), [])
  assert.ok(cluster.changesTo('suspect').length > 0, 'the loss was felt')
  cluster.loss = 0
  cluster.runUntil(() => FIVE.every((name) => cluster.seenAlive(name).length === 5), 30_000)
})

test('a peer that leaves is gone at once, for everybody, and is not dialled', () => {
  const cluster = Cluster.started(FIVE, { seed: 6 })
  cluster.leave('dan')
  cluster.run(1_000)
  for (const name of FIVE) if (name !== 'dan') assert.equal(cluster.view(name, 'dan')?.state, 'left')
  assert.deepEqual(cluster.changesTo('suspect'), [])
  const answer = cluster
    .core('dan')
    .receive(cluster.now, { kind: 'message', from: cluster.core('ada').members()[0]!.id, body: null })
  assert.deepEqual(answer, [], 'it said its last words')
})

/**
 *   cyd dead ──── starts again at incarnation 0, with another version ──── alive under a higher incarnation
 */
test('a peer that was dead or had left comes back under the same identity with what it now says', () => {
  for (const how of ['kill', 'leave'] as const) {
    const cluster = Cluster.started(THREE, { seed: 7 })
    cluster.run(2_000)
    if (how === 'leave') cluster.leave('cyd')
    else cluster.kill('cyd', 'reset')
    cluster.run(15_000)
    assert.equal(cluster.view('ada', 'cyd')?.state, how === 'leave' ? 'left' : 'dead')
    cluster.start('cyd', ['ada'], '2')
    cluster.runUntil(() => THREE.every((name) => cluster.view(name, 'cyd')?.version === '2'), 3_000)
    assert.equal(cluster.view('bob', 'cyd')?.state, 'alive')
  }
})

test('a peer restarted before anybody noticed says its new things under a new incarnation', () => {
  const cluster = Cluster.started(THREE, { seed: 8 })
  cluster.kill('cyd', 'reset')
  cluster.start('cyd', ['ada'], '2')
  cluster.runUntil(() => THREE.every((name) => cluster.view(name, 'cyd')?.version === '2'), 3_000)
  cluster.run(10_000)
  assert.deepEqual(cluster.changesTo('dead'), [])
})

test('the dead are remembered for a while, told to newcomers, and forgotten everywhere', () => {
  const cluster = Cluster.started(THREE, { seed: 9, settings: { rememberMs: 60_000 } })
  cluster.kill('cyd', 'reset')
  cluster.run(30_000)
  cluster.start('eve', ['ada'])
  cluster.runUntil(() => cluster.view('eve', 'cyd')?.state === 'dead', 5_000)
  cluster.run(40_000)
  for (const name of ['ada', 'bob', 'eve']) assert.equal(cluster.view(name, 'cyd'), undefined)
  cluster.run(60_000)
  assert.equal(cluster.changesTo('dead', 'cyd').length, 3, 'each learned it once, and nobody brought it back')
})

test('the same seed gives the same run', () => {
  const run = () => {
    const cluster = Cluster.started(FIVE, { seed: 10 })
    cluster.loss = 0.3
    cluster.run(30_000)
    cluster.kill('eve', 'silent')
    cluster.run(30_000)
    return cluster.changes
  }
  assert.deepEqual(run(), run())
})
