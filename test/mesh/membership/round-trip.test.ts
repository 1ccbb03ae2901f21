/** How long probes take, as membership tells it: only where an ack can be the answer to one ping and to no other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeSigner } from '../../sim/identity.ts'
import { Cluster } from './cluster.ts'

/**
 *   ping ── at most 20 ms ──▶ ack ── at most 20 ms ──▶ seen at the next step of 1 ms
 */
test('a probe that its member answers tells the time from ping to ack', () => {
  const cluster = Cluster.started(['ada', 'bob'], { seed: 1, stepMs: 1 })
  cluster.run(10_000)
  const seen = cluster.roundTrips.filter(({ seenBy }) => seenBy === 'ada')
  assert.ok(seen.length >= 5, `${seen.length} round trips in 10 s`)
  for (const { peer, durationMs } of seen) {
    assert.equal(peer, fakeSigner('bob').id)
    assert.ok(durationMs >= 2 && durationMs <= 44, `${durationMs} ms`)
  }
})

/**
 *   ada ─╳─▶ bob     pings are lost on the way, so cyd pings bob for ada, and passes the ack on
 */
test('a probe that others carried out tells nothing', () => {
  const cluster = Cluster.started(['ada', 'bob', 'cyd'], { seed: 1 })
  cluster.run(1_000)
  cluster.cut('ada', 'bob')
  cluster.roundTrips.length = 0
  cluster.run(10_000)
  const toBob = cluster.roundTrips.filter(({ peer }) => peer === fakeSigner('bob').id)
  assert.deepEqual(
    toBob.filter(({ seenBy }) => seenBy === 'ada'),
    [],
  )
  assert.ok(toBob.some(({ seenBy }) => seenBy === 'cyd'))
})
