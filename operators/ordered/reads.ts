/**
 * What an ordered operator reads of a record, evaluated where the record is read, so that a shuffle carries nothing else: inputs of
 * aggregates, or the value that is compared with the whole record beside it.
 */
import { OVERFLOW } from '../errors.ts'
import { compileExpression } from '../expression/compile.ts'
import type { Evaluate } from '../expression/logic.ts'
import { FieldSet } from '../fields.ts'
import { canonicalJson, type Value } from '../json.ts'
import { AggregateInputs } from '../pipeline-record.ts'
import type { ExpressionPlan, NextPlan, StagePlan } from '../plan.ts'
import { JoinedRecord } from './join/rows.ts'
import { compilePattern } from './pattern/program.ts'
import type { AggregatingPlan, JoinSide, OrderedPlan } from './plan.ts'

/** Evaluated for each record that goes on; throws before anything is used. */
export interface RecordInputs {
  readonly values: readonly Value[]
  /** Of each aggregate, the index of its value; none without aggregates. */
  readonly indexes: readonly number[]
  evaluate(slots: readonly Value[]): void
}

export function compileReads(plan: StagePlan, fields: FieldSet): RecordInputs {
  const { input } = plan
  // Behind the shuffle the values of a join are there already.
  return readsOf(plan, input.kind === 'records' ? (input.side ?? 'left') : undefined, fields)
}

/** @param side of a join, where its values are yet to be read */
export function readsOf(
  { ordered, aggregates }: Pick<NextPlan, 'ordered' | 'aggregates'>,
  side: JoinSide | undefined,
  fields: FieldSet,
): RecordInputs {
  if (ordered === undefined || takesAggregates(ordered)) return new AggregateInputs(aggregates, fields)
  if (ordered.kind === 'pattern') return new PatternFields(compilePattern(ordered).expressions.fields, fields)
  if (ordered.kind === 'join') {
    return side === undefined ? new AggregateInputs([], fields) : new JoinedRecord(ordered, side, fields)
  }
  return new ComparedRecord(ordered.kind === 'dedupe' ? ordered.by : ordered.of, fields)
}

/** The `indexes` of a stage that gets its values from a shuffle. */
export function inputIndexes(plan: StagePlan): readonly number[] {
  // Partial aggregates have no values of their own.
  const partials = plan.ordered === undefined && plan.input.kind === 'slices' && plan.input.rowSources === undefined
  return partials ? [] : compileReads(plan, new FieldSet()).indexes
}

/** Operators that make rows of aggregates; the others have none. */
export const takesAggregates = (plan: OrderedPlan): plan is AggregatingPlan =>
  plan.kind === 'count' || plan.kind === 'sliding' || plan.kind === 'rolling'

/** What the expressions of a pattern read of records. A field that a record does not have is told where it is needed. */
class PatternFields implements RecordInputs {
  readonly values: Value[]
  readonly indexes = []
  readonly #from: readonly number[]

  constructor(read: FieldSet, fields: FieldSet) {
    this.#from = read.paths.map((path) => fields.slotOf(path))
    this.values = this.#from.map(() => undefined)
  }

  evaluate(slots: readonly Value[]): void {
    for (let i = 0; i < this.#from.length; i++) this.values[i] = slots[this.#from[i] as number]
  }
}

/** The text of what is compared, and that of the record. */
class ComparedRecord implements RecordInputs {
  readonly values: Value[] = ['', '']
  readonly indexes = []
  readonly #compared: Evaluate
  readonly #whole: number

  constructor(compared: ExpressionPlan, fields: FieldSet) {
    this.#compared = compileExpression(compared, fields)
    this.#whole = fields.slotOf([])
  }

  evaluate(slots: readonly Value[]): void {
    this.values[0] = textOf(this.#compared(slots))
    this.values[1] = textOf(slots[this.#whole])
  }
}

function textOf(value: Value): string {
  if (typeof value === 'number' && value - value !== 0) throw OVERFLOW
  return canonicalJson(value)
}
