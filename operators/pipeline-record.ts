/**
 * A record on its way to state: the steps one after another, then everything that state will be given, all of it evaluated
 * before any of it is used.
 */
import { canRank } from './aggregates/ranked.ts'
import { ownAggregate, takes } from './aggregates/states.ts'
import { EvaluationError, type OperatorErrorCode, OVERFLOW, WRONG_TYPE } from './errors.ts'
import { compileExpression } from './expression/compile.ts'
import type { Evaluate } from './expression/logic.ts'
import { stateOfRecord, type UserAggregate, valueOfState } from './expression/user-aggregates.ts'
import type { FieldSet } from './fields.ts'
import type { Value } from './json.ts'
import { compileStep, type ExplodeStep, linkStep, type MapStep, type Scope, type Step } from './pipeline-steps.ts'
import type { AggregatePlan, StepPlan } from './plan.ts'

/** Items of all lists of one record, filtered or not: what lists within lists could grow to has no other bound. */
const MAX_ITEMS = 10_000

/** What is done with each item of a record that is exploded. Items are numbered in the order in which they come. */
export interface ItemTaker {
  /** The item's values are in the slots of the program. */
  take(index: number): void
  fail(code: OperatorErrorCode, index: number): void
}

export class RecordProgram {
  readonly #steps: readonly Step[]
  readonly #last: Scope
  /** A record may become several, or none: `each` runs it. */
  readonly explodes: boolean
  #items = 0
  #visited = 0

