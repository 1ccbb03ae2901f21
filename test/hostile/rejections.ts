/** What becomes of everything hostile that is known here, and how long each takes. */
import { JobInvalidError } from '../../src/job/errors.ts'
import { parseJob } from '../../src/job/parse.ts'
import { readAll } from '../operators/formats.ts'
import { DOCUMENTS, EXPRESSIONS, type HostileDocument, withExpression } from './documents.ts'
import { leastTime } from './measure.ts'
import { filledWith, PIECES, RECORD_FORMATS, SIZES } from './records.ts'
import { SEARCHES, searched } from './searches.ts'

export interface Rejection {
  readonly kind: 'document' | 'expression' | 'record' | 'search'
  readonly what: string
  /** The first fault with its place, or the code of the dead letter; undefined: it was taken, or answered. */
  readonly verdict: string | undefined
  readonly ms: number
}

export const hostileDocuments = (): readonly HostileDocument[] => [
  ...DOCUMENTS,
  ...EXPRESSIONS.map((source) => ({
    what: `the expression ${source.slice(0, 40)}`,
    format: 'json' as const,
    text: withExpression(source),
  })),
]

/** The first fault of a document, as `line:column message`. */
export function faultOf({ text, format }: HostileDocument): string | undefined {
  try {
    parseJob(text, format, 'job')
    return undefined
  } catch (error) {
    if (!(error instanceof JobInvalidError)) throw error
    const [fault] = error.errors
    return fault === undefined ? '' : `${fault.line}:${fault.column} ${fault.message}`
  }
}

export function* rejections(): Generator<Rejection> {
  for (const document of hostileDocuments()) {
    const { ms, result } = leastTime(() => faultOf(document))
    const kind = document.what.startsWith('the expression ') ? 'expression' : 'document'
    yield { kind, what: `${document.format}: ${document.what}`, verdict: result, ms }
  }
  for (const search of SEARCHES) {
    const { ms, result } = leastTime(() => searched(search))
    yield { kind: 'search', what: search.what, verdict: result.startsWith('QRT_') ? result : undefined, ms }
  }
  for (const [name, format] of RECORD_FORMATS) {
    for (const piece of PIECES) {
      for (const size of SIZES) {
        const record = filledWith(piece, size)
        const { ms, result } = leastTime(() => readAll(format, record, ['a'], ['m', 'x']))
        const what = `${name}: ${size} bytes of ${JSON.stringify(piece)}`
        yield { kind: 'record', what, verdict: typeof result === 'string' ? result : undefined, ms }
      }
    }
  }
}
