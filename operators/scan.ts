/**
 * JSON (RFC 8259) straight from a record's bytes: fills the slots of the wanted fields and validates the rest without
 * building it. Whether a record is valid never depends on which fields are wanted.
 */
import { isUtf8 } from 'node:buffer'
import type { ScanErrorCode } from './errors.ts'
import type { FieldSet } from './fields.ts'
import { encodeUtf8, type Value } from './json.ts'
import { skipPlain } from './scan-bytes.ts'
import { NameLayout } from './scan-layout.ts'
import { POWERS } from './scan-numbers.ts'
import { ScanCursor } from './scan-values.ts'

export interface Scanner {
  /** Fills `slots` (undefined: the field is missing); a tombstone is null. Returns why a record is not valid. */
  scan(bytes: Uint8Array | null, slots: Value[]): ScanErrorCode | undefined
  /** Of a format whose records may hold several values: fills `slots` from the next one; false when there is none. */
  next?(slots: Value[]): boolean
}

/** One object level of wanted fields: each name has a slot of its own (or -1), fields below it, or both. */
interface Level {
  readonly names: readonly string[]
  readonly slots: readonly number[]
  readonly below: readonly (Level | undefined)[]
  /** All wanted paths from here down, with their slots. */
  readonly paths: readonly NumberedPath[]
  readonly layout: NameLayout
}

type NumberedPath = readonly [path: readonly string[], slot: number]

const TOMBSTONE = encodeUtf8('null')

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

function levelOf(paths: readonly NumberedPath[]): Level {
  const names = [...new Set(paths.map(([path]) => path[0] as string))]
  return {
    names,
    slots: names.map((name) => paths.find(([path]) => path.length === 1 && path[0] === name)?.[1] ?? -1),
    below: names.map((name) => {
      const deeper = paths.filter(([path]) => path.length > 1 && path[0] === name)
      return deeper.length === 0 ? undefined : levelOf(deeper.map(([path, slot]) => [path.slice(1), slot]))
    }),
    paths,
    layout: new NameLayout(),
  }
}

export function compileScanner(fields: FieldSet): Scanner {
  const numbered = fields.paths.map((path, slot) => [path, slot] as const)
  const whole = numbered.find(([path]) => path.length === 0)?.[1]
  const level = levelOf(numbered.filter(([path]) => path.length > 0))
  const cursor = new ScanCursor()
  const count = fields.paths.length

  return {
    scan(given, slots) {
      const bytes = given ?? TOMBSTONE
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
  for (const [, slot] of level.paths) slots[slot] = undefined
}

/**
 * The cursor stands on `{`. A repeated name overwrites the one before it, as in JSON.parse. Names, plain texts and
 * integers that nobody wants are passed over here, in local variables; everything else is the cursor's.
 */
function scanObject(cursor: ScanCursor, level: Level, slots: Value[], depth: number): void {
  if (!cursor.enter(depth)) return
  const { bytes, view, base } = cursor
  const { layout } = level
  const { length } = bytes
  let at = cursor.at + 1
  let byte = 0
  for (let k = 0; ; k++) {
    let index: number
    const guess = layout.at(k, view, base + at, base + length)
    if (guess !== undefined) {
      index = guess.index
      at += guess.length
    } else {
      cursor.at = at
      byte = cursor.skipSpace()
      if (k === 0 && byte === CLOSE_BRACE) {
        at = cursor.at
        break
      }
      if (byte !== QUOTE) {
        cursor.fail('QRT_RECORD_SYNTAX')
        return
      }
      const start = cursor.at
      index = takeName(cursor, level)
      at = cursor.at
      if (cursor.failed !== undefined) return
      // A guess is not looked at again, so bytes that need a check of their encoding are never guessed.
      if (cursor.plain) layout.learn(k, view, base + start, base + at, index)
    }
    const from = at
    byte = at < length ? (bytes[at] as number) : 0
    if (byte >= 0x31 && byte <= 0x39) {
      let number = byte - 0x30
      for (at += 1; at < length; at++) {
        byte = bytes[at] as number
        if (byte < 0x30 || byte > 0x39 || at - from === 9) break
        number = (number * 10 + byte - 0x30) | 0
      }
      const middle = at
      let low = 0
      if (at - from === 9) {
        for (; at < length; at++) {
          byte = bytes[at] as number
          if (byte < 0x30 || byte > 0x39 || at - middle === 6) break
          low = (low * 10 + byte - 0x30) | 0
        }
      }
      if (byte === COMMA || byte === CLOSE_BRACE) {
        if (index >= 0) {
          setField(level, index, at === middle ? number : number * (POWERS[at - middle] as number) + low, slots)
        }
      } else at = -1
    } else if (byte === QUOTE && index < 0) {
      at = skipPlain(bytes, view, base, at + 1)
      if (at < length && bytes[at] === QUOTE) at += 1
      else at = -1
    } else at = -1
    if (at < 0) {
      cursor.at = from
      if (index < 0) cursor.skipValue(depth + 1)
      else takeField(cursor, level, index, slots, depth)
      at = cursor.at
    }
    if (cursor.failed !== undefined) return
    byte = at < length ? (bytes[at] as number) : 0
    if (byte !== COMMA && byte !== CLOSE_BRACE) {
      cursor.at = at
      byte = cursor.skipSpace()
      at = cursor.at
    }
    if (byte === CLOSE_BRACE) break
    if (byte !== COMMA) {
      cursor.fail('QRT_RECORD_SYNTAX')
      return
    }
    at += 1
  }
  cursor.at = at + 1
}

function setField(level: Level, index: number, value: Value, slots: Value[]): void {
  const below = level.below[index]
  if (below !== undefined) clear(below, slots)
  const slot = level.slots[index] as number
  if (slot >= 0) slots[slot] = value
}

/** The cursor stands behind the colon of wanted name `index`, or of an object that holds wanted fields. */
function takeField(cursor: ScanCursor, level: Level, index: number, slots: Value[], depth: number): void {
  const slot = level.slots[index] as number
  const below = level.below[index]
  if (below === undefined) {
    slots[slot] = cursor.value(depth + 1)
    return
  }
  clear(below, slots)
  if (slot < 0 && cursor.skipSpace() === OPEN_BRACE) {
    scanObject(cursor, below, slots, depth + 1)
    return
  }
  const value = cursor.value(depth + 1)
  if (slot >= 0) slots[slot] = value
  for (const [path, inner] of below.paths) slots[inner] = pick(value, path)
}

/** The cursor goes from the quote of a name to behind its colon; the wanted name that it is, or -1. */
function takeName(cursor: ScanCursor, level: Level): number {
  const start = cursor.at + 1
  cursor.skipString()
  if (cursor.failed !== undefined) return -1
  const name = cursor.text(start, cursor.at - 1)
  if (cursor.skipSpace() === COLON) cursor.at += 1
  else cursor.fail('QRT_RECORD_SYNTAX')
  return level.names.indexOf(name)
}
