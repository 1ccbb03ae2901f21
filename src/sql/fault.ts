/** What is wrong with a statement, at the byte where the parser counts it. */
import type { Node } from 'libpg-query'

export class SqlFault extends Error {
  /** In the bytes of the text, as the parser counts. */
  readonly byte: number
  readonly suggestion: string | undefined

  constructor(byte: number | undefined, message: string, suggestion?: string) {
    super(message)
    this.name = 'SqlFault'
    // The parser leaves out what is zero.
    this.byte = byte ?? 0
    this.suggestion = suggestion
  }
}

/** The one kind that a node of the tree is, with its fields; and where it stands. */
export function kindOf(node: Node): { readonly kind: string; readonly byte: number | undefined } {
  const [[kind, fields] = ['nothing', {}]] = Object.entries(node)
  const { location } = fields as { location?: number }
  return { kind, byte: location === -1 ? undefined : (location ?? 0) }
}

/** Fields that nothing here reads mean something that would be lost. */
export function expectOnly(given: object, known: readonly string[], byte: number | undefined, what: string): void {
  const odd = Object.keys(given).find((name) => !known.includes(name))
  if (odd === undefined) return
  throw new SqlFault(byte, `${WORDS[odd] ?? odd} cannot be part of ${what} of a job`)
}

const WORDS: Readonly<Record<string, string>> = {
  sortClause: 'ORDER BY',
  limitCount: 'LIMIT',
  limitOffset: 'OFFSET',
  distinctClause: 'DISTINCT',
  groupDistinct: 'DISTINCT',
  windowClause: 'WINDOW',
  lockingClause: 'FOR UPDATE',
  withClause: 'WITH',
  valuesLists: 'VALUES',
  over: 'OVER',
  agg_order: 'ORDER BY',
  agg_within_group: 'WITHIN GROUP',
  func_variadic: 'VARIADIC',
  onConflictClause: 'ON CONFLICT',
  returningClause: 'RETURNING',
  returningList: 'RETURNING',
  cols: 'a list of columns',
}
