/**
 * What every sink does: whoever writes a certified batch, and however often, in whatever state they left it when they
 * died, a reader finds the same rows exactly once.
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { comparePlaces, comparePositions, furthest, isBehind } from '../../mesh/index.ts'
import type { CertifiedBatch, Sink, UnitIdentity, UnitSink } from '../../src/commit/sink.ts'
import { QuorateError } from '../../src/errors.ts'
import {
  batch,
  expectedRows,
  identity,
  type Layout,
  oneBody,
  row,
  STORY,
  sorted,
  story,
  type WindowRow,
} from './sink-batches.ts'

/** Stands around every call that a sink makes to the outside. */
export type Step = <T>(call: () => Promise<T>) => Promise<T>

export interface SinkHarness {
  /** A sink of a committer's own, whose every call to the outside goes through `step`. */
  sink(step: Step): Sink
  /** What a reader finds: everything, in any order, twice if it is there twice. */
  rows(): Promise<WindowRow[]>
  readonly keeps: 'everyRevision' | 'lastRevision'
  /** A committer that opens locks out those before it. */
  readonly fences: boolean
  readonly layout?: Layout
  dispose(): Promise<void>
}

const unhindered: Step = (call) => call()
const unit = identity()
const LAST = { seq: 3, part: 0 }

export function sinkContract(name: string, createHarness: () => Promise<SinkHarness>, skip: string | false = false) {
  describe(`${name}: sink contract`, { skip }, () => {
    let harness: SinkHarness
    let opened: Sink[]
    let batches: CertifiedBatch[]
    beforeEach(async () => {
      harness = await createHarness()
      opened = []
      batches = story(unit, harness.layout ?? oneBody)
    })
    afterEach(async () => {
      for (const each of opened) await each.close()
      await harness.dispose()
    })

    const sink = (step: Step = unhindered): Sink => {
      const created = harness.sink(step)
      opened.push(created)
      return created
    }
    const other = (position: CertifiedBatch['position'], rows: readonly WindowRow[]) =>
      batch(unit, position, undefined, rows, harness.layout ?? oneBody)
    const assertWhole = async () => {
      const expected = expectedRows(
        STORY.map(([, rows]) => rows),
        harness.keeps,
      )
      assert.deepEqual(sorted(await harness.rows()), expected)
    }
    const progressOf = async () => (await sink().open(unit)).progress

    it('has nothing of a unit before the first batch, and has each batch once it was written', async () => {
      const session = await sink().open(unit)
      assert.equal(session.progress, undefined)
      for (const each of batches) assert.equal(await session.write([each]), 'written')
      await session.close()

      await assertWhole()
      const { record, outDigest } = batches.at(-1)!
      const progress = await progressOf()
      assert.deepEqual(progress?.position, LAST)
      assert.equal(progress?.outDigest, outDigest)
      assert.deepEqual(Buffer.from(progress?.record ?? []), Buffer.from(record))
    })

    it('answers "already" to what it has, to the same committer and to another', async () => {
      const first = await sink().open(unit)
      for (const each of batches) await first.write([each])
      assert.equal(await first.write([batches[3]!]), 'already')
      assert.equal(await first.write([batches[0]!]), 'already')
      const second = await sink().open(unit)
      for (const each of batches) assert.equal(await second.write([each]), 'already')
      await assertWhole()
    })

    it('takes several batches at once as it takes one after another', async () => {
      const session = await sink().open(unit)
      assert.equal(await session.write(batches.slice(0, 2)), 'written')
      assert.equal(await session.write(batches), 'written')
      assert.equal(await session.write(batches), 'already')
      assert.deepEqual((await progressOf())?.position, LAST)
      await assertWhole()
    })

    it('takes a batch without rows, and is as far as that afterwards', async () => {
      const session = await sink().open(unit)
      await session.write([other({ seq: 1, part: 0 }, [])])
      assert.deepEqual((await progressOf())?.position, { seq: 1, part: 0 })
      assert.deepEqual(await harness.rows(), [])
    })

    it('keeps the progress of each unit apart', async () => {
      const neighbour = identity(1, 1)
      const session = await sink().open(unit)
      for (const each of batches) await session.write([each])
      assert.equal((await sink().open(neighbour)).progress, undefined)
    })

    it('has each row once when several committers write everything at once', async () => {
      const committers = [sink(), sink(), sink()]
      const outcomes = await Promise.all(committers.map((each, rank) => commitAll(each, unit, batches, { rank })))
      assert.deepEqual(outcomes, [LAST, LAST, LAST])
      await assertWhole()
    })

    for (const when of ['before', 'after'] as const) {
      for (const together of [1, 3]) {
        it(`has each row once when a committer of ${together} at a time is killed ${when} any of its calls got through`, async () => {
          const steps = await countSteps(together)
          assert.ok(steps > 2, `expected several calls to the outside, found ${steps}`)
          for (let killAt = 1; killAt <= steps; killAt++) {
            await harness.dispose()
            harness = await createHarness()
            const victim = killing(killAt, when)
            await Promise.race([commitAll(sink(victim.step), unit, batches, { together }), victim.dead])
            assert.deepEqual(await commitAll(sink(), unit, batches, { together }), LAST)
            await assertWhole()
          }
        })
      }

      it(`says that it was unreachable when a connection is lost ${when} a call got through, and can be asked again`, async () => {
        const steps = await countSteps()
        for (let loseAt = 1; loseAt <= steps; loseAt++) {
          await harness.dispose()
          harness = await createHarness()
          const codes: string[] = []
          const committer = sink(losing(loseAt, when))
          assert.deepEqual(await commitAll(committer, unit, batches, { onFailure: (code) => codes.push(code) }), LAST)
          assert.deepEqual(codes, ['QRT_SINK_UNREACHABLE'], `call ${loseAt}`)
          await assertWhole()
        }
      })
    }

    for (const when of ['before', 'after'] as const) {
      it(`has the record of each row before that row, wherever a committer is killed ${when} a call got through`, async () => {
        const placeOf = (found: WindowRow) =>
          STORY.find(([, rows]) => rows.some((each) => each.start === found.start && each.value === found.value))?.[0]
        const steps = await countSteps(3)
        for (let killAt = 1; killAt <= steps; killAt++) {
          await harness.dispose()
          harness = await createHarness()
          const victim = killing(killAt, when)
          await Promise.race([commitAll(sink(victim.step), unit, batches, { together: 3 }), victim.dead])
          const session = await sink().open(unit)
          const announced = await session.announced()
          const told = furthest(session.progress?.position, announced?.position)
          for (const found of await harness.rows()) {
            const place = placeOf(found)
            assert.ok(place !== undefined && !isBehind(told, place), `call ${killAt}: ${found.value}`)
          }
          const batch = batches.find(({ position }) => comparePlaces(position, announced?.position) === 0)
          if (announced !== undefined) assert.equal(announced.outDigest, batch?.outDigest)
          if (announced !== undefined) assert.deepEqual(Buffer.from(announced.record), Buffer.from(batch?.record ?? []))
        }
      })
    }

    it('suffers no zombie: a committer that wakes up after others went on changes nothing', async () => {
      const zombie = await sink().open(unit)
      await zombie.write([batches[0]!])
      const heir = await sink().open(unit)
      for (const each of batches) await heir.write([each])

      const attempt = zombie.write([batches[1]!])
      if (harness.fences) await assert.rejects(attempt, { code: 'QRT_SINK_FENCED' })
      else assert.equal(await attempt, 'already')

      assert.deepEqual((await progressOf())?.position, LAST)
      await assertWhole()
    })

    it('refuses other content at a position that it has, and keeps what it has', async () => {
      const [first] = batches
      const racing = await sink().open(unit)
      const session = await sink().open(unit)
      await session.write([first!])
      const different = other(first!.position, [row(9, '"z"', '{"count":9}')])
      await assert.rejects(session.write([different]), { code: 'QRT_SINK_FORK' })
      const later = await sink().open(unit)
      await assert.rejects(later.write([different]), { code: 'QRT_SINK_FORK' })
      // One that opened before the first was written does not know of it, and finds out.
      await assert.rejects(racing.write([different]), { code: harness.fences ? 'QRT_SINK_FENCED' : 'QRT_SINK_FORK' })
      assert.equal((await progressOf())?.outDigest, first!.outDigest)
      assert.deepEqual(sorted(await harness.rows()), sorted(STORY[0]![1]))
    })

    it('passes its probe, any number of times', async () => {
      await sink().probe()
      await sink().probe()
      assert.deepEqual(await harness.rows(), [])
    })

    /** Calls to the outside that one undisturbed committer makes, from opening to the last batch. */
    async function countSteps(together = 1): Promise<number> {
      let steps = 0
      const counting: Step = (call) => {
        steps += 1
        return call()
      }
      await commitAll(sink(counting), unit, batches, { together })
      return steps
    }
  })
}

