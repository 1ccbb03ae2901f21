/**
 * What each operator costs a record, in one thread: Nexmark bids of about 190 bytes, counted by auction in 10 s tumbling windows,
 * and the same with a step, another aggregate, another window or another format. The two are run in turns, so that what the machine
 * does meanwhile falls on both; what is printed are medians of processor time and of the ratios of turns.
 */
import { parseArgs } from 'node:util'
import { createStage, type RecordBatch, type StagePlan } from '../../operators/index.ts'
import { BID_FORMATS } from './bid-formats.ts'
import { type Bid, bids } from './nexmark.ts'
import { GROUPS, PLAIN } from './operator-plans.ts'

const ROUNDS = 7
const BATCH = 1000
/** Texts that people write by hand: as many would take minutes. */
const SLOW_FORMATS: ReadonlySet<string> = new Set(['yaml', 'toml'])
const SLOW_SHARE = 20

/** As readers of logs give them: the values of a batch are parts of one buffer. */
function batches(values: readonly Uint8Array[]): RecordBatch[] {
  const made: RecordBatch[] = []
  for (let from = 0; from < values.length; from += BATCH) {
    const own = values.slice(from, from + BATCH)
    const whole = new Uint8Array(Buffer.concat(own))
    let end = 0
    const parts = own.map(({ length }) => {
      end += length
      return whole.subarray(end - length, end)
    })
    made.push({
      length: parts.length,
      offset: (i) => from + i,
      timestamp: () => 0,
      key: () => null,
      value: (i) => parts[i] ?? null,
    })
  }
  return made
}

function run(plan: StagePlan, input: readonly RecordBatch[]): void {
  const stage = createStage(plan, { partition: 0 })
  let dead = 0
  const cut = () => {
    dead += stage.cut().counts.dead
  }
  for (const batch of input) {
    for (let at = 0; at < batch.length; ) {
      at = stage.run(batch, at, batch.length)
      if (stage.cutDue) cut()
    }
  }
  stage.decide('final')
  cut()
  if (dead > 0) throw new Error(`${dead} records were no records`)
}

/** Processor time of one run, in microseconds a record. */
function spent(plan: StagePlan, input: readonly RecordBatch[]): number {
  const records = input.reduce((sum, { length }) => sum + length, 0)
  const start = process.cpuUsage()
  run(plan, input)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / records
}

interface Measured {
  readonly name: string
  readonly micros: number
  /** Of the plain stage. */
  readonly ratio: number
  /** The middle half of the ratios. */
  readonly from: number
  readonly to: number
}

interface Side {
  readonly plan: StagePlan
  readonly input: readonly RecordBatch[]
}

function compare(name: string, other: Side, plain: Side): Measured {
  const times: number[] = []
  const ratios: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const [first, second] = round % 2 === 0 ? [other, plain] : [plain, other]
    const before = spent(first.plan, first.input)
    const after = spent(second.plan, second.input)
    // The first one is spent on compiling.
    if (round === 0) continue
    const [mine, its] = round % 2 === 0 ? [before, after] : [after, before]
    times.push(mine)
    ratios.push(mine / its)
  }
  return { name, micros: at(times, 0.5), ratio: at(ratios, 0.5), from: at(ratios, 0.25), to: at(ratios, 0.75) }
}

/** Of the sorted values the one at a share of the way. */
function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Number((sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN).toFixed(3))
}

export async function main(argv: readonly string[]): Promise<void> {
  const { values: options } = parseArgs({
    args: [...argv],
    options: {
      records: { type: 'string', default: '100000' },
      only: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'text' },
    },
  })
  const given: readonly Bid[] = Array.from(bids({ count: Number(options.records) }))
  const inFormat = (name: string, some: readonly Bid[]): Side => {
    const { format, encode } = BID_FORMATS[name] ?? {
      format: 'json',
      encode: (bid: Bid) => Buffer.from(JSON.stringify(bid)),
    }
    const input = batches(some.map(encode))
    return { plan: PLAIN.input.kind === 'records' ? { ...PLAIN, input: { ...PLAIN.input, format } } : PLAIN, input }
  }
  const { input } = inFormat('json', given)
  const groups = GROUPS.map(({ name, plain, others }) => ({
    name,
    pairs: Object.entries(others).map(([each, plan]) => [each, { plan, input }, { plan: plain, input }] as const),
  }))
  const formats = Object.keys(BID_FORMATS).filter((name) => name !== 'json')
  groups.push({
    name: 'formats',
    pairs: formats.map((name) => {
      const some = SLOW_FORMATS.has(name) ? given.slice(0, given.length / SLOW_SHARE) : given
      return [name, inFormat(name, some), inFormat('json', some)] as const
    }),
  })
  const plain = compare('plain', { plan: PLAIN, input }, { plan: PLAIN, input })
  const text = options.output !== 'json'
  if (text) console.log(`plain: ${plain.micros} µs a record (${given.length} bids)`)
  const results: Record<string, Measured[]> = {}
  for (const { name, pairs } of groups.filter((group) => options.only === undefined || group.name === options.only)) {
    if (text) console.log(`\n${name}`)
    results[name] = pairs.map(([each, other, its]) => {
      const measured = compare(each, other, its)
      if (text) {
        const { micros, ratio, from, to } = measured
        console.log(
          `  ${each.padEnd(28)} ${micros.toFixed(3).padStart(8)} µs   ${ratio.toFixed(2)} (${from.toFixed(2)}–${to.toFixed(2)})`,
        )
      }
      return measured
    })
  }
  if (!text) console.log(JSON.stringify({ records: given.length, plain: plain.micros, groups: results }))
}
