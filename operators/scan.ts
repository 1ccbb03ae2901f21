/**
 * JSON (RFC 8259) straight from a record's bytes: fills the slots of the wanted fields and validates the rest without
 * building it. Whether a record is valid never depends on which fields are wanted.
 */
import { isUtf8 } from 'node:buffer'
import type { ScanErrorCode } from './errors.ts'
import type { FieldSet } from './fields.ts'
import type { Value } from './json.ts'
import { ScanCursor } from './scan-values.ts'

export interface Scanner {
  /** Fills `slots` (undefined: the field is missing); returns an error code when the record is not valid JSON. */
  scan(bytes: Uint8Array, slots: Value[]): ScanErrorCode | undefined
}

/** One object level of wanted fields. */
interface Level {
  readonly names: Uint8Array[]
  readonly slots: number[]
  readonly below: (Level | undefined)[]
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

function levelOf(paths: readonly (readonly [readonly string[], number])[]): Level {
  const level: Level = { names: [], slots: [], below: [] }
  const heads = [...new Set(paths.map(([path]) => path[0] ?? ''))]
  for (const head of heads) {
    const mine = paths.filter(([path]) => path[0] === head)
    const own = mine.find(([path]) => path.length === 1)
    const deeper = mine.filter(([path]) => path.length > 1).map(([path, slot]) => [path.slice(1), slot] as const)
    level.names.push(Buffer.from(head))
    level.slots.push(own === undefined ? -1 : own[1])
    level.below.push(deeper.length === 0 ? undefined : levelOf(deeper))
  }
  return level
}

export function compileScanner(fields: FieldSet): Scanner {
  const numbered = fields.paths.map((path, slot) => [path, slot] as const)
  const whole = numbered.find(([path]) => path.length === 0)?.[1]
  const level = levelOf(numbered.filter(([path]) => path.length > 0))
  const cursor = new ScanCursor()
  const count = fields.paths.length

  return {
    scan(bytes, slots) {
      for (let i = 0; i < count; i++) slots[i] = undefined
      if (bytes.length === 0) return 'QRT_RECORD_EMPTY'
      cursor.start(bytes)
      if (whole === undefined && cursor.skipSpace() === OPEN_BRACE) scanObject(cursor, level, slots, 1)
      else {
        const value = cursor.value(1)
        if (whole !== undefined) slots[whole] = value
        for (const [path, slot] of numbered) if (path.length > 0) slots[slot] = pick(value, path)
      }
      if (cursor.failed === undefined && !cursor.atEnd()) cursor.fail('QRT_RECORD_SYNTAX')
      if (cursor.nonAscii && !isUtf8(bytes)) return 'QRT_RECORD_ENCODING'
      return cursor.failed
    },
  }
}

function pick(value: Value, path: readonly string[]): Value {
  let at = value
  for (const name of path) {
    if (!(at instanceof Map)) return undefined
    at = at.get(name)
  }
  return at
}

function clear(level: Level, slots: Value[]): void {
  for (let i = 0; i < level.names.length; i++) {
    const slot = level.slots[i] as number
    if (slot >= 0) slots[slot] = undefined
    const below = level.below[i]
    if (below !== undefined) clear(below, slots)
  }
}

/** The cursor stands on `{`. A repeated name overwrites the one before it, as in JSON.parse. */
function scanObject(cursor: ScanCursor, level: Level, slots: Value[], depth: number): void {
  if (!cursor.enter(depth)) return
  cursor.at += 1
  if (cursor.skipSpace() === CLOSE_BRACE) {
    cursor.at += 1
    return
  }
  const { names } = level
  for (;;) {
    if (cursor.skipSpace() !== QUOTE) {
      cursor.fail('QRT_RECORD_SYNTAX')
      return
    }
    const index = matchName(cursor, names)
    if (cursor.failed !== undefined) return
    if (cursor.skipSpace() !== COLON) {
      cursor.fail('QRT_RECORD_SYNTAX')
      return
    }
    cursor.at += 1
    if (index < 0) cursor.skipValue(depth + 1)
    else {
      const slot = level.slots[index] as number
      const below = level.below[index]
      if (below === undefined) slots[slot] = cursor.value(depth + 1)
      else {
        clear(below, slots)
        if (slot < 0 && cursor.skipSpace() === OPEN_BRACE) scanObject(cursor, below, slots, depth + 1)
        else {
          const value = cursor.value(depth + 1)
          if (slot >= 0) slots[slot] = value
          spread(below, value, slots)
        }
      }
    }
    if (cursor.failed !== undefined) return
    const next = cursor.skipSpace()
    cursor.at += 1
    if (next === CLOSE_BRACE) return
    if (next !== COMMA) {
      cursor.fail('QRT_RECORD_SYNTAX')
      return
    }
  }
}

function spread(level: Level, value: Value, slots: Value[]): void {
  if (!(value instanceof Map)) return
  for (let i = 0; i < level.names.length; i++) {
    const field = value.get(Buffer.from(level.names[i] as Uint8Array).toString())
    const slot = level.slots[i] as number
    if (slot >= 0) slots[slot] = field
    const below = level.below[i]
    if (below !== undefined) spread(below, field, slots)
  }
}

/** Reads a name; the index of the wanted one it is, or -1. Compares bytes; a name with escapes is decoded first. */
function matchName(cursor: ScanCursor, names: readonly Uint8Array[]): number {
  const start = cursor.at + 1
  cursor.skipString()
  if (cursor.failed !== undefined) return -1
  const { bytes } = cursor
  const length = cursor.at - 1 - start
  if (cursor.escaped) {
    const name = Buffer.from(cursor.decode(start, start + length))
    return names.findIndex((wanted) => name.equals(wanted))
  }
  for (let n = 0; n < names.length; n++) {
    const name = names[n] as Uint8Array
    if (name.length !== length) continue
    let i = 0
    while (i < length && name[i] === bytes[start + i]) i++
    if (i === length) return n
  }
  return -1
}