/** The other end did what it was asked; whatever it answered is lost. */
const gotThrough = (call: () => Promise<unknown>): Promise<unknown> => call().catch(() => undefined)

/** Call number `at` and those after it never return: whoever made them is dead. */
function killing(at: number, when: 'before' | 'after'): { readonly step: Step; readonly dead: Promise<void> } {
  const { promise: dead, resolve: die } = Promise.withResolvers<void>()
  let steps = 0
  const step: Step = async (call) => {
    steps += 1
    if (steps < at) return call()
    if (steps === at && when === 'after') await gotThrough(call)
    die()
    return new Promise(() => undefined)
  }
  return { step, dead }
}

/** What a step throws when only the connection is lost; the harness turns it into its client's own error. */
export class ConnectionLost extends Error {}

function losing(at: number, when: 'before' | 'after'): Step {
  let steps = 0
  return async (call) => {
    steps += 1
    if (steps !== at) return call()
    if (when === 'after') await gotThrough(call)
    throw new ConnectionLost(`lost ${when} call ${at}`)
  }
}

const MAX_SESSIONS = 200

/** What a committer does: opens, goes on from the sink's own progress, opens again after any failure but a fork. */
async function commitAll(
  sink: Sink,
  unit: UnitIdentity,
  batches: readonly CertifiedBatch[],
  {
    rank = 0,
    together = 1,
    onFailure = () => undefined,
  }: { rank?: number; together?: number; onFailure?: (code: string) => void } = {},
): Promise<CertifiedBatch['position'] | undefined> {
  for (let sessions = 0; sessions < MAX_SESSIONS; sessions++) {
    let session: UnitSink | undefined
    try {
      session = await sink.open(unit)
      const { progress } = session
      const missing = batches.filter(
        ({ position }) => progress === undefined || comparePositions(position, progress.position) > 0,
      )
      for (let from = 0; from < missing.length; from += together) {
        await session.write(missing.slice(from, from + together))
      }
      return session.progress?.position
    } catch (error) {
      const code = error instanceof QuorateError ? error.code : undefined
      if (code !== 'QRT_SINK_FENCED' && code !== 'QRT_SINK_UNREACHABLE') throw error
      onFailure(code)
      // Those who fence each other wait, each longer than the one before it and longer each time.
      await delay((rank + 1) * 2 ** Math.min(sessions, 6))
    } finally {
      await session?.close()
    }
  }
  throw new Error(`not done after ${MAX_SESSIONS} sessions`)
}
