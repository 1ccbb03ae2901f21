/**
 * The steps that a record goes through, compiled. A step that changes the record opens a new scope with slots of its own: a
 * name in a later expression means what the step made of it. Only what later steps read is filled in.
 */
import { castTo } from './cast.ts'
import { EvaluationError, MISSING_FIELD } from './errors.ts'
import { compileExpression } from './expression/compile.ts'
import type { Evaluate } from './expression/logic.ts'
import { FieldSet } from './fields.ts'
import type { Value } from './json.ts'
import type { StepPlan } from './plan.ts'

export interface Scope {
  readonly fields: FieldSet
  readonly slots: Value[]
  /** Of a result row: what has no value is null, and these names can be read whatever the fields became. */
  readonly row?: { readonly always: readonly string[] }
}

export interface FilterStep {
  readonly kind: 'filter'
  readonly where: Evaluate
  readonly slots: readonly Value[]
}

/** Evaluates its fields, then fills the slots that later expressions read. */
export interface MapStep {
  readonly kind: 'map'
  readonly names: readonly string[]
  readonly evaluate: readonly Evaluate[]
  readonly change: Change
  /** How each slot of the new scope is filled; made when all expressions are known. */
  fill: readonly Fill[]
}

/** As a map whose fields are the item and its index, once for every item. */
export interface ExplodeStep {
  readonly kind: 'explode'
  readonly list: Evaluate
  readonly change: Change
  fill: readonly Fill[]
}

export type Step = FilterStep | MapStep | ExplodeStep

type Fill = (computed: readonly Value[], slots: readonly Value[]) => Value

/** How a record becomes another: `names` are new, `hidden` are gone, the others stay where `keep` says so. */
interface Change {
  readonly names: readonly string[]
  readonly hidden: readonly string[]
  readonly keep: boolean
  readonly from: Scope
  readonly to: Scope
}

/** The step, and the scope that comes after it. */
export function compileStep(step: StepPlan, from: Scope): { readonly step: Step; readonly scope: Scope } {
  const { fields, slots } = from
  if (step.kind === 'filter') {
    const where = lenient(compileExpression(step.where, fields), from)
    return { step: { kind: 'filter', where, slots }, scope: from }
  }
  const to: Scope = { fields: new FieldSet(), slots: [], ...(from.row === undefined ? {} : { row: from.row }) }
  if (step.kind === 'explode') {
    const names = step.index === undefined ? [step.as] : [step.as, step.index]
    const change = { names, hidden: [], keep: true, from, to }
    return { step: { kind: 'explode', list: compileExpression(step.list, fields), change, fill: [] }, scope: to }
  }
  const { names, evaluate: strict, hidden, keep } = changeOf(step, fields)
  const evaluate = strict.map((each) => lenient(each, from))
  return { step: { kind: 'map', names, evaluate, change: { names, hidden, keep, from, to }, fill: [] }, scope: to }
}

function changeOf(step: Exclude<StepPlan, { kind: 'filter' | 'explode' }>, fields: FieldSet) {
  switch (step.kind) {
    case 'map': {
      const names = Object.keys(step.fields).sort()
      const evaluate = names.map((name) => {
        const plan = step.fields[name]
        if (plan === undefined) throw new RangeError(`a map without an expression for "${name}"`)
        return compileExpression(plan, fields)
      })
      return { names, evaluate, hidden: [], keep: step.keep }
    }
    case 'project':
      return { names: step.fields, evaluate: step.fields.map((name) => present(name, fields)), hidden: [], keep: false }
    case 'drop':
      return { names: [], evaluate: [], hidden: step.fields, keep: true }
    case 'rename': {
      const renamed = sortedEntries(step.fields)
      const evaluate = renamed.map(([, old]) => present(old, fields))
      return { names: renamed.map(([name]) => name), evaluate, hidden: renamed.map(([, old]) => old), keep: true }
    }
    case 'cast': {
      const casts = sortedEntries(step.fields)
      const evaluate = casts.map(([name, type]): Evaluate => {
        const value = present(name, fields)
        return (slots) => castTo(type, value(slots))
      })
      return { names: casts.map(([name]) => name), evaluate, hidden: [], keep: true }
    }
  }
}

/** On rows: null where there is no value. */
export function lenient(evaluate: Evaluate, { row }: Scope): Evaluate {
  if (row === undefined) return evaluate
  return (slots) => {
    try {
      return evaluate(slots)
    } catch (error) {
      if (error instanceof EvaluationError) return null
      throw error
    }
  }
}

/** Which of two wrong fields is told must not depend on how a document was written. */
const sortedEntries = <T>(fields: Readonly<Record<string, T>>): readonly (readonly [string, T])[] =>
  Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))

/** A field by its name, whatever characters that has. */
function present(name: string, fields: FieldSet): Evaluate {
  const slot = fields.slotOf([name])
  return (slots) => {
    const value = slots[slot]
    if (value === undefined) throw MISSING_FIELD
    return value
  }
}

/** To be called when everything behind the step is compiled. */
export function linkStep(step: MapStep | ExplodeStep): void {
  step.fill = step.change.to.fields.paths.map((path) => fillOf(step.change, path))
}

function fillOf({ names, hidden, keep, from }: Change, path: readonly string[]): Fill {
  const [head, ...rest] = path
  if (head === undefined) {
    const whole = keep ? from.fields.slotOf([]) : -1
    return (computed, slots) => {
      const kept = slots[whole]
      const fields = new Map<string, Value>(kept instanceof Map ? kept : [])
      for (const name of hidden) fields.delete(name)
      for (let i = 0; i < names.length; i++) fields.set(names[i] as string, computed[i])
      return fields
    }
  }
  const index = names.indexOf(head)
  if (index >= 0) return (computed) => pick(computed[index], rest)
  const stays = keep && !hidden.includes(head)
  if (!stays && from.row?.always.includes(head) !== true) return () => undefined
  const slot = from.fields.slotOf(path)
  return (_, slots) => slots[slot]
}

function pick(value: Value, path: readonly string[]): Value {
  let at = value
  for (const name of path) at = at instanceof Map ? at.get(name) : undefined
  return at
}
