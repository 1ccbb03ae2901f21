/**
 * Text to syntax tree, by the CEL parser of @marcbachmann/cel-js. Only its parser is used: its evaluator works on scope
 * objects and on int64, and its messages may change between versions, so nothing of it takes part in a result.
 */
import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js'
import { ExpressionError } from '../errors.ts'

/** An expression comes from a job document that anybody may submit: its size, breadth and depth are bounded. */
const MAX_SOURCE_LENGTH = 4096
const MAX_NODES = 1024
const MAX_NESTING = 64
const MAX_ITEMS = 256

const environment = new Environment({
  limits: {
    maxAstNodes: MAX_NODES,
    maxDepth: MAX_NESTING,
    maxListElements: MAX_ITEMS,
    maxMapEntries: MAX_ITEMS,
    maxCallArguments: 8,
  },
})

/** @throws ExpressionError QRT_EXPR_SYNTAX, QRT_EXPR_TOO_LARGE */
export function parseExpression(source: string): ASTNode {
  if (source.length > MAX_SOURCE_LENGTH) {
    throw new ExpressionError(
      'QRT_EXPR_TOO_LARGE',
      `expected an expression of at most ${MAX_SOURCE_LENGTH} characters, found ${source.length}`,
      MAX_SOURCE_LENGTH,
    )
  }
  try {
    return environment.parse(source).ast
  } catch (cause) {
    if (!(cause instanceof ParseError)) throw cause
    const code = cause.code === 'limit_exceeded' ? 'QRT_EXPR_TOO_LARGE' : 'QRT_EXPR_SYNTAX'
    throw new ExpressionError(code, `${cause.summary} in "${source}"`, cause.range?.start ?? 0, { cause })
  }
}
