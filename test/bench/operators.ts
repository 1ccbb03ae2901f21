/**
 * Cost of the operators per record, in one thread: Nexmark-like bids of about 160 bytes, keyed by auction, 10 s tumbling
 * count, sum, avg and max. Prints JSON; `scan` is the scanner and event time alone, on the same fields.
 */
import { parseArgs } from 'node:util'
import { FieldSet } from '../../operators/fields.ts'
import { createStage, encodeUtf8, type RecordBatch, type StagePlan } from '../../operators/index.ts'
import type { Value } from '../../operators/json.ts'
import { compileScanner } from '../../operators/scan.ts'
import { compileTime } from '../../operators/time.ts'
import { aggregate, expression } from '../operators/stage-harness.ts'
import { bids } from './nexmark.ts'

const ROUNDS = 5
const BATCH = 1000

function batches(values: readonly Uint8Array[]): RecordBatch[] {
  const made: RecordBatch[] = []
  for (let from = 0; from < values.length; from += BATCH) {
    const slice = values.slice(from, from + BATCH)
    made.push({
      length: slice.length,
      offset: (i) => from + i,
      timestamp: () => 0,
      key: () => null,
      value: (i) => slice[i] ?? null,
    })
  }
  return made
}

const plan: StagePlan = {
  job: 'bench',
  stage: 0,
  input: { kind: 'records', format: 'json', time: { kind: 'field', path: ['dateTime'] }, outOfOrdernessMs: 0 },
  steps: [],
  keyBy: [expression('auction')],
  window: { kind: 'aligned', sizeMs: 10_000, slideMs: 10_000, offsetMs: 0, allowedLatenessMs: 0 },
  aggregates: [
    aggregate('bids', 'count'),
    aggregate('total', 'sum', 'price'),
    aggregate('mean', 'avg', 'price'),
    aggregate('highest', 'max', 'price'),
  ],
  output: { kind: 'rows' },
  onIdle: 'emit',
  cuts: { gridMs: 10_000, maxRecords: 50_000, maxBytes: 16 << 20, partBytes: 1 << 20, snapshotEvery: 10 },
}

/** Fractions of a cent: sums that are no integers. */
const floatPlan: StagePlan = {
  ...plan,
  aggregates: plan.aggregates.map((one) => (one.of === undefined ? one : { ...one, of: expression('price * 0.01') })),
}

const shufflePlan: StagePlan = { ...plan, output: { kind: 'shuffle', partitions: 4 } }

function runStage(stagePlan: StagePlan, input: readonly RecordBatch[]): number {
  const stage = createStage(stagePlan, { partition: 0 })
  let rowBytes = 0
  const cut = () => {
    for (const { bodies } of stage.cut().parts) for (const body of bodies) rowBytes += body.length
  }
  for (const batch of input) {
    for (let at = 0; at < batch.length; ) {
      at = stage.run(batch, at, batch.length)
      if (stage.cutDue) cut()
    }
  }
  stage.decide('final')
  cut()
  return rowBytes
}

function runScan(input: readonly RecordBatch[]): number {
  const fields = new FieldSet()
  const time = compileTime({ kind: 'field', path: ['dateTime'] }, fields)
  fields.slotOf(['auction'])
  fields.slotOf(['price'])
  const scanner = compileScanner(fields)
  const slots: Value[] = []
  let sum = 0
  for (const batch of input) {
    for (let i = 0; i < batch.length; i++) {
      scanner.scan(batch.value(i) as Uint8Array, slots)
      sum += time(slots, 0)
    }
  }
  return sum
}

/** Median microseconds of CPU a record; wall time would show what else the machine does. */
function measure(run: () => number, records: number): number {
  const times = Array.from({ length: ROUNDS + 1 }, () => {
    const start = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(start)
    return (user + system) / records
  })
  const sorted = times.slice(1).sort((a, b) => a - b)
  return Number((sorted[Math.floor(ROUNDS / 2)] ?? 0).toFixed(3))
}

export async function main(argv: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({
    args: [...argv],
    options: { records: { type: 'string', default: '500000' }, output: { type: 'string', short: 'o' } },
  })
  const records = Number(options.records)
  const values = Array.from(bids({ count: records }), (bid) => encodeUtf8(JSON.stringify(bid)))
  const input = batches(values)
  const each = (run: () => number) => measure(run, records)
  console.log(
    JSON.stringify({
      records,
      bytesPerRecord: Math.round(values.reduce((sum, { length }) => sum + length, 0) / records),
      cpuMicrosPerRecord: {
        scan: each(() => runScan(input)),
        window: each(() => runStage(plan, input)),
        windowOfFloats: each(() => runStage(floatPlan, input)),
        shuffle: each(() => runStage(shufflePlan, input)),
      },
      rowBytes: runStage(plan, input),
    }),
  )
}
