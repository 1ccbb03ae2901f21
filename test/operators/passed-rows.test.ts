import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CutOutput, createStage, readRows, type StagePlan } from '../../operators/index.ts'
import {
  aggregate,
  deadLettersOf,
  expression,
  line,
  recordsInput,
  rowsOfCuts,
  StageRun,
  stagePlan,
} from './stage-harness.ts'

const TENS = { kind: 'aligned', sizeMs: 10, slideMs: 10, offsetMs: 0, allowedLatenessMs: 0 } as const
const TWENTIES = { ...TENS, sizeMs: 20, slideMs: 20 }

const COUNTED = [aggregate('n', 'count')]
const MOST = [aggregate('most', 'max', 'n')]

/** Records of two partitions are counted by key in tens; the greatest count of all keys, in twenties. */
function plans(changes: Partial<StagePlan> = {}): readonly [StagePlan, StagePlan, StagePlan] {
  const first = stagePlan({ aggregates: COUNTED, output: { kind: 'shuffle', partitions: 2 }, ...changes })
  const { keyBy: _, ...unkeyed } = stagePlan({ window: TWENTIES, aggregates: MOST })
  return [
    first,
    {
      ...first,
      stage: 1,
      input: { kind: 'slices', sources: 2 },
      output: { kind: 'shuffle', partitions: 1, carries: 'records' },
      next: { aggregates: MOST },
    },
    { ...unkeyed, stage: 2, input: { kind: 'slices', sources: 2, rowSources: 2 } },
  ]
}

const bodies = (cuts: readonly CutOutput[], destination: number): Uint8Array[] =>
  cuts
    .flatMap(({ parts }) => parts.map((part) => part.bodies[destination] ?? new Uint8Array()))
    .filter(({ length }) => length > 0)

/** Every stage of a job, fed in step: what a unit cuts is read at once. */
class Chain {
  readonly sources: readonly StageRun[]
  readonly counts: readonly StageRun[]
  readonly last: StageRun

  constructor([first, second, third]: readonly [StagePlan, StagePlan, StagePlan] = plans()) {
    this.sources = [0, 1].map((partition) => new StageRun(first, partition))
    this.counts = [0, 1].map((partition) => new StageRun(second, partition))
    this.last = new StageRun(third)
  }

  /** What a cut of a source becomes; of `units` alone, where they are named: the others have not read it yet. */
  pass(cuts: readonly CutOutput[], units: readonly number[] = [0, 1]): void {
    for (const unit of units) this.forward(unit, this.counts[unit]!.feed(...bodies(cuts, unit)))
  }

  /** Asks for a cut where one is pending, as `maxCutAge` does. */
  settle(unit: number): void {
    const run = this.counts[unit]!
    if (run.stage.pending) this.forward(unit, [run.decide('cut')])
  }

  forward(_unit: number, cuts: readonly CutOutput[]): void {
    this.last.feed(...bodies(cuts, 0))
  }

  feed(partition: number, ...records: readonly object[]): void {
    const run = this.sources[partition]!
    run.feed(...records)
    const cuts = [...run.cuts.splice(0), ...(run.stage.pending ? [run.decide('cut')] : [])]
    run.cuts.length = 0
    this.pass(cuts)
    this.settle(0)
    this.settle(1)
  }

  sleep(partition: number, units: readonly number[] = [0, 1]): void {
    const run = this.sources[partition]!
    this.pass([run.decide('idle')], units)
    run.cuts.length = 0
  }

  get rows(): string[] {
    if (this.last.stage.cutDue || this.last.stage.pending) this.last.decide('cut')
    return rowsOfCuts(this.last.cuts.splice(0)).map(line)
  }
}

