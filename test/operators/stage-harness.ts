/** Drives a stage as a replica does: records in, cuts where they are due, rows out as plain objects. */
import {
  type AggregatePlan,
  type CutOutput,
  createStage,
  type ExpressionPlan,
  FLAG_FINAL,
  FLAG_IDLE,
  type RecordBatch,
  readRows,
  type StagePlan,
  type StageProcessor,
} from '../../operators/index.ts'

export const expression = (source: string): ExpressionPlan => ({ source, pointer: '' })

export const aggregate = (
  name: string,
  kind: AggregatePlan['kind'],
  of?: string,
  where?: string,
  parameter?: number,
): AggregatePlan => ({
  name,
  kind,
  ...(parameter === undefined ? {} : { parameter }),
  ...(of === undefined ? {} : { of: expression(of) }),
  ...(where === undefined ? {} : { where: expression(where) }),
})

/** A keyed tumbling count of 10 ms windows, one cut for every window, unless said otherwise. */
export function stagePlan(changes: Partial<StagePlan> = {}): StagePlan {
  return {
    job: 'test',
    stage: 0,
    input: { kind: 'records', format: 'json', time: { kind: 'field', path: ['t'] }, outOfOrdernessMs: 0 },
    steps: [],
    keyBy: [expression('k')],
    window: { kind: 'aligned', sizeMs: 10, slideMs: 10, offsetMs: 0, allowedLatenessMs: 0 },
    aggregates: [aggregate('n', 'count')],
    output: { kind: 'rows' },
    onIdle: 'emit',
    cuts: { gridMs: 10, gridRecords: 1, maxRecords: 1000, maxBytes: 1 << 20, partBytes: 1 << 20, snapshotEvery: 1 },
    ...changes,
  }
}

export const recordsInput = (outOfOrdernessMs: number): StagePlan['input'] => ({
  kind: 'records',
  format: 'json',
  time: { kind: 'field', path: ['t'] },
  outOfOrdernessMs,
})

/** Objects become JSON, strings and bytes go as they are, null is a tombstone. */
export type TestRecord = object | string | null

export function batchOf(records: readonly TestRecord[], firstOffset = 0): RecordBatch {
  const values = records.map((record) =>
    record === null || record instanceof Uint8Array
      ? record
      : new TextEncoder().encode(typeof record === 'string' ? record : JSON.stringify(record)),
  )
  return {
    length: records.length,
    offset: (i) => firstOffset + i,
    timestamp: (i) => 1000 + i,
    key: () => null,
    value: (i) => values[i] ?? null,
  }
}

export interface TestRow {
  readonly kind: number
  readonly final: boolean
  readonly idle: boolean
  readonly a: number
  readonly b: number
  readonly revision: number
  readonly key: string
  readonly value: string
}

export function rowsOf(body: Uint8Array): TestRow[] {
  return [...readRows(body)].map((row) => ({
    kind: row.kind,
    final: (row.flags & FLAG_FINAL) !== 0,
    idle: (row.flags & FLAG_IDLE) !== 0,
    a: row.a,
    b: row.b,
    revision: row.revision,
    key: Buffer.from(row.key).toString(),
    value: Buffer.from(row.value).toString(),
  }))
}

export type Decision = 'cut' | 'idle' | 'final'

/** A stage fed by hand; every cut is kept. */
export class StageRun {
  readonly stage: StageProcessor
  readonly cuts: CutOutput[] = []
  #offset = 0

  constructor(plan: StagePlan, partition = 0) {
    this.stage = createStage(plan, { partition })
  }

  /** Takes the records, cutting wherever a cut is due; returns the cuts made. */
  feed(...records: readonly TestRecord[]): CutOutput[] {
    const batch = batchOf(records, this.#offset)
    this.#offset += records.length
    const before = this.cuts.length
    for (let at = 0; at < records.length; ) {
      at = this.stage.run(batch, at, records.length)
      if (this.stage.cutDue) this.cuts.push(this.stage.cut())
    }
    return this.cuts.slice(before)
  }

  decide(kind: Decision): CutOutput {
    this.stage.decide(kind)
    const cut = this.stage.cut()
    this.cuts.push(cut)
    return cut
  }
}

/** Rows of cuts for one destination, in order. */
export const rowsOfCuts = (cuts: readonly CutOutput[], destination = 0): TestRow[] =>
  cuts.flatMap(({ parts }) => parts.flatMap(({ bodies }) => rowsOf(bodies[destination] ?? new Uint8Array())))

export const deadLettersOf = (cuts: readonly CutOutput[]): TestRow[] =>
  cuts.flatMap(({ parts }) => parts.flatMap(({ deadLetters }) => rowsOf(deadLetters)))

/** `[start,end) key n=... r0 final`: a row as a line, with the aggregates in order of their names. */
export function line(row: TestRow): string {
  const { window: _, key, revision, final, ...aggregates } = JSON.parse(row.value) as Record<string, unknown>
  const shown = Object.entries(aggregates).map(([name, value]) => `${name}=${value}`)
  return `[${row.a},${row.b}) ${JSON.stringify(key)} ${shown.join(' ')} r${revision}${final === true ? ' final' : ''}`
}

export const lines = (cuts: readonly CutOutput[]): string[] => rowsOfCuts(cuts).map(line)
