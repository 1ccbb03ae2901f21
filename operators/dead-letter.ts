/**
 * Dead letters: what becomes of a record that cannot be read, evaluated or accepted. The text is our own, never an engine's,
 * since it is part of certified bytes.
 */
import { isUtf8 } from 'node:buffer'
import type { OperatorErrorCode } from './errors.ts'
import { canonicalJson, encodeUtf8, type Value } from './json.ts'

/** A longer record is cut here, at a character where it is text. */
const MAX_RECORD_BYTES = 1024

const REASONS: Readonly<Partial<Record<OperatorErrorCode, string>>> = {
  QRT_EXPR_MISSING_FIELD: 'an expression reads a field that the record does not have',
  QRT_EXPR_TYPE: 'an expression got a value of a type it does not take',
  QRT_EXPR_DIVISION_BY_ZERO: 'an expression divides by zero',
  QRT_EXPR_OVERFLOW: 'an expression has a result beyond the range of numbers',
  QRT_EXPR_WORK: 'an expression would take too much work, or make too long a text or list, for this record',
  QRT_RECORD_SYNTAX: 'the record is not of the format of its source',
  QRT_RECORD_ENCODING: 'the record is not UTF-8',
  QRT_RECORD_NUMBER: 'the record holds a number that cannot be represented',
  QRT_RECORD_DEPTH: 'the record is nested too deeply',
  QRT_RECORD_EMPTY: 'the record has no bytes',
  QRT_RECORD_REFUSED: 'the record holds something that has no JSON form, or is not safe to read',
  QRT_RECORD_SIZE: 'the record is larger, or stands for more, than records of its format may',
  QRT_RECORD_SCHEMA: 'the record is of a schema or message that the job does not know',
  QRT_RECORD_ENVELOPE: 'the record is no CloudEvent: an attribute that every event has is missing or wrong',
  QRT_RECORD_TIME: 'the record has no valid event time',
  QRT_RECORD_KEY: 'the key is no JSON value',
  QRT_RECORD_CAST: 'a field has a value that its new type cannot have',
  QRT_RECORD_ITEMS: 'the record holds more items than are taken from one; those before were taken',
  QRT_RECORD_MATCHES: 'the record has more partners than one record may be joined with; those before were taken',
  QRT_RECORD_LOST: 'the log had deleted the records before they were read',
  QRT_RECORD_QUARANTINED: 'the record stops the replicas that take it',
  QRT_ROW_EARLIER: 'the row says that it happened longer before its own time than its next stage waits',
  QRT_PATTERN_SIZE: 'the pattern has more partial matches of the key, or longer ones, than are kept',
  QRT_RECORD_LATE: 'what takes the record had closed before it came',
}

/** Where in the input it was. */
export interface Origin {
  /** That the record is from. Absent: it is what a stage before has made, or what a shuffle could not give. */
  readonly topic?: string
  /** Of a row that this stage made: the number of its unit and that of the row stand in place of partition and offset. */
  readonly stage?: number
  readonly partition: number
  readonly offset: number
}

/** The value of a dead-letter row. `record`: the bytes as they came; null is a tombstone. */
export function deadLetterValue(
  code: OperatorErrorCode,
  { topic, stage, partition, offset }: Origin,
  record: Uint8Array | null,
): Uint8Array {
  const fields = new Map<string, Value>([
    ['error', code],
    ['offset', offset],
    ['partition', partition],
    ['reason', REASONS[code] ?? 'the record cannot be processed'],
  ])
  if (topic !== undefined) fields.set('topic', topic)
  if (stage !== undefined) fields.set('stage', stage)
  if (record === null) fields.set('record', null)
  else if (isUtf8(record)) fields.set('record', boundedText(record))
  else fields.set('recordBase64', Buffer.from(record.subarray(0, MAX_RECORD_BYTES)).toString('base64'))
  if (record !== null && record.length > MAX_RECORD_BYTES) fields.set('recordBytes', record.length)
  return encodeUtf8(canonicalJson(fields))
}

/** The value of a dead-letter row that stands for records [from, to), of which nothing is known. */
export function passedLetterValue(
  code: OperatorErrorCode,
  { topic, partition, offset }: Origin,
  to: number,
): Uint8Array {
  const fields = new Map<string, Value>([
    ['error', code],
    ['offset', offset],
    ['partition', partition],
    ['reason', REASONS[code] ?? 'the records cannot be processed'],
    ['record', null],
    ['records', to - offset],
  ])
  if (topic !== undefined) fields.set('topic', topic)
  return encodeUtf8(canonicalJson(fields))
}

/** Members are sorted, so the code comes first. */
const LATE = encodeUtf8(`{"error":${canonicalJson('QRT_RECORD_LATE' satisfies OperatorErrorCode)},`)

export const isLateLetter = (value: Uint8Array): boolean => Buffer.compare(value.subarray(0, LATE.length), LATE) === 0

function boundedText(bytes: Uint8Array): string {
  let end = Math.min(bytes.length, MAX_RECORD_BYTES)
  // Not inside a character: its later bytes are 10xxxxxx.
  while (end < bytes.length && end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1
  return Buffer.from(bytes.buffer, bytes.byteOffset, end).toString('utf8')
}
