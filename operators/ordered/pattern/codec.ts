/**
 * Partial matches as bytes. What they share is written once: first the records, then the chain of those that were taken, each with
 * the number of the one before it, in the order in which runs lead to them; then the runs and the matches that wait.
 */
import { OperatorError } from '../../errors.ts'
import type { StateReader, StateWriter } from '../../snapshot.ts'
import type { OrderedRecord } from '../operator.ts'
import { readRecord, writeRecord } from '../record.ts'
import { type TakenEvent, taken } from './events.ts'
import type { KeyMatches } from './key-matches.ts'

export function writeMatches({ runs, waiting }: KeyMatches, writer: StateWriter): void {
  const events = new Map<TakenEvent, number>()
  const records = new Map<OrderedRecord, number>()
  for (const { last } of [...runs, ...waiting]) number(last, events, records)
  writer.varint(records.size)
  for (const record of records.keys()) writeRecord(record, writer)
  writer.varint(events.size)
  for (const { record, stage, before } of events.keys()) {
    writer.varint(records.get(record) as number)
    writer.varint(stage)
    writer.varint(before === undefined ? 0 : (events.get(before) as number) + 1)
  }
  writer.varint(runs.length)
  for (const { last, stage, taken, rounds, yieldsTo, fresh, number } of runs) {
    writer.varint(events.get(last) as number)
    writer.varint(stage)
    writer.varint(taken)
    // One at least, as when no group was in another.
    for (let depth = 0; depth < Math.max(1, rounds.length); depth++) writer.varint(rounds[depth] ?? 0)
    writer.varint(yieldsTo.length)
    for (const index of yieldsTo) writer.varint(index)
    writer.byte(fresh ? 1 : 0)
    writer.varint(number)
  }
  writer.varint(waiting.length)
  for (const { last, number } of waiting) {
    writer.varint(events.get(last) as number)
    writer.varint(number)
  }
}

/** Those that come before it first. */
function number(last: TakenEvent, events: Map<TakenEvent, number>, records: Map<OrderedRecord, number>): void {
  const chain: TakenEvent[] = []
  for (let at: TakenEvent | undefined = last; at !== undefined && !events.has(at); at = at.before) chain.push(at)
  for (const event of chain.reverse()) {
    events.set(event, events.size)
    if (!records.has(event.record)) records.set(event.record, records.size)
  }
}

export function readMatches(matches: KeyMatches, reader: StateReader): void {
  const records: OrderedRecord[] = []
  for (let left = reader.varint(); left > 0; left--) records.push(readRecord(reader))
  const events: TakenEvent[] = []
  for (let left = reader.varint(); left > 0; left--) {
    const record = at(records, reader.varint())
    const stage = reader.varint()
    const before = reader.varint()
    events.push(taken(record, stage, before === 0 ? undefined : at(events, before - 1)))
  }
  for (let left = reader.varint(); left > 0; left--) {
    const last = at(events, reader.varint())
    const stage = reader.varint()
    const taken = reader.varint()
    const depth = matches.depthOf(stage)
    const rounds = Array.from({ length: Math.max(1, depth) }, () => reader.varint()).slice(0, depth)
    const yieldsTo: number[] = []
    for (let more = reader.varint(); more > 0; more--) yieldsTo.push(reader.varint())
    matches.runs.push({ last, stage, taken, rounds, yieldsTo, fresh: reader.byte() === 1, number: reader.varint() })
  }
  for (let left = reader.varint(); left > 0; left--) {
    matches.waiting.push({ last: at(events, reader.varint()), number: reader.varint() })
  }
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index]
  if (item !== undefined) return item
  throw new OperatorError('QRT_STATE_CORRUPT', `a partial match leads to item ${index} of ${items.length}`)
}
