import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Fault } from './faults.ts'
import { run } from './run.ts'
import { commandOf, type Reduced, shrink } from './shrink.ts'

const FROM: Reduced = { faults: ['loss', 'crash', 'poison', 'clock'], peers: 5, minutes: 8 }

describe('shrinking', () => {
  it('keeps the faults, the peers and the time that a failure needs, and nothing else', async () => {
    const needs: readonly Fault[] = ['crash', 'clock']
    const fails = async ({ faults, peers, minutes }: Reduced) =>
      needs.every((fault) => faults.includes(fault)) && peers >= 3 && minutes >= 1
    const least = await shrink(FROM, fails)
    assert.deepEqual(least, { faults: ['crash', 'clock'], peers: 3, minutes: 1 })
    assert.equal(commandOf(7, least), 'npm run sim -- --seed 7 --minutes 1 --faults crash,clock --peers 3 --verbose')
  })

  it('leaves a run as it is when everything in it is needed', async () => {
    assert.deepEqual(await shrink(FROM, async () => false), FROM)
  })

  it('plays with the faults and peers that it is given', async () => {
    const { faults, peers } = await run({ seed: 1, faultsMs: 15_000, only: ['crash', 'delay'], peers: 4 })
    assert.equal(peers, 4)
    const others = Object.entries(faults).filter(([fault]) => fault !== 'crash' && fault !== 'delay')
    assert.deepEqual(
      others.filter(([, count]) => count > 0),
      [],
    )
    assert.equal(faults.delay, 1)
  })
})
