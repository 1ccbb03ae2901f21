/** Calls such as `count(delay > 15)`: the name, and the exact source text of each argument. */
import { parseExpression } from './parse.ts'

export interface AggregateCall {
  readonly name: string
  readonly args: readonly string[]
}

/**
 * The one call that the source consists of; undefined when it is something else.
 * @throws ExpressionError when it does not parse
 */
export function parseAggregateCall(source: string): AggregateCall | undefined {
  const node = parseExpression(source)
  if (node.op !== 'call') return undefined
  const [name, args] = node.args
  const texts: string[] = []
  // The tree leaves parentheses out of a node's range, so an argument reaches from one separating comma to the next.
  const afterName = node.start + name.length
  let start = afterName + withoutComments(source.slice(afterName, args[0]?.start ?? node.end)).indexOf('(') + 1
  for (let i = 0; i < args.length; i++) {
    const from = args[i]?.end ?? start
    const next = args[i + 1]?.start ?? node.end - 1
    const comma = withoutComments(source.slice(from, next)).indexOf(',')
    const end = comma < 0 ? next : from + comma
    texts.push(source.slice(start, end).trim())
    start = end + 1
  }
  return { name, args: texts }
}

const withoutComments = (text: string): string => text.replace(/\/\/[^\n]*/g, (comment) => ' '.repeat(comment.length))
