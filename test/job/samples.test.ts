import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Digest } from '../../mesh/index.ts'
import { readRows } from '../../operators/index.ts'
import { valueEncoder } from '../../src/commit/format/encode.ts'
import { rowsFile } from '../../src/commit/format/file.ts'
import type { SinkPlan } from '../../src/commit/sink.ts'
import type { Flight } from '../../src/demo/flights.ts'
import { compileJob } from '../../src/job/compile.ts'
import { type CompiledJob, partitionsOf, unitsOfStage } from '../../src/job/compiled.ts'
import type { JobFormat } from '../../src/job/document.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { loadBeside } from '../../src/job/reference.ts'
import { deadLettersOf, rowsOfCuts, StageRun, type TestRow } from '../operators/stage-harness.ts'
import { type Encode, encoderOf, timed } from './flight-records.ts'

/** 20,000 real flights of three months, in the order of their departure. */
const FLIGHTS = JSON.parse(
  readFileSync(new URL('../../node_modules/vega-datasets/data/flights-20k.json', import.meta.url), 'utf8'),
) as readonly Flight[]

const JOBS = new URL('../../configs/jobs/', import.meta.url)

function compiled(name: string, partitions: number): CompiledJob {
  const file = new URL(name, JOBS).pathname
  const format = name.slice(name.lastIndexOf('.') + 1) as JobFormat
  const document = parseJob(readFileSync(file, 'utf8'), format, file, loadBeside(file))
  const sources = assumedSources(document, partitions)
  return compileJob(document, { cluster: 'c', submission: 1, sources, missingTopics: [] })
}

/** Runs the stages over flights dealt out to the partitions of the source; rows and dead letters of all units. */
function run(
  job: CompiledJob,
  encode: Encode = encoderOf(job),
): { readonly rows: readonly TestRow[]; readonly bodies: readonly Uint8Array[]; readonly deadLetters: number } {
  const [first, ...later] = job.stages
  assert.ok(first !== undefined)
  const sources = Array.from({ length: partitionsOf(job.sources) }, (_, partition) => {
    const unit = new StageRun(first, partition)
    unit.feed(...encode(FLIGHTS.filter((_, i) => i % partitionsOf(job.sources) === partition)))
    unit.decide('final')
    return unit
  })
  const stages = [sources]
  for (const plan of later) {
    const before = stages.at(-1) ?? []
    stages.push(
      Array.from({ length: unitsOfStage(job, plan.stage) }, (_, i) => merged(new StageRun(plan, i), i, before)),
    )
  }
  const cuts = stages.flat().flatMap((unit) => unit.cuts)
  const last = stages.at(-1) ?? []
  const parts = last.flatMap((unit) => unit.cuts.flatMap(({ parts }) => parts))
  const bodies = parts.map(({ bodies }) => bodies[0] ?? new Uint8Array())
  return { rows: last.flatMap((unit) => rowsOfCuts(unit.cuts)), bodies, deadLetters: deadLettersOf(cuts).length }
}

/** A unit that has read all that the stage before has for it. */
function merged(unit: StageRun, destination: number, before: readonly StageRun[]): StageRun {
  for (const { cuts } of before) {
    const bodies = cuts.flatMap(({ parts }) => parts.map(({ bodies }) => bodies[destination] ?? new Uint8Array()))
    unit.feed(...bodies.filter(({ length }) => length > 0))
  }
  unit.decide('final')
  return unit
}

/** What a job makes of the flights as JSON. */
function runAsJson(job: CompiledJob) {
  const stages = job.stages.map((stage) => ({ ...stage, input: { ...stage.input, format: 'json' as const } }))
  return run({ ...job, stages: stages as CompiledJob['stages'] }, (flights) => flights.map(timed(job)))
}

const ELSEWHERE = new Set([
  'delays-and-weather.yaml',
  'departures-and-arrivals.yaml',
  'flight-times.yaml',
  'flights-with-airports.yaml',
  'gates-and-status.yaml',
  'order-events.yaml',
  'windy-departures.yaml',
])

const DIGEST = '0'.repeat(64) as Digest

/** Every row can be written in the format of the sink. */
function assertFits(sink: SinkPlan, bodies: readonly Uint8Array[]): void {
  if (sink.kind === 'kafka') {
    const encode = valueEncoder(sink.format, sink.topic)
    for (const body of bodies) for (const { value } of readRows(body)) assert.ok(encode(value).length > 0)
  } else if (sink.kind === 's3' || sink.kind === 'file') {
    const file = rowsFile(sink.format, sink.kind)
    for (const body of bodies) assert.equal(file.encode(body, DIGEST).length > 0, body.length > 0)
  }
}

