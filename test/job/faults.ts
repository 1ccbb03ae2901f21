/** Faults as one line each, so that a table of them reads like a compiler's output. */
import type { JobFormat } from '../../src/job/document.ts'
import { JobInvalidError } from '../../src/job/errors.ts'
import { parseJob } from '../../src/job/parse.ts'
import type { LoadFile } from '../../src/job/reference.ts'

/** `line:column /pointer message [suggestion]` for each fault; none when the document is valid. */
export function faultsIn(text: string, format: JobFormat = 'yaml', load?: LoadFile): string[] {
  try {
    parseJob(text, format, 'job', load)
    return []
  } catch (error) {
    if (!(error instanceof JobInvalidError)) throw error
    return error.errors.map(({ line, column, pointer, message, suggestion }) => {
      const place = `${line}:${column}${pointer === undefined || pointer === '' ? '' : ` ${pointer}`}`
      return `${place} ${message}${suggestion === undefined ? '' : ` [${suggestion}]`}`
    })
  }
}

/** A valid windowed job; tests replace parts of it. */
export const GOOD = `name: delays
source: { topic: flights }
pipeline:
  - filter: distance > 100
  - keyBy: origin
  - window: { tumbling: 1d }
  - aggregate: { n: count() }
sinks: [ { kafka: { topic: results } } ]
quorum: { replicas: 3, write: 2, read: 2 }
`

/** The good job with some of its text replaced, each part found exactly once. */
export function edited(...edits: readonly (readonly [part: string, replacement: string])[]): string {
  return edits.reduce((text, [part, replacement]) => {
    if (text.split(part).length !== 2) throw new RangeError(`"${part}" is not there exactly once`)
    return text.replace(part, () => replacement)
  }, GOOD)
}
