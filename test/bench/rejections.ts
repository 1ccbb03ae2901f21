/**
 * How many malformed and hostile documents, expressions and records are refused, and how long the slowest keeps a thread. Searches
 * are patterns that hurt engines which backtrack: they are answered, or too much work.
 */
import { parseArgs } from 'node:util'
import { type Rejection, rejections } from '../hostile/rejections.ts'

const KINDS: readonly Rejection['kind'][] = ['document', 'expression', 'record', 'search']

const PLURAL = { document: 'documents', expression: 'expressions', record: 'records', search: 'searches' } as const

export async function main(argv: readonly string[]): Promise<void> {
  const options = { output: { type: 'string', short: 'o', default: 'text' } } as const
  const { values } = parseArgs({ args: [...argv], options })
  const all = [...rejections()]
  const figures = KINDS.map((kind) => {
    const of = all.filter((each) => each.kind === kind)
    const refused = of.filter(({ verdict }) => verdict !== undefined)
    const [slowest] = of.toSorted((a, b) => b.ms - a.ms)
    return {
      kind,
      tried: of.length,
      refused: refused.length,
      slowestMs: slowest?.ms ?? 0,
      slowest: slowest?.what ?? '',
    }
  })
  if (values.output === 'json') console.log(JSON.stringify(figures))
  else {
    for (const { kind, tried, refused, slowestMs, slowest } of figures) {
      console.log(
        `${refused} of ${tried} ${PLURAL[kind]} refused; the slowest takes ${slowestMs.toFixed(1)} ms (${slowest})`,
      )
    }
  }
}
