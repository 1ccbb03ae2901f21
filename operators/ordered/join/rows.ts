/**
 * Rows of a join: what it selects of two records, then the steps that rows go through. Each side carries the values that this
 * reads and nothing else; where a side has no partner, its name is null, and so is everything below it.
 */
import { EvaluationError, WRONG_TYPE } from '../../errors.ts'
import { compileExpression } from '../../expression/compile.ts'
import type { Evaluate } from '../../expression/logic.ts'
import { FieldSet } from '../../fields.ts'
import { canonicalJson, encodeUtf8, type Value } from '../../json.ts'
import { AggregateInputs, RecordProgram } from '../../pipeline-record.ts'
import type { AggregatePlan } from '../../plan.ts'
import type { OrderedRecord } from '../operator.ts'
import type { OrderedOutput } from '../output.ts'
import type { RecordInputs } from '../reads.ts'
import { type JoinPlan, type JoinSide, SIDES } from './plan.ts'

/** Where a value of the first scope comes from: which side, and which of the values that it carries. */
interface Origin {
  readonly side: JoinSide
  readonly index: number
}

type Pair = Readonly<Record<JoinSide, OrderedRecord | undefined>>

export class JoinRows {
  readonly #fields = new FieldSet()
  readonly #slots: Value[] = []
  readonly #program: RecordProgram
  readonly #whole: number
  /** By slot; undefined: the name is neither side's. */
  readonly #origins: readonly (Origin | undefined)[]
  /** What each side carries, as paths below its record. */
  readonly paths: Readonly<Record<JoinSide, readonly (readonly string[])[]>>

  /** Where windows are made of rows. */
  readonly #inputs: AggregateInputs | undefined

  constructor({ select, steps, names, rows }: JoinPlan, aggregates: readonly AggregatePlan[] = []) {
    const plans = [{ kind: 'map', fields: select, keep: false } as const, ...steps]
    this.#program = new RecordProgram(plans, { fields: this.#fields, slots: this.#slots })
    if (this.#program.explodes) throw new RangeError('rows of a join cannot be exploded')
    this.#inputs = aggregates.length === 0 ? undefined : new AggregateInputs(aggregates, this.#program.fields)
    this.#whole = this.#inputs === undefined ? this.#program.fields.slotOf([]) : -1
    this.#program.link()
    const paths = { left: [] as (readonly string[])[], right: [] as (readonly string[])[] }
    this.#origins = this.#fields.paths.map((path): Origin | undefined => {
      const [name = '', ...below] = path
      if (rows?.includes(name) === true) return { side: 'left', index: paths.left.push(path) - 1 }
      const sides = rows === undefined ? SIDES : (['right'] as const)
      const side = sides.find((each) => names[each] === name)
      return side === undefined ? undefined : { side, index: paths[side].push(below) - 1 }
    })
    this.paths = paths
  }

  /** Names that expressions of the selection read and that are neither side's. */
  get strangers(): readonly string[] {
    return this.#fields.paths.flatMap(([name], slot) => (this.#origins[slot] === undefined ? [name ?? ''] : []))
  }

  /** Of each aggregate over rows, the index of its value. */
  get indexes(): readonly number[] {
    return this.#inputs?.indexes ?? []
  }

  /** A row at the later of two records, or a dead letter; nothing where a step stops it. */
  give(at: OrderedRecord, index: number, pair: Pair, output: OrderedOutput): void {
    for (const [slot, origin] of this.#origins.entries()) {
      const record = origin && pair[origin.side]
      this.#slots[slot] = origin === undefined ? undefined : record === undefined ? null : record.values[origin.index]
    }
    let value: Uint8Array | undefined
    try {
      if (!this.#program.run()) return
      if (this.#inputs === undefined) value = encodeUtf8(canonicalJson(this.#program.slots[this.#whole]))
      else this.#inputs.evaluate(this.#program.slots)
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      output.deadLetter(error.code, { ...at, index })
      return
    }
    if (value !== undefined) output.record(at, index, at.key, value)
    else if (this.#inputs !== undefined) output.aggregate?.(at.key, this.#inputs.values, { ...at, index })
  }
}

/** Names that the selection of a join reads and that are neither side's; none where its expressions are sound. */
export const joinStrangers = (join: JoinPlan): readonly string[] => new JoinRows({ ...join, steps: [] }).strangers

/** What is evaluated of a record where it is read: the values of its side, then whether it takes its key out of a table. */
export class JoinedRecord implements RecordInputs {
  readonly indexes = []
  readonly values: Value[] = []
  readonly #slots: readonly number[]
  /** Of rows of a join: where the record is that each value is read of. Below one that is null there are nulls. */
  readonly #records: readonly number[]
  readonly #gone: Evaluate | undefined

  constructor(join: JoinPlan, side: JoinSide, fields: FieldSet) {
    const { match, rows } = join
    const paths = new JoinRows(join).paths[side]
    this.#slots = paths.map((path) => fields.slotOf(path))
    this.#records = side === 'left' && rows !== undefined ? paths.map(([name = '']) => fields.slotOf([name])) : []
    const gone = match.kind === 'table' ? match.delete?.[side] : undefined
    this.#gone = gone && compileExpression(gone, fields)
  }

  evaluate(slots: readonly Value[]): void {
    const gone = this.#gone?.(slots)
    for (let i = 0; i < this.#slots.length; i++) this.values[i] = slots[this.#slots[i] as number]
    this.#records.forEach((record, i) => {
      if (slots[record] === null) this.values[i] = null
    })
    if (this.#gone === undefined) return
    if (gone !== null && typeof gone !== 'boolean') throw WRONG_TYPE
    this.values[this.#slots.length] = gone === true
  }
}