describe('rows for a next stage', () => {
  // t         0        10        20        30
  // part. 0   a a       |  a      |         | a
  // part. 1   a   b     |         |  b      | b
  // counts   [a3 b1    )[a1      )[b1      )
  // greatest [3                  )[1
  it('go on once their window is closed, into the window that ends with it or later', () => {
    const chain = new Chain()
    chain.feed(0, { t: 0, k: 'a' }, { t: 2, k: 'a' }, { t: 11, k: 'a' })
    chain.feed(1, { t: 1, k: 'a' }, { t: 3, k: 'b' }, { t: 21, k: 'b' })
    assert.deepEqual(chain.rows, [])
    chain.feed(0, { t: 30, k: 'a' })
    assert.deepEqual(chain.rows, ['[0,20) null most=3 r0 final'])
    chain.feed(1, { t: 50, k: 'b' })
    chain.feed(0, { t: 50, k: 'a' })
    assert.deepEqual(chain.rows, ['[20,40) null most=1 r0 final'])
  })

  it('wait for the lateness that is allowed, and have all of their revisions in them', () => {
    const chain = new Chain(plans({ window: { ...TENS, allowedLatenessMs: 10 }, input: recordsInput(10) }))
    chain.feed(1, { t: 25, k: 'b' })
    // At a watermark of 15 the window [0,10) has closed, and takes records still.
    chain.feed(0, { t: 3, k: 'a' }, { t: 25, k: 'a' }, { t: 4, k: 'a' })
    assert.deepEqual(chain.rows, [])
    chain.feed(0, { t: 60, k: 'a' })
    chain.feed(1, { t: 60, k: 'b' })
    assert.deepEqual(chain.rows, ['[0,20) null most=2 r0 final', '[20,40) null most=1 r0 final'])
  })

  it('go through the steps on rows first, and a filter keeps them back', () => {
    const [first, second, third] = plans()
    const after = [
      { kind: 'filter', where: expression('key != "a"') },
      { kind: 'map', fields: { n: expression('n * 10 + window.start') }, keep: true },
    ] as const
    const chain = new Chain([first, { ...second, after }, third])
    chain.feed(0, { t: 0, k: 'a' }, { t: 1, k: 'a' }, { t: 12, k: 'b' }, { t: 40, k: 'a' })
    chain.feed(1, { t: 40, k: 'b' })
    assert.deepEqual(chain.rows, ['[0,20) null most=20 r0 final'])
  })

  it('that the next stage has no value for are dead letters with their number', () => {
    const [first, second, third] = plans()
    const next = { keyBy: [expression('n / (n - 1)')], aggregates: MOST }
    const chain = new Chain([first, { ...second, next }, third])
    chain.feed(0, { t: 0, k: 'a' }, { t: 40, k: 'a' })
    chain.feed(1, { t: 40, k: 'b' })
    const letters = chain.counts.flatMap(({ cuts }) => deadLettersOf(cuts)).map(({ value }) => JSON.parse(value))
    assert.equal(letters.length, 1)
    const { error, stage, offset, record } = letters[0]
    assert.deepEqual([error, stage, offset], ['QRT_EXPR_DIVISION_BY_ZERO', 1, 0])
    assert.equal(JSON.parse(record).n, 1)
    // At a sink it stands beside the dead letter of a record with these numbers.
    const frames = chain.counts
      .flatMap(({ cuts }) => cuts.flatMap(({ parts }) => parts))
      .flatMap((part) => [...readRows(part.deadLetters)])
    assert.deepEqual(
      frames.map(({ flags }) => flags),
      [1],
    )
  })

  it('are in the window in which they say they happened, and wait for as long as they may say so', () => {
    const [first, second, third] = plans({ aggregates: [aggregate('n', 'count'), aggregate('at', 'max', 't')] })
    const next = { aggregates: MOST, time: { path: ['at'], withinMs: 10, pointer: '' } }
    const chain = new Chain([first, { ...second, next }, third])
    chain.feed(0, { t: 15, k: 'a' }, { t: 16, k: 'a' }, { t: 33, k: 'b' })
    chain.feed(1, { t: 33, k: 'b' })
    // At 33 the window [10,20) has closed; a row that comes may still be of 23.
    assert.deepEqual(chain.rows, ['[0,20) null most=2 r0 final'])
    chain.feed(0, { t: 52, k: 'b' })
    chain.feed(1, { t: 49, k: 'b' })
    // A row of [40,50) could say 39.
    assert.deepEqual(chain.rows, [])
    chain.feed(1, { t: 52, k: 'b' })
    assert.deepEqual(chain.rows, ['[20,40) null most=2 r0 final'])
  })

  it('that say they happened earlier than that, or do not say when, are dead letters of the unit that made them', () => {
    const [first, second, third] = plans({ aggregates: [aggregate('n', 'count'), aggregate('at', 'min', 's')] })
    const next = { aggregates: MOST, time: { path: ['at'], withinMs: 5, pointer: '' } }
    const chain = new Chain([first, { ...second, next }, third])
    chain.feed(0, { t: 4, k: 'a', s: 3 }, { t: 5, k: 'b', s: 4 }, { t: 6, k: 'c', s: null }, { t: 40, k: 'a', s: 40 })
    chain.feed(1, { t: 40, k: 'b', s: 40 })
    const letters = chain.counts.flatMap(({ cuts }) => deadLettersOf(cuts)).map(({ value }) => JSON.parse(value))
    assert.deepEqual(letters.map(({ error, stage, record }) => `${error} ${stage} ${JSON.parse(record).key}`).sort(), [
      'QRT_RECORD_TIME 1 c',
      'QRT_ROW_EARLIER 1 a',
    ])
    assert.deepEqual(chain.rows, ['[0,20) null most=1 r0 final'])
  })

  it('are numbered beyond all that came before a gap', () => {
    const [, second] = plans()
    const stage = createStage(second, { partition: 0 })
    const before = stage.snapshot()
    stage.forget(5, 2)
    stage.cut()
    const after = stage.snapshot()
    assert.notDeepEqual(after, before)
    const again = createStage(second, { partition: 0 })
    again.restore(after)
    assert.deepEqual(again.snapshot(), after)
  })
})