describe('the sample jobs', () => {
  // Those that read something else besides are run by their own tests in configs/tests.
  for (const name of readdirSync(JOBS)
    .filter((name) => !ELSEWHERE.has(name))
    .sort()) {
    it(`${name} understands every one of 20,000 real flights`, () => {
      const job = compiled(name, 1)
      const { rows, bodies, deadLetters } = run(job)
      assert.equal(deadLetters, 0)
      assert.ok(rows.length > 0)
      for (const sink of job.sinks) assertFits(sink, bodies)
    })
  }

  const others = [
    'avro-delays.yaml',
    'msgpack-routes.json',
    'protobuf-distances.toml',
    'toml-readings.yaml',
    'yaml-batches.yaml',
  ]
  for (const name of others) {
    it(`${name} says what it says of the same flights in JSON`, () => {
      const job = compiled(name, 1)
      const values = ({ rows }: { rows: readonly TestRow[] }) => rows.map(({ key, value }) => [key, value])
      assert.deepEqual(values(run(job)), values(runAsJson(job)))
    })
  }

  it('flight-delays says what a loop over all flights says, from two partitions through a shuffle', () => {
    const job = compiled('flight-delays.yaml', 2)
    assert.equal(job.stages.length, 2)
    const expected = new Map<string, { flights: number; delayed: number; total: number; worst: number }>()
    for (const { date, delay, distance, origin } of FLIGHTS) {
      if (distance < 100) continue
      const group = `${date.slice(0, 10).replaceAll('/', '-')} ${origin}`
      const known = expected.get(group) ?? { flights: 0, delayed: 0, total: 0, worst: Number.NEGATIVE_INFINITY }
      known.flights += 1
      known.delayed += delay > 15 ? 1 : 0
      known.total += delay
      known.worst = Math.max(known.worst, delay)
      expected.set(group, known)
    }
    const { rows } = run(job)
    const final = rows.filter((row) => row.final)
    assert.equal(final.length, expected.size)
    for (const { value } of final) {
      const { window, key, flights, delayed, meanDelay, worst } = JSON.parse(value)
      const twin = expected.get(`${window.start.slice(0, 10)} ${key}`)
      assert.ok(twin !== undefined)
      assert.deepEqual(
        { flights, delayed, meanDelay, worst },
        { flights: twin.flights, delayed: twin.delayed, meanDelay: twin.total / twin.flights, worst: twin.worst },
      )
    }
  })

  it('delay-profile says what sorted lists of all flights say, from two partitions through a shuffle', () => {
    const days = new Map<string, Flight[]>()
    for (const flight of FLIGHTS) {
      const group = `${flight.date.slice(0, 10).replaceAll('/', '-')} ${flight.origin}`
      days.set(group, [...(days.get(group) ?? []), flight])
    }
    const final = run(compiled('delay-profile.yaml', 2)).rows.filter((row) => row.final)
    assert.equal(final.length, days.size)
    const close = (found: number, exact: number, share: number) =>
      assert.ok(Math.abs(found - exact) <= share * Math.abs(exact), `${found} for ${exact}`)
    for (const { value } of final) {
      const row = JSON.parse(value)
      const flights = days.get(`${row.window.start.slice(0, 10)} ${row.key}`)!
      const delays = flights.map(({ delay }) => delay).sort((a, b) => a - b)
      assert.equal(row.flights, flights.length)
      close(row.typical, delays[Math.floor(0.5 * (delays.length - 1))]!, 0.01)
      close(row.nearlyAll, delays[Math.floor(0.95 * (delays.length - 1))]!, 0.01)
      assert.deepEqual(row.worst, delays.toReversed().slice(0, 3))
      assert.equal(row.destinations, new Set(flights.map(({ destination }) => destination)).size)
      const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
      const squares = delays.reduce((sum, delay) => sum + (delay - mean) ** 2, 0)
      if (delays.length < 2) assert.equal(row.spread, null)
      else close(row.spread, Math.sqrt(squares / (delays.length - 1)), 1e-12)
      const minute = (edge: 0 | -1) => flights.filter(({ date }) => date === flights.at(edge)?.date)
      assert.ok(minute(0).some(({ destination }) => destination === row.firstTo))
      assert.ok(minute(-1).some(({ destination }) => destination === row.lastTo))
      const far = flights.filter(({ distance }) => distance > 1500).map(({ destination }) => destination)
      assert.equal(row.farEarly.length, Math.min(5, far.length))
      for (const destination of row.farEarly) assert.ok(far.includes(destination))
    }
  })

  it('busy-spells says what a walk through the sorted flights says, from two partitions through a shuffle', () => {
    const gap = 45 * 60_000
    const time = ({ date }: Flight) => Date.parse(`${date.replaceAll('/', '-').replace(' ', 'T')}Z`)
    const spells = new Map<string, { origin: string; flights: Flight[] }>()
    const open = new Map<string, { last: number; flights: Flight[] }>()
    for (const flight of FLIGHTS.toSorted((a, b) => time(a) - time(b))) {
      const { origin } = flight
      const known = open.get(origin)
      const flights = known !== undefined && time(flight) - known.last <= gap ? known.flights : []
      flights.push(flight)
      open.set(origin, { last: time(flight), flights })
      spells.set(`${time(flights[0]!)} ${origin}`, { origin, flights })
    }
    const { rows } = run(compiled('busy-spells.yaml', 2))
    assert.equal(rows.length, spells.size, 'nothing was shown before it was final')
    for (const { a, b, value, final } of rows) {
      const { key, flights, late } = JSON.parse(value)
      const spell = spells.get(`${a} ${key}`)!
      assert.ok(final)
      assert.equal(b, time(spell.flights.at(-1)!) + gap)
      assert.equal(flights, spell.flights.length)
      assert.equal(late, spell.flights.filter(({ delay }) => delay > 15).length)
    }
  })

  it('flights-by-month says what the dates say, from two partitions through a shuffle', () => {
    const months = new Map<string, number>()
    for (const { date, origin } of FLIGHTS) {
      // Times without an offset are UTC, and in Chicago it is six hours less in these months.
      const local = new Date(Date.parse(`${date.replaceAll('/', '-').replace(' ', 'T')}Z`) - 6 * 3_600_000)
      const group = `${local.toISOString().slice(0, 7)} ${origin}`
      months.set(group, (months.get(group) ?? 0) + 1)
    }
    const { rows } = run(compiled('flights-by-month.yaml', 2))
    assert.equal(rows.length, months.size)
    for (const { a, value } of rows) {
      const { key, flights } = JSON.parse(value)
      const local = new Date(a - 6 * 3_600_000).toISOString()
      assert.match(local, /-01T00:00:00.000Z$/)
      assert.equal(flights, months.get(`${local.slice(0, 7)} ${key}`))
    }
  })
})
