/**
 * YAML through the library's lexer and parser mark by mark, under bounds: everything behind them recurses, and a short text can
 * hold many marks. What is refused, and in which words, is for whoever reads: a record, or a document that somebody wrote.
 */
import { CST, Lexer, Parser } from 'yaml'

/** A level takes up to two tokens of the parser's stack; the document and a scalar one each. */
const stackOf = (depth: number): number => 2 * depth + 2

export interface TokenBounds {
  readonly marks: number
  readonly depth: number
  /** What is thrown for what is beyond a bound at this place of the text. */
  readonly beyond: (bound: 'marks' | 'depth', offset: number) => object
  /** The same for a mark of this type (`tag`, `alias`, `anchor`, `directive-line` …); undefined: it may be there. */
  readonly refused: (type: string, offset: number) => object | undefined
}

/** YAML's own list of what no text may hold; the lexer uses some of these for itself. */
export const YAML_CONTROL = /[^\P{Cc}\t\n\r\u0085]/u

export function* boundedTokens(text: string, bounds: TokenBounds): Generator<CST.Token, void> {
  const parser = new Parser()
  const stack = stackOf(bounds.depth)
  let marks = 0
  let insideScalar = false
  for (const lexeme of new Lexer().lex(text)) {
    marks += 1
    if (marks > bounds.marks) throw bounds.beyond('marks', parser.offset)
    const type: string | null = insideScalar ? null : CST.tokenType(lexeme)
    const refused = type === null ? undefined : bounds.refused(type, parser.offset)
    if (refused !== undefined) throw refused
    insideScalar = type === 'scalar'
    yield* parser.next(lexeme)
    if (parser.stack.length > stack) throw bounds.beyond('depth', parser.offset)
  }
  yield* parser.end()
}
