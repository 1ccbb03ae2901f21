/**
 * `&&`, `||`, `!` and `? :`. As in CEL, a side that decides alone makes an error of the other side disappear, in either
 * order; otherwise the first error stands.
 */
import { EvaluationError, WRONG_TYPE } from '../errors.ts'
import type { Value } from '../json.ts'

export type Evaluate = (slots: readonly Value[]) => Value

export const and =
  (left: Evaluate, right: Evaluate): Evaluate =>
  (slots) =>
    decide(left, right, slots, false)

export const or =
  (left: Evaluate, right: Evaluate): Evaluate =>
  (slots) =>
    decide(left, right, slots, true)

export const not =
  (operand: Evaluate): Evaluate =>
  (slots) =>
    !truth(operand(slots))

export const choose =
  (condition: Evaluate, yes: Evaluate, no: Evaluate): Evaluate =>
  (slots) =>
    truth(condition(slots)) ? yes(slots) : no(slots)

function decide(left: Evaluate, right: Evaluate, slots: readonly Value[], deciding: boolean): boolean {
  let first: boolean
  try {
    first = truth(left(slots))
  } catch (error) {
    if (error instanceof EvaluationError && decides(right, slots, deciding)) return deciding
    throw error
  }
  return first === deciding ? deciding : truth(right(slots))
}

function decides(side: Evaluate, slots: readonly Value[], deciding: boolean): boolean {
  try {
    return side(slots) === deciding
  } catch (error) {
    if (error instanceof EvaluationError) return false
    throw error
  }
}

/** @throws EvaluationError QRT_EXPR_TYPE for anything but a boolean */
export function truth(value: Value): boolean {
  if (typeof value === 'boolean') return value
  throw WRONG_TYPE
}
