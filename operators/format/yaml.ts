/**
 * YAML 1.2 (core schema) records, one or several documents in each: what JSON could say as well. Anchors, aliases, tags,
 * directives and merge keys are refused, because a few of them can stand for millions of values or for code.
 */
import { isUtf8 } from 'node:buffer'
import { Composer, type CST, isMap, isScalar, isSeq } from 'yaml'
import { narrow, type Value } from '../json.ts'
import { BAD_NUMBER, BROKEN, NOT_UTF8, REFUSED, TOO_DEEP, TOO_LARGE } from './cursor.ts'
import { boundedTokens, type TokenBounds, YAML_CONTROL } from './yaml-tokens.ts'

/** Larger records take longer to read than a record may. */
const MAX_BYTES = 64 * 1024
const MAX_MARKS = 8_000
const MAX_DEPTH = 32

const REFUSED_TOKENS: ReadonlySet<string> = new Set(['tag', 'alias', 'anchor', 'directive-line'])

const BOUNDS: TokenBounds = {
  marks: MAX_MARKS,
  depth: MAX_DEPTH,
  beyond: (bound) => (bound === 'marks' ? TOO_LARGE : TOO_DEEP),
  refused: (type) => (REFUSED_TOKENS.has(type) ? REFUSED : undefined),
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: false })

/** The values of all documents of a record, in order. @throws EvaluationError */
export function readYaml(bytes: Uint8Array): readonly Value[] {
  if (bytes.length > MAX_BYTES) throw TOO_LARGE
  if (!isUtf8(bytes)) throw NOT_UTF8
  const text = decoder.decode(bytes)
  if (YAML_CONTROL.test(text)) throw BROKEN
  const options = {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    intAsBigInt: true,
  } as const
  const values: Value[] = []
  for (const { errors, contents } of new Composer(options).compose(tokensOf(text), false, text.length)) {
    if (errors.length > 0) throw BROKEN
    values.push(convert(contents, 1))
  }
  return values
}

/** All of them before any is composed: what is refused is refused, whatever else is wrong. */
const tokensOf = (text: string): CST.Token[] => [...boundedTokens(text, BOUNDS)]

function convert(node: unknown, depth: number): Value {
  if (depth > MAX_DEPTH) throw TOO_DEEP
  if (isMap(node)) {
    const fields = new Map<string, Value>()
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? key.value : undefined
      if (typeof name !== 'string' || name === '<<') throw REFUSED
      if (fields.has(name)) throw BROKEN
      fields.set(name, convert(value, depth + 1))
    }
    return fields
  }
  if (isSeq(node)) return node.items.map((item) => convert(item, depth + 1))
  const value: unknown = isScalar(node) ? node.value : null
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'bigint':
      if (!Number.isFinite(Number(value))) throw BAD_NUMBER
      return narrow(value)
    case 'number':
      if (!Number.isFinite(value)) throw BAD_NUMBER
      return value + 0
    default:
      if (value === null || value === undefined) return null
      throw REFUSED
  }
}
