/**
 * A bound on what one expression does for one record. Functions that walk lists, make longer texts or search for patterns say
 * what they are about to do; a record for which it is too much is a dead letter, on every replica alike.
 */
import { TOO_MUCH_WORK } from '../errors.ts'

/** Steps of some ten nanoseconds: tens of milliseconds at the most. */
const MOST_STEPS = 4_000_000
/** What visiting an item of a list costs, with an expression computed for it. */
export const ITEM_STEPS = 40
/** UTF-16 code units of a text, and 64 times as many as items of a list, that an expression may make. */
const MOST_TEXT = 4 * 1024 * 1024
const MOST_ITEMS = MOST_TEXT / 64

let left = MOST_STEPS

/** To be called when an expression begins with a record. */
export function beginWork(): void {
  left = MOST_STEPS
}

/** @throws EvaluationError QRT_EXPR_WORK */
export function spend(steps: number): void {
  left -= steps
  if (left < 0) throw TOO_MUCH_WORK
}

/** While a text is made that is this long by now. @throws EvaluationError QRT_EXPR_WORK */
export function boundText(length: number): void {
  if (length > MOST_TEXT) throw TOO_MUCH_WORK
}

/** Before a text of this length is made. @throws EvaluationError QRT_EXPR_WORK */
export function spendOnText(length: number): void {
  boundText(length)
  spend(length >> 4)
}

/** Before a list of this length is made. @throws EvaluationError QRT_EXPR_WORK */
export function spendOnList(length: number): void {
  if (length > MOST_ITEMS) throw TOO_MUCH_WORK
  spend(length)
}
