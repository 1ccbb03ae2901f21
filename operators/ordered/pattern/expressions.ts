/**
 * Expressions of a pattern. A field is one of the record at hand; after the name of a stage it is one of the last record which
 * that stage took. `first(stage)` and `last(stage)` are records as well; `count`, `sum`, `avg`, `min`, `max` and `collect` are over
 * all records of a stage, such as `sum(small.amount)`. A field of a stage that took nothing is missing.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { ExpressionError, MISSING_FIELD, WRONG_TYPE } from '../../errors.ts'
import { exactUnits, integerUnits, roundUnits, unitsToInteger } from '../../exact-sum.ts'
import { compileExpression } from '../../expression/compile.ts'
import type { Evaluate } from '../../expression/logic.ts'
import { pathOf } from '../../expression/path.ts'
import { FieldSet } from '../../fields.ts'
import { narrow, type Value } from '../../json.ts'
import type { ExpressionPlan } from '../../plan.ts'
import type { OrderedRecord } from '../operator.ts'
import { eventsOf, lastOf, type TakenEvent } from './events.ts'

/** Of the record at hand and what was taken before it. */
export type PatternExpression = (record: OrderedRecord, before: TakenEvent | undefined) => Value

type Read = (record: OrderedRecord, before: TakenEvent | undefined) => Value

const CALLS: ReadonlySet<string> = new Set(['first', 'last', 'count', 'sum', 'avg', 'min', 'max', 'collect'])

export class PatternExpressions {
  /** What is read of records; their values are in this order. */
  readonly fields = new FieldSet()
  /** Index among those that take, by name. */
  readonly #stages: ReadonlyMap<string, number>

  constructor(stages: ReadonlyMap<string, number>) {
    this.#stages = stages
  }

  /** @throws ExpressionError */
  compile(plan: ExpressionPlan): PatternExpression {
    const heads = new Map<string, Call>()
    const fields = new FieldSet()
    const run = compileExpression(plan, fields, (node) => this.#headOf(node, plan.source, heads))
    const reads = fields.paths.map((path) => this.#read(path, heads))
    return evaluation(run, reads)
  }

  /** A record as a whole. */
  get whole(): number {
    return this.fields.slotOf([])
  }

  /** A call over records of a stage stands for a field of its own. */
  #headOf(node: ASTNode, source: string, heads: Map<string, Call>): string | undefined {
    if (node.op !== 'call') return undefined
    const [name, args] = node.args
    if (!CALLS.has(name)) return undefined
    const [arg] = args
    const [stage = '', ...path] = (args.length === 1 && arg !== undefined && pathOf(arg)) || []
    const index = this.#stages.get(stage)
    if (index === undefined) {
      const known = [...this.#stages.keys()].join(', ')
      const what = `${name}(): expected a stage that takes records (${known}) or a field of one, in "${source}"`
      throw new ExpressionError('QRT_EXPR_UNSUPPORTED', what, node.start)
    }
    const head = `${name}(${JSON.stringify([stage, ...path])})`
    heads.set(head, { name, stage: index, path })
    return head
  }

  #read([head = '', ...rest]: readonly string[], heads: ReadonlyMap<string, Call>): Read {
    const call = heads.get(head)
    if (call !== undefined) return this.#callRead(call, rest)
    const stage = this.#stages.get(head)
    if (stage === undefined) {
      const field = this.fields.slotOf([head, ...rest])
      return (record) => record.values[field]
    }
    const field = this.fields.slotOf(rest)
    return (_, before) => lastOf(before, stage)?.values[field]
  }

  #callRead({ name, stage, path }: Call, rest: readonly string[]): Read {
    if (name === 'count' && path.length === 0 && rest.length === 0) {
      return (_, before) => eventsOf(before, stage).length
    }
    if (name === 'first' || name === 'last') {
      const field = this.fields.slotOf([...path, ...rest])
      if (name === 'last') return (_, before) => lastOf(before, stage)?.values[field]
      return (_, before) => eventsOf(before, stage)[0]?.values[field]
    }
    const field = this.fields.slotOf(path)
    const combine = COMBINE[name] ?? ((values: readonly Value[]) => values)
    return (_, before) => {
      const values = eventsOf(before, stage).map((record) => record.values[field])
      return rest.length > 0 ? undefined : combine(values.filter((value) => value !== null && value !== undefined))
    }
  }
}

interface Call {
  readonly name: string
  readonly stage: number
  readonly path: readonly string[]
}

function evaluation(run: Evaluate, reads: readonly Read[]): PatternExpression {
  const slots: Value[] = []
  return (record, before) => {
    for (let i = 0; i < reads.length; i++) slots[i] = (reads[i] as Read)(record, before)
    return run(slots)
  }
}

/** Of values that are there and not null. */
const COMBINE: Readonly<Record<string, (values: readonly Value[]) => Value>> = {
  count: (values) => values.length,
  sum: (values) => sumOf(values, 1n),
  avg: (values) => (values.length === 0 ? null : sumOf(values, BigInt(values.length))),
  min: (values) => values.map(number).reduce<number | bigint | null>((a, b) => (a === null || b < a ? b : a), null),
  max: (values) => values.map(number).reduce<number | bigint | null>((a, b) => (a === null || b > a ? b : a), null),
}

function number(value: Value): number | bigint {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return value
  throw WRONG_TYPE
}

/** Exact, and rounded once. */
function sumOf(values: readonly Value[], parts: bigint): Value {
  let units = 0n
  let whole = parts === 1n
  for (const value of values.map(number)) {
    whole &&= typeof value === 'bigint' || Number.isSafeInteger(value)
    units += typeof value === 'bigint' ? integerUnits(value) : exactUnits(value)
  }
  return whole ? narrow(unitsToInteger(units)) : roundUnits(units, parts) + 0
}

/** @throws EvaluationError when it is no condition */
export function holds(
  condition: PatternExpression | undefined,
  record: OrderedRecord,
  before: TakenEvent | undefined,
): boolean {
  if (condition === undefined) return true
  const value = condition(record, before)
  if (typeof value === 'boolean') return value
  throw value === undefined ? MISSING_FIELD : WRONG_TYPE
}
