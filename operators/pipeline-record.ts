/**
 * A record on its way to state: filters and maps, then everything that state will be given, all of it evaluated before any
 * of it is used. A map opens a new scope with slots of its own; a name in a later expression means the mapped field.
 */
import { OVERFLOW, WRONG_TYPE } from './errors.ts'
import { compileExpression } from './expression/compile.ts'
import { FieldSet } from './fields.ts'
import type { Value } from './json.ts'
import type { AggregatePlan, StepPlan } from './plan.ts'

type Evaluate = (slots: readonly Value[]) => Value

interface Scope {
  readonly fields: FieldSet
  readonly slots: Value[]
}

/** The map between two scopes: evaluates its fields, then fills the slots that later expressions read. */
interface MapStep {
  readonly names: readonly string[]
  readonly evaluate: readonly Evaluate[]
  readonly keep: boolean
  readonly from: Scope
  readonly to: Scope
  /** How each slot of `to` is filled; made when all expressions are known. */
  fill: readonly ((computed: readonly Value[], slots: readonly Value[]) => Value)[]
}

type Step = { readonly where: Evaluate; readonly slots: readonly Value[] } | MapStep

export class RecordProgram {
  readonly #steps: Step[] = []
  #last: Scope

  /** Expressions on records as they come are compiled against `fields`, whose values are in `slots`. */
  constructor(steps: readonly StepPlan[], fields: FieldSet, slots: Value[]) {
    this.#last = { fields, slots }
    for (const step of steps) {
      if (step.kind === 'filter') {
        this.#steps.push({ where: compileExpression(step.where, this.#last.fields), slots: this.#last.slots })
        continue
      }
      const names = Object.keys(step.fields).sort()
      const evaluate = names.map((name) => {
        const plan = step.fields[name]
        if (plan === undefined) throw new RangeError(`a map without an expression for "${name}"`)
        return compileExpression(plan, this.#last.fields)
      })
      const to = { fields: new FieldSet(), slots: [] }
      this.#steps.push({ names, evaluate, keep: step.keep, from: this.#last, to, fill: [] })
      this.#last = to
    }
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
    for (const step of this.#steps.toReversed()) {
      if ('where' in step) continue
      step.fill = step.to.fields.paths.map((path) => link(step, path))
    }
  }

  /** Runs the steps on the values in the first scope's slots; false when a filter stops the record. */
  run(): boolean {
    for (let i = 0; i < this.#steps.length; i++) {
      const step = this.#steps[i] as Step
      if ('where' in step) {
        if (!condition(step.where(step.slots))) return false
      } else {
        const computed = step.evaluate.map((evaluate) => evaluate(step.from.slots))
        const { fill, to, from } = step
        for (let slot = 0; slot < fill.length; slot++) to.slots[slot] = fill[slot]?.(computed, from.slots)
      }
    }
    return true
  }
}

function link({ names, keep, from }: MapStep, path: readonly string[]): MapStep['fill'][number] {
  const [head, ...rest] = path
  if (head === undefined) {
    const whole = keep ? from.fields.slotOf([]) : -1
    return (computed, slots) => {
      const kept = slots[whole]
      const fields = new Map<string, Value>(kept instanceof Map ? kept : [])
      for (let i = 0; i < names.length; i++) fields.set(names[i] as string, computed[i])
      return fields
    }
  }
  const index = names.indexOf(head)
  if (index >= 0) return (computed) => pick(computed[index], rest)
  if (!keep) return () => undefined
  const slot = from.fields.slotOf(path)
  return (_, slots) => slots[slot]
}

function pick(value: Value, path: readonly string[]): Value {
  let at = value
  for (const name of path) at = at instanceof Map ? at.get(name) : undefined
  return at
}

function condition(value: Value): boolean {
  if (typeof value !== 'boolean') throw WRONG_TYPE
  return value
}

interface Input {
  readonly where: Evaluate | undefined
  readonly of: Evaluate | undefined
  readonly counts: boolean
}

/** What the aggregates of a record are given: each distinct pair of `of` and `where` is evaluated once. */
export class AggregateInputs {
  readonly values: Value[] = []
  /** Index into `values` for each aggregate; -1 for a bare count. */
  readonly indexes: readonly number[]
  readonly #inputs: Input[] = []

  constructor(aggregates: readonly AggregatePlan[], fields: FieldSet) {
    const known = new Map<string, number>()
    this.indexes = aggregates.map(({ name, kind, of, where }) => {
      const counts = kind === 'count'
      if (of === undefined && !counts) throw new RangeError(`aggregate "${name}": ${kind} needs an expression`)
      if (of === undefined && where === undefined) return -1
      const identity = JSON.stringify([counts, of?.source, where?.source])
      const index = known.get(identity) ?? this.#inputs.length
      if (index === this.#inputs.length) {
        known.set(identity, index)
        this.#inputs.push({
          counts,
          where: where && compileExpression(where, fields),
          of: of && compileExpression(of, fields),
        })
        this.values.push(null)
      }
      return index
    })
  }

  /** Fills `values`: true or null for counts, a number, bigint or null for the others. Throws before anything is used. */
  evaluate(slots: readonly Value[]): void {
    for (let i = 0; i < this.#inputs.length; i++) {
      const { where, of, counts } = this.#inputs[i] as Input
      this.values[i] =
        where !== undefined && !condition(where(slots))
          ? null
          : counts
            ? of === undefined || countable(of(slots)) || null
            : numeric((of as Evaluate)(slots))
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
