import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keptSeeds, play } from './play.ts'
import { run } from './run.ts'

const MINUTE_MS = 60_000
/** Many more, for longer, are played by `npm run sim`. */
const SEEDS = 40

describe('the simulator', () => {
  it('finds nothing wrong in the kept seeds and some others, and each is the same twice', async () => {
    const others = Array.from({ length: SEEDS }, (_, index) => ({ seed: index + 1, faultsMs: MINUTE_MS }))
    const seeds = [...keptSeeds(), ...others]
    const violations: string[] = []
    let certificates = 0
    await play({
      seeds,
      twice: true,
      workers: 2,
      onPlayed: (played) => {
        certificates += played.certificates
        if (played.violation === undefined) return
        violations.push(
          `npm run sim -- --seed ${played.seed} --minutes ${played.faultsMs / MINUTE_MS} --verbose\n${played.violation}`,
        )
      },
    })
    assert.deepEqual(violations, [])
    assert.ok(certificates > 20 * seeds.length, `only ${certificates} certificates in ${seeds.length} runs`)
  })

  it('gives another trace for another seed', async () => {
    const [one, other] = await Promise.all([
      run({ seed: 1, faultsMs: MINUTE_MS / 4 }),
      run({ seed: 2, faultsMs: MINUTE_MS / 4 }),
    ])
    assert.notEqual(one.trace, other.trace)
  })
})
