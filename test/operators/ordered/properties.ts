/**
 * What holds for every ordered operator: it gives what its slow twin gives of the records in order, in any batches, after a
 * restore at any cut, and behind a shuffle of any width with sources of any speed.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type CutOutput, createStage, ROW_WINDOW, type StagePlan } from '../../../operators/index.ts'
import { propertyRuns } from '../property-runs.ts'
import { deadLettersOf, recordsInput, rowsOfCuts, stagePlan } from '../stage-harness.ts'
import { drive, interleave, OFFSET_BASE, restored, run } from '../stage-runs.ts'

/** A record of these tests: its time, its key and some value. */
export interface Reading {
  readonly t: number
  readonly k: string
  readonly v: number | string
}

/** A record that was in time, with its place. */
export interface Placed extends Reading {
  readonly partition: number
  readonly offset: number
}

/** What a twin says of the records of one key in order: rows as `rowOf` shows them. */
export type Twin = (records: readonly Placed[]) => readonly object[]

export const orderedPlan = (changes: Partial<StagePlan>): StagePlan => {
  const { window: _, ...plan } = stagePlan({ aggregates: [] })
  return { ...plan, ...changes }
}

const reading = fc.record({
  t: fc.integer({ min: -20, max: 90 }),
  k: fc.constantFrom('a', 'b', 'c'),
  v: fc.integer({ min: 0, max: 4 }),
})
const stream = fc.array(reading, { maxLength: 50 })
const splits = fc.array(fc.nat(50), { maxLength: 6 })

export const cutsOf = fc.record({
  gridMs: fc.constantFrom(5, 10),
  gridRecords: fc.constantFrom(1, 4),
  maxRecords: fc.constantFrom(3, 7, 1000),
  maxBytes: fc.constant(1 << 20),
  partBytes: fc.constantFrom(200, 1 << 20),
  snapshotEvery: fc.constant(1),
})

/** Window rows by their bounds, others by the place of their record. */
function rowsIn(cuts: readonly CutOutput[]): object[] {
  const places = new Set<string>()
  return rowsOfCuts(cuts).map(({ kind, a, b, revision, key, value }) => {
    const place = `${kind} ${a} ${b} ${revision} ${kind === ROW_WINDOW ? key : ''}`
    assert.ok(!places.has(place), `no two rows are at ${place}`)
    places.add(place)
    const row = JSON.parse(value) as object
    return kind === ROW_WINDOW
      ? { start: a, end: b, key: JSON.parse(key), row }
      : { at: [a, b], key: JSON.parse(key), row }
  })
}

const sorted = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).sort()

function byKey(records: readonly Placed[], twin: Twin): object[] {
  const order = records.toSorted((a, b) => a.t - b.t || a.partition - b.partition || a.offset - b.offset)
  return [...new Set(order.map(({ k }) => k))].flatMap((key) => twin(order.filter(({ k }) => k === key)))
}

/** The records of one partition that are in time, and the offsets of those that are not. */
function judge(records: readonly Reading[], allowed: number): { taken: Placed[]; late: number[] } {
  let watermark = Number.NEGATIVE_INFINITY
  const taken: Placed[] = []
  const late: number[] = []
  records.forEach((record, i) => {
    if (record.t < watermark - allowed) late.push(OFFSET_BASE + i)
    else taken.push({ ...record, partition: 1, offset: OFFSET_BASE + i })
    watermark = Math.max(watermark, record.t)
  })
  return { taken, late }
}

export function givesWhatItsTwinGives(plans: fc.Arbitrary<readonly [StagePlan, Twin]>, seed: number): void {
  fc.assert(
    fc.property(plans, stream, splits, fc.constantFrom(0, 8, 200), ([base, twin], records, splits, disorder) => {
      const cuts = run({ ...base, input: recordsInput(disorder) }, records, splits)
      const grace = base.ordered?.kind === 'sliding' ? base.ordered.graceMs : 0
      const { taken, late } = judge(records, disorder + grace)
      assert.deepEqual(sorted(rowsIn(cuts)), sorted(byKey(taken, twin)))
      assert.deepEqual(
        deadLettersOf(cuts).map(({ b }) => b),
        late,
      )
    }),
    { seed, numRuns: propertyRuns(300) },
  )
}

