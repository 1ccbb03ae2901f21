/**
 * Aggregates over the cells of a group (window-table.ts): count, sum, avg, min, max, compiled to a list of operations
 * without closures. Nulls are skipped; sum and count of nothing are 0, avg, min and max of nothing are null. Aggregates that are
 * more than numbers have a state beside the cells (aggregates/).
 *
 *   count  1 cell   how many
 *   sum    3 cells  exact pair, 1 if any number was no exact integer (the result is then a double, else an integer)
 *   avg    3 cells  exact pair, how many
 *   min    1 cell   the number; NaN: none, or a bigint among the spilled
 *   max    1 cell   likewise
 *   others 1 cell   stands for the state
 */
import type { AggregateState, RecordPlace } from './aggregates/state.ts'
import { stateMaker } from './aggregates/states.ts'
import { addToPair, divideExactly, exactUnits, integerUnits, roundUnits, unitsToInteger } from './exact-sum.ts'
import { narrow, type Value } from './json.ts'
import type { AggregatePlan } from './plan.ts'
import { type GroupTable, HEADER_CELLS } from './window-table.ts'

/** Numbers, since a name that came from another thread compares character by character. */
export const COUNT = 0
export const SUM = 1
export const AVG = 2
export const MIN = 3
export const MAX = 4
export const STATE = 5

const OPERATIONS: Readonly<Partial<Record<AggregatePlan['kind'], number>>> = {
  count: COUNT,
  sum: SUM,
  avg: AVG,
  min: MIN,
  max: MAX,
}

/** By operation. */
const CELLS = [1, 3, 3, 1, 1, 1]

export interface AggregateSlot {
  readonly operation: number
  /** Index of its value among a record's inputs; -1: every record counts. */
  readonly input: number
  /** Its first cell, relative to the group. */
  readonly cell: number
  /** Makes the state of a group; only for STATE. */
  readonly create: (() => AggregateState) | undefined
}

export function layOut(aggregates: readonly AggregatePlan[], inputs: readonly number[]): AggregateSlot[] {
  let cell = HEADER_CELLS
  return aggregates.map((plan, i) => {
    const operation = OPERATIONS[plan.kind] ?? STATE
    const slot = { operation, input: inputs[i] ?? -1, cell, create: stateMaker(plan) }
    cell += CELLS[operation] as number
    return slot
  })
}

/** Records go to the numbers first, and to the states only where there are any: most groups have none. */
export const numbersAmong = (slots: readonly AggregateSlot[]): AggregateSlot[] =>
  slots.filter(({ operation }) => operation !== STATE)
export const statesAmong = (slots: readonly AggregateSlot[]): AggregateSlot[] =>
  slots.filter(({ operation }) => operation === STATE)

export function emptyGroup(slots: readonly AggregateSlot[]): Float64Array {
  const cells = new Float64Array(
    HEADER_CELLS + slots.reduce((sum, { operation }) => sum + (CELLS[operation] as number), 0),
  )
  for (const { operation, cell } of slots) if (operation === MIN || operation === MAX) cells[cell] = Number.NaN
  return cells
}

/** Takes one record whose inputs were checked into the slots that are numbers: true or null for a count, else a number or null. */
export function addRecord(
  slots: readonly AggregateSlot[],
  table: GroupTable,
  base: number,
  inputs: readonly Value[],
): void {
  table.touch(base, 1)
  const { cells } = table
  for (let i = 0; i < slots.length; i++) {
    const { operation, input, cell } = slots[i] as AggregateSlot
    const at = base + cell
    const value = input < 0 ? true : inputs[input]
    if (operation === COUNT) {
      if (value === true) cells[at] = (cells[at] as number) + 1
    } else if (typeof value === 'number') {
      if (operation === MAX) {
        const known = cells[at] as number
        if (value > known) cells[at] = value + 0
        else if (!(value <= known)) addExtreme(table, at, value, true)
      } else if (operation === MIN) {
        const known = cells[at] as number
        if (value < known) cells[at] = value + 0
        else if (!(value >= known)) addExtreme(table, at, value, false)
      } else {
        if (!addToPair(cells, at, value)) addUnits(table, at, exactUnits(value))
        if (operation === AVG) cells[at + 2] = (cells[at + 2] as number) + 1
        else if (!Number.isSafeInteger(value)) cells[at + 2] = 1
      }
    } else if (typeof value === 'bigint') {
      if (operation >= MIN) addExtreme(table, at, value, operation === MAX)
      else {
        addUnits(table, at, integerUnits(value))
        if (operation === AVG) cells[at + 2] = (cells[at + 2] as number) + 1
      }
    }
  }
}

