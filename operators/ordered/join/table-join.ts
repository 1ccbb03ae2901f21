/**
 * A stream with a table, or two tables. Of a table the latest record of each key counts. Records come in the order of their
 * times, and those of a table before those of a stream of the same time, so the record of the stream sees the table as it was
 * at that time, updates of that very time included, whenever it was read.
 */
import { compareTexts } from '../../pipeline-key.ts'
import type { StateReader, StateWriter } from '../../snapshot.ts'
import type { OrderedOperator, OrderedRecord } from '../operator.ts'
import type { OrderedOutput } from '../output.ts'
import { readRecord, weightOf, writeRecord } from '../record.ts'
import { type JoinPlan, type JoinSide, SIDES, standsAlone, type TableMatch } from './plan.ts'
import type { JoinRows } from './rows.ts'

const NONE = new Uint8Array()

export class TableJoin implements OrderedOperator {
  readonly owedFrom = Number.POSITIVE_INFINITY
  readonly closesAt = Number.NEGATIVE_INFINITY
  readonly #join: JoinPlan
  readonly #match: TableMatch
  readonly #rows: JoinRows
  /** By key: the latest record of each side that is a table. */
  readonly #tables: Readonly<Record<JoinSide, Map<string, OrderedRecord>>> = { left: new Map(), right: new Map() }
  #bytes = 0

  constructor(join: JoinPlan, match: TableMatch, rows: JoinRows) {
    this.#join = join
    this.#match = match
    this.#rows = rows
  }

  take(record: OrderedRecord, output: OrderedOutput): void {
    const side: JoinSide = record.input === 0 ? 'left' : 'right'
    const there = this.#update(record, side)
    if (side === 'right' && this.#match.tables === 'right') return
    const left = side === 'left' ? there : this.#tables.left.get(record.key)
    const right = side === 'right' ? there : this.#tables.right.get(record.key)
    const makesRow =
      left === undefined
        ? right !== undefined && standsAlone(this.#join, 'right')
        : right !== undefined || standsAlone(this.#join, 'left')
    if (makesRow) this.#rows.give(record, record.index, { left, right }, output)
  }

  /** The record that its side has now for the key; undefined where it took the key away. */
  #update(record: OrderedRecord, side: JoinSide): OrderedRecord | undefined {
    const { tables, delete: conditions } = this.#match
    if (side === 'left' && tables === 'right') return record
    const table = this.#tables[side]
    const before = table.get(record.key)
    if (before !== undefined) this.#bytes -= weightOf(before)
    if (conditions?.[side] !== undefined && record.values.at(-1) === true) {
      table.delete(record.key)
      return undefined
    }
    table.set(record.key, record)
    this.#bytes += weightOf(record)
    return record
  }

  advance(): void {}

  openRows(): Uint8Array {
    return NONE
  }

  get groups(): number {
    return this.#tables.left.size + this.#tables.right.size
  }

  get bytes(): number {
    return this.#bytes
  }

  write(writer: StateWriter): void {
    for (const side of SIDES) {
      const table = this.#tables[side]
      writer.varint(table.size)
      for (const [, record] of [...table].sort(([a], [b]) => compareTexts(a, b))) writeRecord(record, writer)
    }
  }

  read(reader: StateReader): void {
    this.#bytes = 0
    for (const side of SIDES) {
      const table = this.#tables[side]
      table.clear()
      for (let left = reader.varint(); left > 0; left--) {
        const record = readRecord(reader)
        table.set(record.key, record)
        this.#bytes += weightOf(record)
      }
    }
  }
}
