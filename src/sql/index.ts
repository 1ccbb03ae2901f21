/**
 * SQL as a front end: statements become a job document, which the one compiler takes like any other. The parser is that of
 * PostgreSQL; what a job cannot do is refused at its place and never ignored.
 */

import { hasSqlDetails, loadModule, parseSync } from 'libpg-query'
import { stringify } from 'yaml'
import { whileChecking } from '../../operators/index.ts'
import type { Fault } from '../http/problems.ts'
import { JobInvalidError } from '../job/errors.ts'
import { locate } from '../job/faults.ts'
import { LIMITS } from '../limits.ts'
import { documentOf, type Statement } from './document.ts'
import { SqlFault } from './fault.ts'

export interface CompiledSql {
  /** The document, in YAML. */
  readonly yaml: string
  /** Faults of the document at the places of the statements that they come from. */
  relocate(faults: readonly Fault[]): readonly Fault[]
}

/**
 * @param name of the job, where the statements set none
 * @throws JobInvalidError with the first fault at its line and column
 */
export async function compileSql(text: string, file: string, name: string): Promise<CompiledSql> {
  await loadModule()
  const bytes = Buffer.from(text)
  /** The parser counts bytes, and everybody else characters. */
  const offsetOf = (byte: number): number => bytes.subarray(0, byte).toString().length
  try {
    if (bytes.length > LIMITS.documentBytes) {
      throw new SqlFault(0, `expected statements of at most ${LIMITS.documentBytes} bytes; found ${bytes.length}`)
    }
    const statements = statementsOf(text, bytes)
    const { document, bytes: places } = whileChecking(() => documentOf(statements, name))
    const relocate = (faults: readonly Fault[]): Fault[] =>
      faults.flatMap(({ pointer = '', message, suggestion }) => {
        const fault = { offset: offsetOf(placeOf(places, pointer)), message, pointer }
        return locate(text, [suggestion === undefined ? fault : { ...fault, suggestion }])
      })
    return { yaml: stringify(document, { lineWidth: 0 }), relocate }
  } catch (error) {
    if (!(error instanceof SqlFault)) throw error
    const { byte, message, suggestion } = error
    const fault = { offset: offsetOf(byte), message }
    throw new JobInvalidError(file, locate(text, [suggestion === undefined ? fault : { ...fault, suggestion }]), {
      cause: error,
    })
  }
}

function statementsOf(text: string, bytes: Buffer): Statement[] {
  try {
    const { stmts = [] } = parseSync(text)
    return stmts.flatMap(({ stmt, stmt_location: from = 0 }) =>
      stmt === undefined ? [] : [{ node: stmt, byte: begin(bytes, from) }],
    )
  } catch (error) {
    if (!hasSqlDetails(error)) throw error
    const { cursorPosition = 0, message } = error.sqlDetails ?? { message: error.message }
    // Of a text that does not parse it counts characters.
    const before = [...text].slice(0, Math.max(0, cursorPosition)).join('')
    throw new SqlFault(Buffer.byteLength(before), message)
  }
}

/** A statement begins with the blanks and comments before it. */
function begin(bytes: Buffer, from: number): number {
  const [before = ''] = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*/.exec(bytes.subarray(from).toString()) ?? []
  return from + Buffer.byteLength(before)
}

/** The place of the closest part around a pointer that has one. */
function placeOf(places: ReadonlyMap<string, number>, pointer: string): number {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const place = places.get(at)
    if (place !== undefined) return place
  }
  return places.get('') ?? 0
}