/** Takes the same record into the slots that have a state. */
export function addToStates(
  slots: readonly AggregateSlot[],
  table: GroupTable,
  base: number,
  inputs: readonly Value[],
  place: RecordPlace,
): void {
  for (const slot of slots) {
    const value = inputs[slot.input]
    if (value !== null) stateAt(slot, table, base + slot.cell).add(value, place)
  }
}

/** The state of a slot whose cell this is; made where there is none. */
export function stateAt({ create }: AggregateSlot, table: GroupTable, at: number): AggregateState {
  const known = table.states[at]
  if (known !== undefined) return known
  if (create === undefined) throw new RangeError('an aggregate of numbers has no state')
  const state = create()
  table.states[at] = state
  return state
}

/** Adds to a sum by way of the bigint form, and stays there: canonical form is restored where it is written. */
export function addUnits(table: GroupTable, at: number, units: bigint): void {
  table.spilled.set(at, unitsOf(table, at) + units)
  table.cells[at] = Number.NaN
  table.cells[at + 1] = Number.NaN
}

/** The exact sum at a cell, in units of 2^-1074. */
export function unitsOf(table: GroupTable, at: number): bigint {
  const known = table.spilled.get(at)
  if (known !== undefined) return known
  return exactUnits(table.cells[at] as number) + exactUnits(table.cells[at + 1] as number)
}

/** Takes a number into a min or max. Of an equal double and bigint the bigint stays, whichever came first. */
export function addExtreme(table: GroupTable, at: number, value: number | bigint, greatest: boolean): void {
  const known = extremeOf(table, at)
  if (known !== null) {
    const equal = !(value > known) && !(value < known)
    if (equal ? typeof value !== 'bigint' : greatest !== value > known) return
  }
  if (typeof value === 'bigint') {
    table.spilled.set(at, value)
    table.cells[at] = Number.NaN
  } else {
    table.spilled.delete(at)
    // A zero is always +0.
    table.cells[at] = value + 0
  }
}

export function extremeOf(table: GroupTable, at: number): number | bigint | null {
  const known = table.cells[at] as number
  return Number.isNaN(known) ? (table.spilled.get(at) ?? null) : known
}

/**
 * What a row shows: a number, or the JSON text of what is more than one. A double beyond the range of doubles has no JSON number
 * and is null.
 */
export function resultOf(slot: AggregateSlot, table: GroupTable, base: number): number | bigint | string | null {
  const { operation } = slot
  const at = base + slot.cell
  const { cells } = table
  const third = cells[at + 2] as number
  switch (operation) {
    case COUNT:
      return cells[at] as number
    case MIN:
    case MAX:
      return extremeOf(table, at)
    case STATE:
      return stateAt(slot, table, at).result()
    case SUM: {
      const spilled = table.spilled.get(at)
      const high = cells[at] as number
      if (third === 0) {
        if (spilled !== undefined) return narrow(unitsToInteger(spilled))
        return Number.isSafeInteger(high) && cells[at + 1] === 0
          ? high
          : narrow(BigInt(high) + BigInt(cells[at + 1] as number))
      }
      const sum = spilled === undefined ? high : roundUnits(spilled, 1n) + 0
      return Number.isFinite(sum) ? sum : null
    }
    default: {
      if (third === 0) return null
      const spilled = table.spilled.get(at)
      return spilled === undefined
        ? divideExactly(cells[at] as number, cells[at + 1] as number, third)
        : roundUnits(spilled, BigInt(third)) + 0
    }
  }
}
