/**
 * Expressions, and keys and fields that are made of them. Each is compiled by itself, so that every wrong one is found and told at
 * the character where it is wrong.
 */
import { z } from 'zod'
import { createStage, ExpressionError, OperatorError, type StagePlan } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'
import { shorten } from '../text/tree.ts'
import { fieldName, text } from './values.ts'
import { expects, type Finding, type Reporter, report, requires } from './words.ts'

const WHAT = 'an expression, such as delay > 15'

/** A stage that does nothing, to compile one thing in. */
const BARE: StagePlan = {
  job: 'lint',
  stage: 0,
  input: { kind: 'records', format: 'json', time: { kind: 'log' }, outOfOrdernessMs: 0 },
  steps: [],
  aggregates: [],
  output: { kind: 'rows' },
  onIdle: 'wait',
  cuts: { gridMs: 1_000, gridRecords: 1, maxRecords: 1, maxBytes: 1, partBytes: 1, snapshotEvery: 1 },
}

/** What is wrong with a plan's own texts, if anything. */
export function stageErrorIn(changes: Partial<StagePlan>): OperatorError | undefined {
  try {
    createStage({ ...BARE, ...changes }, { partition: 0 })
    return undefined
  } catch (error) {
    if (error instanceof OperatorError) return error
    throw error
  }
}

/** As above, where nothing but an expression can be wrong. */
export function expressionErrorIn(changes: Partial<StagePlan>): ExpressionError | undefined {
  const error = stageErrorIn(changes)
  if (error === undefined || error instanceof ExpressionError) return error
  throw error
}

/** The finding for an error of the operators, in a text that begins `from` characters into the value. */
export function findingFor({ code, message, position }: ExpressionError, source: string, from = 0): Finding {
  // The line under the message shows the source already.
  const told = ` in "${source}"`
  const what = message.replace(`,${told}`, '').replace(told, '')
  const sentence =
    code === 'QRT_EXPR_SYNTAX' || code === 'QRT_EXPR_TOO_LARGE' ? inOurWords(what, wordAt(source, position)) : what
  const suggestion = suggestionFor(source)
  return { sentence, character: from + position, ...(suggestion === undefined ? {} : { suggestion }) }
}

const wordAt = (source: string, position: number): string => /^(?:\w+|.)/su.exec(source.slice(position))?.[0] ?? ''

/** The parser's names of what it reads, where they are not words. */
const SIGNS: Readonly<Record<string, string>> = {
  EOF: 'the end of the text',
  PLUS: '"+"',
  MINUS: '"-"',
  MULTIPLY: '"*"',
  DIVIDE: '"/"',
  MODULO: '"%"',
  EQ: '"=="',
  NE: '"!="',
  LT: '"<"',
  LE: '"<="',
  GT: '">"',
  GE: '">="',
  AND: '"&&"',
  OR: '"||"',
  NOT: '"!"',
  LPAREN: '"("',
  RPAREN: '")"',
  LBRACKET: '"["',
  RBRACKET: '"]"',
  LBRACE: '"{"',
  RBRACE: '"}"',
  DOT: '"."',
  COMMA: '","',
  COLON: '":"',
  QUESTION: '"?"',
}

const BOUNDS: Readonly<Record<string, string>> = {
  maxAstNodes: 'names, values and operators',
  maxDepth: 'levels of brackets',
  maxListElements: 'items in a list',
  maxMapEntries: 'fields in an object',
  maxCallArguments: 'values between the brackets of a call',
}

/** The parser's finding in the words of this language. */
function inOurWords(found: string, at: string): string {
  const [, expected, got] = /^Expected (\w+), got (\w+)$/.exec(found) ?? []
  if (expected !== undefined && got !== undefined) return `expected ${signOf(expected)}; found ${signOf(got)}`
  const [, token] = /^Unexpected token: (\w+)$/.exec(found) ?? []
  if (token !== undefined) return `expected a value; found ${signOf(token)}`
  // The parser names another character at times than the one its position leads to.
  if (found.startsWith('Unexpected character')) return `expected an operator or a value; found "${shorten(at)}"`
  const [, word] = /^Reserved identifier: (\w+)$/.exec(found) ?? []
  if (word !== undefined) return `"${word}" is a reserved word of expressions and cannot be the name of a field in one`
  if (found.endsWith('iteration variable')) return 'expected a name for the item, as in items.map(item, item.price)'
  const [, bound = '', most] = /^Exceeded (\w+) \((\d+)\)$/.exec(found) ?? []
  if (most !== undefined) return `expected an expression of at most ${most} ${BOUNDS[bound] ?? bound}`
  return `expected an expression; ${found.slice(0, 1).toLowerCase()}${found.slice(1)}`
}

const signOf = (token: string): string => SIGNS[token] ?? `a ${token.toLowerCase()}`

/** What people write who come from other languages. */
function suggestionFor(source: string): string | undefined {
  const code = source.replace(/"[^"]*"|'[^']*'/g, '""')
  if (/[=!]==/.test(code)) return 'compare with == and !='
  if (/(^|[^=!<>])=([^=]|$)/.test(code)) return 'compare with =='
  if (/\s(and|or)\s|^\s*not\s/i.test(code)) return 'write && for and, || for or, ! for not'
  return undefined
}

/** Reports what is wrong with an expression that begins `from` characters into the value. */
export function checkExpression(reporter: Reporter, source: string, from = 0): void {
  const error = expressionErrorIn({ steps: [{ kind: 'filter', where: { source, pointer: '' } }] })
  if (error !== undefined) report(reporter, [], WHAT, findingFor(error, source, from))
}

/** Text with the white space around it taken off, after it was checked. */
export const expression = (what = WHAT) =>
  text(what)
    .check(
      z.superRefine((value, reporter) => {
        if (value.trim() === '') report(reporter, [], what)
        else checkExpression(reporter, value)
      }),
    )
    .transform((value) => value.trim())

/** One expression or a list of them; always a list after parsing. */
export const keys = (what: string) =>
  z.union(
    [
      expression().transform((source) => [source]),
      z
        .array(expression(), requires(what))
        .min(1, expects(what))
        .max(JOB_LIMITS.keys, expects(`at most ${JOB_LIMITS.keys} expressions`)),
    ],
    expects(what),
  )

/** New fields by name. */
export const fields = (what: string) =>
  z.record(fieldName(), expression(), expects(what)).check(
    z.superRefine((value, reporter) => {
      const count = Object.keys(value).length
      if (count === 0) report(reporter, [], what)
      if (count > JOB_LIMITS.fields) report(reporter, [], `at most ${JOB_LIMITS.fields} fields`)
    }),
  )
