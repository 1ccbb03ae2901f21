import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type CalendarWindowPlan, createStage, type StagePlan } from '../../operators/index.ts'
import { placesOf } from '../../operators/window.ts'
import { zoneOffsets } from '../../src/job/zones.ts'
import { deadLettersOf, lines, recordsInput, rowsOfCuts, StageRun, stagePlan } from './stage-harness.ts'
import { drive, interleave, run } from './stage-runs.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const calendar = (
  unit: CalendarWindowPlan['unit'],
  zone = 'UTC',
  allowedLatenessMs = 0,
): CalendarWindowPlan & { kind: 'calendar' } => ({
  kind: 'calendar',
  unit,
  zone,
  offsets: zoneOffsets(zone)!,
  allowedLatenessMs,
})

/** The window that holds an instant, as ISO texts. */
function windowOf(plan: CalendarWindowPlan, instant: string): string {
  const [window] = placesOf(plan).windowsOf(Date.parse(instant))
  return [window!.start, window!.end].map((t) => new Date(t).toISOString().replace(':00.000Z', 'Z')).join(' ')
}

const hours = (plan: CalendarWindowPlan, instant: string): number => {
  const [window] = placesOf(plan).windowsOf(Date.parse(instant))
  return (window!.end - window!.start) / HOUR
}

describe('a calendar window', () => {
  it('of a day has as many hours as the day has', () => {
    const pacific = calendar('day', 'America/Los_Angeles')
    assert.equal(windowOf(pacific, '2021-03-14T12:00Z'), '2021-03-14T08:00Z 2021-03-15T07:00Z')
    assert.equal(hours(pacific, '2021-03-14T12:00Z'), 23)
    assert.equal(windowOf(pacific, '2021-11-07T12:00Z'), '2021-11-07T07:00Z 2021-11-08T08:00Z')
    assert.equal(hours(pacific, '2021-11-07T12:00Z'), 25)
    assert.equal(hours(pacific, '2021-07-04T12:00Z'), 24)
    assert.equal(hours(calendar('day', 'Australia/Lord_Howe'), '2021-10-02T16:00Z'), 23.5)
  })

  it('of a week begins on Monday, and of a month on its first', () => {
    const berlin = (unit: CalendarWindowPlan['unit']) => calendar(unit, 'Europe/Berlin')
    assert.equal(windowOf(berlin('week'), '2024-03-31T12:00Z'), '2024-03-24T23:00Z 2024-03-31T22:00Z')
    assert.equal(windowOf(berlin('month'), '2024-03-31T21:59Z'), '2024-02-29T23:00Z 2024-03-31T22:00Z')
    assert.equal(windowOf(berlin('month'), '2024-03-31T22:00Z'), '2024-03-31T22:00Z 2024-04-30T22:00Z')
    assert.equal(windowOf(calendar('month'), '1969-12-31T23:59Z'), '1969-12-01T00:00Z 1970-01-01T00:00Z')
    assert.equal(windowOf(calendar('month'), '0001-02-10T00:00Z').slice(0, 10), '0001-02-01')
  })

  it('begins later than midnight where clocks skip midnight, and leaves out a day that was skipped', () => {
    assert.equal(
      windowOf(calendar('day', 'America/Sao_Paulo'), '2018-11-04T12:00Z'),
      '2018-11-04T03:00Z 2018-11-05T02:00Z',
    )
    assert.equal(windowOf(calendar('day', 'Pacific/Apia'), '2011-12-30T09:59Z'), '2011-12-29T10:00Z 2011-12-30T10:00Z')
    assert.equal(windowOf(calendar('day', 'Pacific/Apia'), '2011-12-30T10:00Z'), '2011-12-30T10:00Z 2011-12-31T10:00Z')
  })

  // t       Mar 14, 08:00Z ───────── Mar 15, 06:59Z │ 07:00Z
  // window  the day in Los Angeles, 23 hours        │ closes
  it('closes when the watermark reaches its end, and its end is a line of the cut grid', () => {
    const stage = new StageRun(stagePlan({ window: calendar('day', 'America/Los_Angeles') }))
    const at = (t: string) => ({ t: Date.parse(t), k: 'a' })
    assert.deepEqual(lines(stage.feed(at('2021-03-14T08:00Z'), at('2021-03-15T06:59Z'))), [])
    const [line] = lines(stage.feed(at('2021-03-15T07:00Z')))
    assert.equal(line, `[${Date.parse('2021-03-14T08:00Z')},${Date.parse('2021-03-15T07:00Z')}) "a" n=2 r0 final`)
  })
})

const ZONES = [
  'UTC',
  'America/Los_Angeles',
  'America/Sao_Paulo',
  'America/Havana',
  'Africa/Casablanca',
  'Africa/Monrovia',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Europe/Berlin',
  'Pacific/Apia',
  'Pacific/Kiritimati',
]
const zone = fc.constantFrom(...ZONES)
const unit = fc.constantFrom<CalendarWindowPlan['unit']>('day', 'week', 'month')
const instant = fc.integer({ min: Date.UTC(1970, 0, 2), max: Date.UTC(2099, 11, 30) })

