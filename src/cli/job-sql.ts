/** Jobs written in SQL: the document that the statements become. */
import { basename } from 'node:path'
import { type NamedDocument, readText } from './documents.ts'

export const isSql = (path: string): boolean => path.endsWith('.sql')

/**
 * The job has the name of the file, unless the statements set another.
 * @throws JobInvalidError with the first fault of the statements, at its place
 */
export async function readSqlJob(path: string): Promise<NamedDocument> {
  // The parser is some weight, and few commands need it.
  const { compileSql } = await import('../sql/index.ts')
  const text = readText(path)
  const { yaml, relocate } = await compileSql(text, path, basename(path, '.sql'))
  return { text: yaml, format: 'yaml', file: path, origin: { text, relocate } }
}
