/** How long a suspect has: long on one word, short on several. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../../mesh/membership/settings.ts'
import { Suspicion } from '../../../mesh/membership/suspicion.ts'
import { fakeSigner } from '../../sim/identity.ts'

const [ada, bob, cyd, dan] = ['ada', 'bob', 'cyd', 'dan'].map((name) => fakeSigner(name).id) as [
  never,
  never,
  never,
  never,
]

/** least = 5 × max(1, log10(5)) × 1 s = 5 s; most = 6 × least = 30 s; k = 2. */
test('confirmations shorten the wait by the logarithm of their number, down to the least', () => {
  const suspicion = new Suspicion(1_000, ada, 5, DEFAULT_SETTINGS)
  assert.equal(suspicion.deadline, 1_000 + 30_000)
  assert.equal(suspicion.confirm(bob), true)
  assert.equal(Math.round(suspicion.deadline), 1_000 + Math.round(30_000 - 25_000 * (Math.log(2) / Math.log(3))))
  assert.equal(suspicion.confirm(cyd), true)
  assert.equal(suspicion.deadline, 1_000 + 5_000)
})

test('one accuser is one, however often it is heard; beyond those expected none counts', () => {
  const suspicion = new Suspicion(0, ada, 5, DEFAULT_SETTINGS)
  assert.equal(suspicion.confirm(ada), false)
  assert.equal(suspicion.confirm(bob), true)
  assert.equal(suspicion.confirm(bob), false)
  assert.equal(suspicion.confirm(cyd), true)
  assert.equal(suspicion.confirm(dan), false)
})

test('where nobody else could confirm, the wait is the least at once', () => {
  assert.equal(new Suspicion(0, ada, 2, DEFAULT_SETTINGS).deadline, 5_000)
})

test('the wait grows with the logarithm of the cluster', () => {
  assert.equal(new Suspicion(0, ada, 2, DEFAULT_SETTINGS).deadline, 5_000)
  const suspicion = new Suspicion(0, ada, 100, DEFAULT_SETTINGS)
  assert.equal(suspicion.deadline, 6 * 10_000)
})

test('time in which this process was stopped is given back', () => {
  const suspicion = new Suspicion(0, ada, 2, DEFAULT_SETTINGS)
  suspicion.extend(3_000)
  assert.equal(suspicion.deadline, 8_000)
})
