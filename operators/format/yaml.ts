/**
 * YAML 1.2 (core schema) records, one or several documents in each: what JSON could say as well. Anchors, aliases, tags,
 * directives and merge keys are refused, because a few of them can stand for millions of values or for code. The text goes
 * through the lexer mark by mark under bounds, since everything behind it recurses.
 */
import { isUtf8 } from 'node:buffer'
import { Composer, CST, isMap, isScalar, isSeq, Lexer, Parser } from 'yaml'
import { narrow, type Value } from '../json.ts'
import { BAD_NUMBER, BROKEN, NOT_UTF8, REFUSED, TOO_DEEP, TOO_LARGE } from './cursor.ts'

/** Larger records take longer to read than a record may. */
const MAX_BYTES = 64 * 1024
const MAX_MARKS = 8_000
const MAX_DEPTH = 32
/** A level takes up to two tokens of the parser's stack; the document and a scalar one each. */
const STACK = 2 * MAX_DEPTH + 2

const REFUSED_TOKENS: ReadonlySet<string> = new Set(['tag', 'alias', 'anchor', 'directive-line'])

/** YAML's own list of what no text may hold; the lexer uses some of these for itself. */
const CONTROL = /[^\P{Cc}\t\n\r\u0085]/u

const decoder = new TextDecoder('utf-8', { ignoreBOM: false })

/** The values of all documents of a record, in order. @throws EvaluationError */
export function readYaml(bytes: Uint8Array): readonly Value[] {
  if (bytes.length > MAX_BYTES) throw TOO_LARGE
  if (!isUtf8(bytes)) throw NOT_UTF8
  const text = decoder.decode(bytes)
  if (CONTROL.test(text)) throw BROKEN
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

function tokensOf(text: string): CST.Token[] {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let marks = 0
  let insideScalar = false
  for (const lexeme of new Lexer().lex(text)) {
    marks += 1
    if (marks > MAX_MARKS) throw TOO_LARGE
    const type: string | null = insideScalar ? null : CST.tokenType(lexeme)
    if (type !== null && REFUSED_TOKENS.has(type)) throw REFUSED
    insideScalar = type === 'scalar'
    for (const token of parser.next(lexeme)) tokens.push(token)
    if (parser.stack.length > STACK) throw TOO_DEEP
  }
  for (const token of parser.end()) tokens.push(token)
  return tokens
}

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