  /** Expressions on records as they come are compiled against `first`. */
  constructor(plans: readonly StepPlan[], first: Scope) {
    let last = first
    this.#steps = plans.map((plan) => {
      const { step, scope } = compileStep(plan, last)
      last = scope
      return step
    })
    this.#last = last
    this.explodes = plans.some(({ kind }) => kind === 'explode')
  }

  /** Where expressions after the steps read from. */
  get fields(): FieldSet {
    return this.#last.fields
  }

  get slots(): readonly Value[] {
    return this.#last.slots
  }

  /** To be called when every expression is compiled, and before the scanner is: links the scopes, last to first. */
  link(): void {
    for (const step of this.#steps.toReversed()) if (step.kind !== 'filter') linkStep(step)
  }

  /** Runs the steps on the values in the first scope's slots; false when a filter stops the record. */
  run(): boolean {
    for (let i = 0; i < this.#steps.length; i++) {
      const step = this.#steps[i] as Step
      if (step.kind === 'filter') {
        const value = step.where(step.slots)
        if (this.#last.row === undefined ? !condition(value) : value !== true) return false
      } else if (step.kind === 'map') runMap(step)
    }
    return true
  }

  /**
   * Runs the steps for every item. Items are taken and fail one by one: a bad one is no reason to lose the others. `first`
   * is the number of the first item; returns the number after the last.
   */
  each(first: number, taker: ItemTaker): number {
    this.#items = first
    this.#visited = 0
    this.#from(0, taker)
    return this.#items
  }

  /** False: the record has more items than are taken, and that is told. */
  #from(start: number, taker: ItemTaker): boolean {
    const index = this.#items
    try {
      for (let i = start; i < this.#steps.length; i++) {
        const step = this.#steps[i] as Step
        if (step.kind === 'filter') {
          if (condition(step.where(step.slots))) continue
          this.#items += 1
          return true
        }
        if (step.kind === 'explode') return this.#explode(step, i + 1, taker)
        runMap(step)
      }
      this.#items += 1
      taker.take(index)
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      this.#items = index + 1
      taker.fail(error.code, index)
    }
    return true
  }

  #explode({ list, change, fill }: ExplodeStep, next: number, taker: ItemTaker): boolean {
    const { from, to } = change
    const items = list(from.slots)
    if (!Array.isArray(items)) throw WRONG_TYPE
    for (let i = 0; i < items.length; i++) {
      if (this.#visited++ >= MAX_ITEMS) {
        taker.fail('QRT_RECORD_ITEMS', this.#items++)
        return false
      }
      const computed = [items[i] as Value, i]
      for (let slot = 0; slot < fill.length; slot++) to.slots[slot] = fill[slot]?.(computed, from.slots)
      if (!this.#from(next, taker)) return false
    }
    return true
  }
}

function runMap({ evaluate, change: { from, to }, fill }: MapStep): void {
  const computed = evaluate.map((each) => each(from.slots))
  for (let slot = 0; slot < fill.length; slot++) to.slots[slot] = fill[slot]?.(computed, from.slots)
}
function condition(value: Value): boolean {
  if (typeof value !== 'boolean') throw WRONG_TYPE
  return value
}

interface Input {
  readonly where: Evaluate | undefined
  readonly of: Evaluate | undefined
  readonly takes: ReturnType<typeof takes>
  /** Only of one that takes records in its own way. */
  readonly own: UserAggregate | undefined
}

/** What the aggregates of a record are given: each distinct pair of `of` and `where` is evaluated once. */
export class AggregateInputs {
  readonly values: Value[] = []
  /** Index into `values` for each aggregate; -1 for a bare count. */
  readonly indexes: readonly number[]
  readonly #inputs: Input[] = []

  constructor(aggregates: readonly AggregatePlan[], fields: FieldSet) {
    const known = new Map<string, number>()
    this.indexes = aggregates.map((plan) => {
      const { name, kind, of, own, where } = plan
      const taken = takes(kind)
      if (of === undefined && taken !== 'condition')
        throw new RangeError(`aggregate "${name}": ${kind} needs an expression`)
      if (of === undefined && where === undefined) return -1
      const identity = JSON.stringify([taken, of?.source, where?.source, own])
      const index = known.get(identity) ?? this.#inputs.length
      if (index === this.#inputs.length) {
        known.set(identity, index)
        this.#inputs.push({
          takes: taken,
          where: where && compileExpression(where, fields),
          of: of && compileExpression(of, fields),
          own: taken === 'own' ? ownAggregate(plan) : undefined,
        })
        this.values.push(null)
      }
      return index
    })
  }

  /** Fills `values`: true or null for counts, else a number, a bigint, any value, or null. Throws before anything is used. */
  evaluate(slots: readonly Value[]): void {
    for (let i = 0; i < this.#inputs.length; i++) {
      const { where, of, takes, own } = this.#inputs[i] as Input
      this.values[i] =
        where !== undefined && !condition(where(slots))
          ? null
          : takes === 'condition'
            ? of === undefined || countable(of(slots)) || null
            : takes === 'number'
              ? numeric((of as Evaluate)(slots))
              : takes === 'ranked'
                ? ranked((of as Evaluate)(slots))
                : own !== undefined
                  ? startedBy(own, (of as Evaluate)(slots))
                  : shown((of as Evaluate)(slots))
    }
  }
}

/** A count's condition: null counts as false. */
function countable(value: Value): boolean {
  return value !== null && condition(value)
}

function numeric(value: Value): number | bigint | null {
  if (typeof value === 'number') {
    if (value - value !== 0) throw OVERFLOW
    return value
  }
  if (value === null || typeof value === 'bigint') return value
  throw WRONG_TYPE
}

/** A rank and a value. */
function ranked(pair: Value): Value {
  if (!Array.isArray(pair) || !canRank(pair[0])) throw WRONG_TYPE
  shown(pair[1])
  return pair
}

/** In a list, since a state may be null, which is a record that is left out. */
function startedBy(own: UserAggregate, values: Value): Value {
  if (!Array.isArray(values)) throw WRONG_TYPE
  const state = stateOfRecord(own, values)
  return state === undefined ? null : [valueOfState(state)]
}

/** A value that has a JSON text. */
function shown(value: Value): Value {
  if (value === undefined) throw WRONG_TYPE
  if (typeof value === 'number' && value - value !== 0) throw OVERFLOW
  return value
}
