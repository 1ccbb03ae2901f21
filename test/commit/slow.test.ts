import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Committer } from '../../src/commit/committer.ts'
import type { CertifiedBatch, UnitSink } from '../../src/commit/sink.ts'
import { QuorateError } from '../../src/errors.ts'
import { LIMITS } from '../../src/limits.ts'
import { type BatchEntry, BatchIndex } from '../../src/replica/batch.ts'
import { identity } from '../contract/sink-batches.ts'
import { eventually } from '../eventually.ts'

const UNIT = identity()
const COUNT = 3 * LIMITS.commitBatches
/** What the sink can take before the call is given up. */
const IN_TIME = 10

//   64 ✗  32 ✗  16 ✗  8 ✓  16 ✗  8 ✓ …
it('a sink that cannot take much at once gets less at once, until it has all', async () => {
  const batches = new BatchIndex()
  for (let seq = 1; seq <= COUNT; seq++) {
    const none = { rows: 0, branchRows: [], deadRows: 0, lateRows: 0, minStart: 0, maxEnd: 0, watermark: 0 }
    batches.add({ position: { seq, part: 0 }, bytes: 1, ...none, readyAt: 0 } satisfies BatchEntry)
  }
  const tried: number[] = []
  const taken: number[] = []
  const session: UnitSink = {
    progress: undefined,
    announced: async () => undefined,
    write: async (given) => {
      tried.push(given.length)
      if (given.length > IN_TIME) throw new QuorateError('QRT_SINK_UNREACHABLE', 'it timed out', { indefinite: true })
      taken.push(...given.map(({ position }) => position.seq))
      return 'written'
    },
    close: async () => undefined,
  }
  let now = 0
  const committer = new Committer({
    unit: UNIT.unit,
    sinkName: 'slow',
    batches,
    now: () => now,
    random: () => 0,
    open: async () => {
      const last = taken.at(-1)
      const progress = last === undefined ? undefined : { position: { seq: last, part: 0 } }
      return { ...session, progress } as unknown as UnitSink
    },
    load: async ({ position }) => ({ position }) as unknown as CertifiedBatch,
    onCommitted: () => undefined,
    onHalt: (error) => assert.fail(error),
  })
  await eventually('all is there', () => {
    now += 60_000
    committer.tick(0)
    return taken.length >= COUNT
  })
  assert.deepEqual(
    taken,
    Array.from({ length: COUNT }, (_, i) => i + 1),
  )
  assert.deepEqual(tried.slice(0, 5), [64, 32, 16, 8, 16])
})
