/** How long results can be queried: by event time where there are windows, and never the last ones that a sink needs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BatchEntry } from '../../src/replica/batch.ts'
import type { HostedUnit } from '../../src/replica/hosted.ts'
import { expired } from '../../src/replica/retention.ts'

const DAY = 86_400_000

/** Cuts of a window a day, each with its rows. */
const entries = (days: number): BatchEntry[] =>
  Array.from({ length: days }, (_, day) => ({
    position: { seq: day + 1, part: 0 },
    bytes: 10,
    rows: 1,
    branchRows: [],
    deadRows: 0,
    lateRows: 0,
    minStart: day * DAY,
    maxEnd: (day + 1) * DAY,
    watermark: (day + 1) * DAY,
    readyAt: 0,
  }))

const unit = (watermark: number, retentionMs = 7 * DAY, days = 30) =>
  ({ watermark, description: { retentionMs }, batches: { entries: entries(days) } }) as unknown as HostedUnit

const all = { seq: 30, part: 0 }

describe('results', () => {
  it('are forgotten so long after the end of their window', () => {
    assert.equal(expired(unit(30 * DAY), all, 0), 23)
    assert.equal(expired(unit(30 * DAY, 40 * DAY), all, 0), 0)
  })

  it('are kept where the job says forever, and until every sink has them', () => {
    assert.equal(expired(unit(30 * DAY, -1), all, 0), 0)
    assert.equal(expired(unit(30 * DAY), undefined, 0), 0)
    assert.equal(expired(unit(30 * DAY), { seq: 3, part: 0 }, 0), 2)
  })

  it('of an input that has ended are kept as if time stood at the end of its windows', () => {
    assert.equal(expired(unit(Number.POSITIVE_INFINITY), all, 0), 23)
  })
})
