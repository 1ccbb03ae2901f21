/** Records in order: how they are given to an operator, and how they are written down. */
import type { StateReader, StateWriter } from '../snapshot.ts'
import { readValues, writeValues } from '../value-codec.ts'
import type { OrderedOperator, OrderedRecord } from './operator.ts'
import type { OrderedOutput } from './output.ts'

/** Time is told before the records of that time, so that what ends by time ends in its order. */
export function giveAll(records: readonly OrderedRecord[], operator: OrderedOperator, output: OrderedOutput): void {
  for (const record of records) {
    if (operator.owedFrom <= record.time) operator.advance(record.time, output)
    operator.take(record, output)
  }
}

export function writeRecord(record: OrderedRecord, writer: StateWriter): void {
  writer.float(record.time)
  writer.varint(record.partition)
  writer.varint(record.offset)
  writer.varint(record.index)
  writer.varint(record.input)
  writer.text(record.key)
  writeValues(record.values, writer)
}

export function readRecord(reader: StateReader): OrderedRecord {
  return {
    time: reader.float(),
    partition: reader.varint(),
    offset: reader.varint(),
    index: reader.varint(),
    input: reader.varint(),
    key: reader.text(),
    values: readValues(reader),
  }
}

/** Bytes of a record that is held, approximately. */
export function weightOf({ key, values }: OrderedRecord): number {
  let bytes = 120 + key.length
  for (const value of values) bytes += typeof value === 'string' ? 16 + value.length : 16
  return bytes
}