describe('silence before a next stage', () => {
  it('shows what the last stage holds, of rows that are final', () => {
    const chain = new Chain()
    chain.feed(0, { t: 0, k: 'a' }, { t: 12, k: 'a' })
    chain.feed(1, { t: 1, k: 'a' }, { t: 12, k: 'b' })
    chain.sleep(0)
    assert.deepEqual(chain.rows, [])
    chain.sleep(1)
    // What is in [10,20) of the counts may change, and stays there.
    assert.deepEqual(chain.rows, ['[0,20) null most=2 r0'])
  })

  it('leaves no unit out that has not heard yet that the sources are awake', () => {
    const chain = new Chain()
    chain.feed(0, { t: 0, k: 'a' }, { t: 12, k: 'a' })
    chain.feed(1, { t: 1, k: 'b' }, { t: 12, k: 'b' }, { t: 13, k: 'b' })
    chain.sleep(0)
    chain.sleep(1)
    assert.deepEqual(chain.rows, ['[0,20) null most=1 r0'])
    // Both wake, and one of the two units reads that long before the other.
    const cuts = chain.sources.flatMap((source) => {
      source.feed({ t: 90, k: 'c' })
      const made = [...source.cuts.splice(0), source.decide('cut')]
      source.cuts.length = 0
      return made
    })
    chain.pass(cuts, [0])
    chain.settle(0)
    assert.deepEqual(chain.rows, [])
    chain.pass(cuts, [1])
    chain.settle(1)
    assert.deepEqual(chain.rows, ['[0,20) null most=2 r1 final'])
    assert.deepEqual(deadLettersOf(chain.last.cuts), [])
  })
})

describe('a stage with a next one', () => {
  it('is refused where rows are never final', () => {
    const [, second] = plans()
    const refused = (changes: Partial<StagePlan>) =>
      assert.throws(() => createStage({ ...second, ...changes }, { partition: 0 }), RangeError)
    refused({ window: { kind: 'global', purge: false, allowedLatenessMs: 0, emit: { kind: 'update' } } })
    refused({ input: recordsInput(0) })
    refused({ output: { kind: 'rows' } })
  })
})
