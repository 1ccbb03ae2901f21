/** The aggregates of ordered operators: blocks of one table (window-table.ts), each for some records of a key. */
import {
  type AggregateSlot,
  addRecord,
  addToStates,
  emptyGroup,
  layOut,
  numbersAmong,
  statesAmong,
} from '../aggregate.ts'
import { mergeGroup, writeGroup } from '../aggregate-codec.ts'
import type { StagePlan } from '../plan.ts'
import { StateReader, StateWriter } from '../snapshot.ts'
import { GroupTable } from '../window-table.ts'
import type { OrderedRecord } from './operator.ts'

export class AggregateGroups {
  readonly slots: readonly AggregateSlot[]
  readonly table: GroupTable
  readonly #numbers: readonly AggregateSlot[]
  readonly #states: readonly AggregateSlot[]
  readonly #writer = new StateWriter()

  /** `inputs`: index of each aggregate's value among the values of a record. */
  constructor(plan: StagePlan, inputs: readonly number[]) {
    this.slots = layOut(plan.aggregates, inputs)
    this.table = new GroupTable(emptyGroup(this.slots))
    this.#numbers = numbersAmong(this.slots)
    this.#states = statesAmong(this.slots)
  }

  /** A block without records, until it is released. */
  allocate(): number {
    return this.table.allocate()
  }

  release(base: number): void {
    this.table.release(base)
  }

  add(base: number, { values, ...place }: OrderedRecord): void {
    addRecord(this.#numbers, this.table, base, values)
    if (this.#states.length > 0) addToStates(this.#states, this.table, base, values, place)
  }

  /** Takes what another block has, which stays as it is. */
  merge(into: number, from: number): void {
    this.#writer.reset()
    writeGroup(this.slots, this.table, from, this.#writer)
    mergeGroup(this.slots, this.table, into, new StateReader(this.#writer.written()))
  }

  write(base: number, writer: StateWriter): void {
    writeGroup(this.slots, this.table, base, writer)
  }

  /** Into a block without records. */
  read(base: number, reader: StateReader): void {
    mergeGroup(this.slots, this.table, base, reader)
  }
}
