import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { PeerId } from '../../mesh/index.ts'
import { Committer } from '../../src/commit/committer.ts'
import { Sharing } from '../../src/commit/sharing.ts'
import { FileSink } from '../../src/commit/sinks/file.ts'
import { HOST_TIMING } from '../../src/limits.ts'
import { type BatchEntry, BatchIndex } from '../../src/replica/batch.ts'
import { identity, oneBody, story } from '../contract/sink-batches.ts'
import { eventually } from '../eventually.ts'

const [ADA, BO] = ['a'.repeat(64), 'b'.repeat(64)] as [PeerId, PeerId]
const folder = await mkdtemp(join(tmpdir(), 'quorate-apart-'))
after(() => rm(folder, { recursive: true, force: true }))

const unit = identity()
const STORY = story(unit, oneBody)
const LAST = { seq: 3, part: 0 }

/** A replica of the second rank that holds every batch; no time passes, so its turn never comes while it has to wait. */
function second(root: string, apart: boolean) {
  const batches = new BatchIndex()
  for (const { position, body } of STORY) {
    const none = { rows: 0, branchRows: [], deadRows: 0, lateRows: 0, minStart: 0, maxEnd: 0, watermark: 0 }
    batches.add({ position, bytes: body.length, ...none, readyAt: 0 } satisfies BatchEntry)
  }
  const sink = new FileSink(root, 'delays', BO)
  let opened = 0
  const committer = new Committer({
    unit: unit.unit,
    sinkName: sink.name,
    batches,
    now: () => 0,
    apart,
    random: () => 0,
    open: () => {
      opened += 1
      return sink.open(unit)
    },
    load: async ({ position }) => STORY.find((batch) => batch.position === position || same(batch.position, position)),
    onCommitted: () => undefined,
    onHalt: (error) => assert.fail(error),
  })
  return { committer, sink, opened: () => opened }
}
const same = (a: { seq: number; part: number }, b: { seq: number; part: number }) =>
  a.seq === b.seq && a.part === b.part

describe('a replica that comes second', () => {
  it('waits for the first, and believes it, where both write to one place', () => {
    const { committer, opened } = second(join(folder, 'together'), false)
    committer.tick(1)
    committer.heard(LAST)
    committer.tick(1)
    assert.deepEqual(committer.progress, LAST)
    assert.equal(opened(), 0)
  })

  it('writes everything itself, whatever others have, where each writes to a place of its own', async () => {
    const { committer, sink } = second(join(folder, 'apart'), true)
    committer.heard(LAST)
    assert.equal(committer.progress, undefined)
    committer.tick(1)
    await eventually('all is written', () => same(committer.progress ?? { seq: 0, part: 0 }, LAST))
    assert.deepEqual((await sink.open(unit)).progress?.position, LAST)
  })

  it('forgets what it heard, and looks for itself, when the place turns out to be its own', async () => {
    const { committer, sink } = second(join(folder, 'turned'), false)
    committer.heard(LAST)
    committer.apart = true
    committer.tick(1)
    await eventually('all is written', () => same(committer.progress ?? { seq: 0, part: 0 }, LAST))
    assert.deepEqual((await sink.open(unit)).progress?.position, LAST)
  })
})

describe('whether replicas write to one place', () => {
  /** What is asked, and what is told, of a sharing whose answers the test gives. */
  function sharing() {
    const asked: string[] = []
    const told: boolean[] = []
    let answer: (shared: boolean) => void = () => undefined
    let fail: (error: Error) => void = () => undefined
    const asking = new Sharing(
      (peers) => {
        asked.push(peers.map((peer) => peer[0]).join(''))
        return new Promise((resolve, reject) => {
          answer = resolve
          fail = reject
        })
      },
      (shared) => told.push(shared),
    )
    const heard = async (how: () => void) => {
      const before = told.length
      how()
      await eventually('it is told', () => told.length > before)
    }
    return {
      asked,
      told,
      review: (members: readonly PeerId[], now: number) => asking.review(members, now),
      answer: (shared: boolean) => heard(() => answer(shared)),
      fail: () => heard(() => fail(new Error('no such mount'))),
    }
  }

  it('is asked once until time has passed, and again at once when others are members', async () => {
    const { asked, told, review, answer } = sharing()
    review([ADA], 0)
    review([ADA], 0)
    await answer(true)
    review([ADA], HOST_TIMING.sharingMs - 1)
    assert.deepEqual(asked, ['a'])
    review([ADA], HOST_TIMING.sharingMs)
    await answer(true)
    assert.deepEqual(asked, ['a', 'a'])
    // Apart until the answer is there: the new one may write elsewhere.
    review([ADA, BO], HOST_TIMING.sharingMs + 1)
    assert.deepEqual(asked, ['a', 'a', 'ab'])
    assert.deepEqual(told.at(-1), false)
    await answer(true)
    assert.deepEqual(told.at(-1), true)
  })

  it('is taken to be no where the place cannot be looked at', async () => {
    const { told, review, fail } = sharing()
    review([ADA, BO], 0)
    await fail()
    assert.deepEqual(told, [false, false])
  })
})