const formats = new Map<string, Intl.DateTimeFormat>()
function localDate(zone: string, t: number): string {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' })
  formats.set(zone, format)
  return format.format(t)
}

/** What the platform's own calendar says of the period of an instant. */
function periodOf(kind: CalendarWindowPlan['unit'], zone: string, t: number): string {
  const date = localDate(zone, t)
  if (kind === 'day') return date
  if (kind === 'month') return date.slice(0, 7)
  const day = Date.parse(date) / DAY
  return String(Math.floor((day - 4) / 7))
}

describe('calendar windows of any zone', () => {
  it('hold an instant, meet without gaps, and are of one period of the platform at both ends', () => {
    fc.assert(
      fc.property(unit, zone, instant, (kind, name, t) => {
        const places = placesOf(calendar(kind, name))
        const [window] = places.windowsOf(t)
        assert.ok(window!.start <= t && t < window!.end)
        assert.deepEqual(places.windowsOf(window!.start), [window])
        assert.deepEqual(places.windowsOf(window!.end - 1), [window])
        assert.equal(places.windowsOf(window!.end)[0]?.start, window!.end)
        assert.deepEqual(places.cellOf(t), [window!.start, window!.end])
        const period = periodOf(kind, name, t)
        assert.equal(periodOf(kind, name, window!.start), period)
        assert.notEqual(periodOf(kind, name, window!.end), period)
        assert.notEqual(periodOf(kind, name, window!.start - 1), period)
      }),
      { seed: 41, numRuns: 2_000 },
    )
  })
})

const at = fc.record({ t: fc.integer({ min: 0, max: 9 * DAY }), k: fc.constantFrom(1, 'a') })
const splits = fc.array(fc.nat(40), { maxLength: 6 })
const SPRING = Date.parse('2021-03-10T00:00Z')
const records = fc
  .array(at, { maxLength: 40 })
  .map((given) => given.map(({ t, k }) => ({ t: SPRING + t, k })).sort((a, b) => a.t - b.t + ((a.t % 7) - 3) * HOUR))
const plans = fc
  .record({ kind: unit, name: zone, lateness: fc.constantFrom(0, 6 * HOUR), disorder: fc.constantFrom(0, 4 * HOUR) })
  .map(({ kind, name, lateness, disorder }) =>
    stagePlan({ window: calendar(kind, name, lateness), input: recordsInput(disorder) }),
  )

describe('a stage with calendar windows', () => {
  it('gives the same bytes in any batches, and after a restore at any cut; and counts every record once', () => {
    const outputs = fc.constantFrom<StagePlan['output']>({ kind: 'rows' }, { kind: 'shuffle', partitions: 2 })
    fc.assert(
      fc.property(plans, outputs, records, splits, splits, (base, output, given, ends, idles) => {
        const whole = run({ ...base, output }, given, [], idles)
        assert.deepEqual(run({ ...base, output }, given, ends, idles), whole)
        const restored = run({ ...base, output }, given, ends, idles, (stage) => {
          const fresh = createStage({ ...base, output }, { partition: 1 })
          fresh.restore(stage.snapshot())
          return fresh
        })
        assert.deepEqual(restored, whole)
        if (output.kind === 'shuffle') return
        const counted = rowsOfCuts(whole)
          .filter(({ final }) => final)
          .reduce((sum, { value }) => sum + JSON.parse(value).n, 0)
        assert.equal(counted + deadLettersOf(whole).length, given.length)
      }),
      { seed: 42, numRuns: 100 },
    )
  })

  it('behind a shuffle gives the rows of one stage over everything', () => {
    const streams = fc.array(fc.array(at, { maxLength: 20 }), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(
        unit,
        zone,
        streams,
        fc.array(fc.nat(5), { minLength: 1, maxLength: 7 }),
        (kind, name, given, order) => {
          const base = stagePlan({ window: calendar(kind, name) })
          const ordered = given.map((one) => one.map(({ t, k }) => ({ t: SPRING + t, k })).sort((a, b) => a.t - b.t))
          const sources = ordered.map((one, partition) =>
            drive(createStage({ ...base, output: { kind: 'shuffle', partitions: 1 } }, { partition }), one),
          )
          const stage = createStage(
            { ...base, stage: 1, input: { kind: 'slices', sources: given.length } },
            { partition: 0 },
          )
          const merged = lines(drive(stage, interleave(sources, 0, order)))
          const all = ordered.flat().sort((a, b) => a.t - b.t)
          assert.deepEqual(merged.sort(), lines(run(base, all, [])).sort())
        },
      ),
      { seed: 43, numRuns: 60 },
    )
  })
})