export function givesTheSameBytes(plans: fc.Arbitrary<readonly [StagePlan, Twin]>, seed: number): void {
  const onIdle = fc.constantFrom<StagePlan['onIdle']>('emit', 'close', 'wait')
  fc.assert(
    fc.property(
      plans,
      stream,
      splits,
      splits,
      onIdle,
      fc.boolean(),
      ([base], records, splits, idles, onIdle, shuffles) => {
        const output = shuffles ? ({ kind: 'shuffle', partitions: 3, carries: 'records' } as const) : base.output
        const plan = { ...base, input: recordsInput(8), onIdle, output }
        const whole = run(plan, records, [], idles)
        assert.deepEqual(run(plan, records, splits, idles), whole)
        const again = run(plan, records, splits, idles, restored(plan))
        assert.deepEqual(again, whole)
      },
    ),
    { seed, numRuns: propertyRuns(200) },
  )
}

/** What a sink holds in the end: of each row the last revision, unless that took it back. */
export function leavesAtTheSinkWhatItsTwinGives(plans: fc.Arbitrary<readonly [StagePlan, Twin]>, seed: number): void {
  fc.assert(
    fc.property(plans, stream, splits, splits, ([base, twin], records, splits, idles) => {
      const cuts = run({ ...base, input: recordsInput(20) }, records, splits, idles)
      const held = new Map<string, { readonly revision: number; readonly value: string }>()
      for (const { a, b, key, revision, value } of rowsOfCuts(cuts)) {
        const known = held.get(`${a} ${b} ${key}`)
        assert.ok(known === undefined || revision > known.revision, 'revisions rise')
        held.set(`${a} ${b} ${key}`, { revision, value })
      }
      const rows = [...held.values()]
        .map(({ value }) => JSON.parse(value))
        .filter(({ removed }) => removed !== true)
        .map(({ revision: _, ...row }) => row)
      const grace = base.ordered?.kind === 'sliding' ? base.ordered.graceMs : 0
      const { taken } = judge(records, 20 + grace)
      const expected = byKey(taken, twin).map((given) => {
        const { revision: _, ...row } = (given as { readonly row: { readonly revision: number } }).row
        return row
      })
      assert.deepEqual(sorted(rows), sorted(expected))
    }),
    { seed, numRuns: propertyRuns(300) },
  )
}

export function givesTheSameRowsBehindAShuffle(plans: fc.Arbitrary<readonly [StagePlan, Twin]>, seed: number): void {
  const streams = fc.array(fc.array(reading, { maxLength: 25 }), { minLength: 1, maxLength: 3 })
  const speeds = fc.array(fc.nat(7), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(plans, streams, speeds, fc.integer({ min: 1, max: 3 }), ([base, twin], streams, speeds, partitions) => {
      const output = { kind: 'shuffle', partitions, carries: 'records' } as const
      const sources = streams.map((records, partition) =>
        drive(createStage({ ...base, input: recordsInput(200), output }, { partition }), records),
      )
      const merged = Array.from({ length: partitions }, (_, partition) => {
        const behind: StagePlan = { ...base, stage: 1, input: { kind: 'slices', sources: streams.length } }
        return drive(createStage(behind, { partition }), interleave(sources, partition, speeds))
      }).flat()
      assert.deepEqual(deadLettersOf(merged), [])
      const placed = streams.flatMap((records, partition) =>
        records.map((record, offset) => ({ ...record, partition, offset })),
      )
      assert.deepEqual(sorted(rowsIn(merged)), sorted(byKey(placed, twin)))
    }),
    { seed, numRuns: propertyRuns(200) },
  )
}
