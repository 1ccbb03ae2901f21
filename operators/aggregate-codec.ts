/**
 * Aggregates as bytes: in partials before a shuffle, and in snapshots. A group is the number of its records that no row shows
 * and each aggregate in the plan's order; equal groups have equal bytes, whatever way they came to their values.
 *
 *   count     varint
 *   sum, avg  u8 form, the value, varint third cell
 *   min, max  u8 form, the value (form 0: none)
 *   others    as their state writes itself (aggregates/)
 *
 *   form 0  zero, or none            form 3  f64 high, f64 low
 *   form 1  signed integer           form 4  bigint (sums: units of 2^-1074)
 *   form 2  f64
 */
import type { AggregateSlot } from './aggregate.ts'
import { AVG, addExtreme, addUnits, COUNT, extremeOf, MAX, MIN, STATE, stateAt, unitsOf } from './aggregate.ts'
import { OperatorError } from './errors.ts'
import { addToPair, exactUnits, pairOf } from './exact-sum.ts'
import { isSigned, type StateReader, type StateWriter } from './snapshot.ts'
import { type GroupTable, UNSHOWN } from './window-table.ts'

const ZERO = 0
const INTEGER = 1
const DOUBLE = 2
const PAIR = 3
const BIG = 4

export function writeGroup(
  slots: readonly AggregateSlot[],
  table: GroupTable,
  base: number,
  writer: StateWriter,
): void {
  const { cells } = table
  writer.varint(cells[base + UNSHOWN] as number)
  for (const slot of slots) {
    const { operation } = slot
    const at = base + slot.cell
    if (operation === COUNT) writer.varint(cells[at] as number)
    else if (operation === STATE) stateAt(slot, table, at).write(writer)
    else if (operation >= MIN) writeExtreme(extremeOf(table, at), writer)
    else {
      writeSum(table, at, writer)
      writer.varint(cells[at + 2] as number)
    }
  }
}

function writeDouble(value: number, writer: StateWriter): void {
  if (isSigned(value)) {
    writer.byte(INTEGER)
    writer.signed(value)
  } else {
    writer.byte(DOUBLE)
    writer.float(value)
  }
}

function writeExtreme(value: number | bigint | null, writer: StateWriter): void {
  if (value === null) writer.byte(ZERO)
  else if (typeof value === 'number') writeDouble(value, writer)
  else {
    writer.byte(BIG)
    writer.bigint(value)
  }
}

function writeSum(table: GroupTable, at: number, writer: StateWriter): void {
  const units = table.spilled.get(at)
  const pair = units === undefined ? [table.cells[at] as number, table.cells[at + 1] as number] : pairOf(units)
  if (pair === undefined) {
    writer.byte(BIG)
    writer.bigint(unitsOf(table, at))
    return
  }
  const [high = 0, low = 0] = pair
  if (high === 0) writer.byte(ZERO)
  else if (low === 0) writeDouble(high, writer)
  else {
    writer.byte(PAIR)
    writer.float(high)
    writer.float(low)
  }
}

/** Merges a written group into the one at `base`; returns its number of records that no row shows. */
export function mergeGroup(
  slots: readonly AggregateSlot[],
  table: GroupTable,
  base: number,
  reader: StateReader,
): number {
  const records = reader.varint()
  table.touch(base, records)
  for (const slot of slots) {
    const { operation } = slot
    const at = base + slot.cell
    const { cells } = table
    if (operation === COUNT) cells[at] = (cells[at] as number) + reader.varint()
    else if (operation === STATE) stateAt(slot, table, at).merge(reader)
    else if (operation >= MIN) mergeExtreme(table, at, reader, operation === MAX)
    else {
      mergeSum(table, at, reader)
      const third = reader.varint()
      cells[at + 2] = operation === AVG ? (cells[at + 2] as number) + third : Math.max(cells[at + 2] as number, third)
    }
  }
  return records
}

function mergeExtreme(table: GroupTable, at: number, reader: StateReader, greatest: boolean): void {
  const form = reader.byte()
  if (form === ZERO) return
  if (form === INTEGER) addExtreme(table, at, reader.signed(), greatest)
  else if (form === DOUBLE) addExtreme(table, at, reader.float(), greatest)
  else if (form === BIG) addExtreme(table, at, reader.bigint(), greatest)
  else throw unknownForm(form)
}

function mergeSum(table: GroupTable, at: number, reader: StateReader): void {
  const form = reader.byte()
  if (form === ZERO) return
  if (form === INTEGER) addDouble(table, at, reader.signed())
  else if (form === DOUBLE) addDouble(table, at, reader.float())
  else if (form === PAIR) {
    addDouble(table, at, reader.float())
    addDouble(table, at, reader.float())
  } else if (form === BIG) addUnits(table, at, reader.bigint())
  else throw unknownForm(form)
}

function addDouble(table: GroupTable, at: number, value: number): void {
  if (!addToPair(table.cells, at, value)) addUnits(table, at, exactUnits(value))
}

const unknownForm = (form: number): OperatorError =>
  new OperatorError('QRT_STATE_CORRUPT', `an aggregate has the unknown form ${form}; known are 0 to 4`)
