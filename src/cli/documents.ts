/** Reads job documents that a person names: a file, a module that builds one, SQL, or `-` for standard input. */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { QuorateError } from '../errors.ts'
import type { Fault } from '../http/problems.ts'
import { LIMITS } from '../limits.ts'
import { isJobModule, readJobModule } from './job-module.ts'
import { isSql, readSqlJob } from './job-sql.ts'
import type { VerbOption, VerbOptions } from './verb.ts'

export interface NamedDocument {
  readonly text: string
  readonly format: 'yaml' | 'toml' | 'json'
  /** As given; `-` reads as `<stdin>`. */
  readonly file: string
  /** What the person wrote, where the text was made of it. */
  readonly origin?: {
    readonly text: string
    /** Faults of the text, at the places of what they come from. */
    relocate(faults: readonly Fault[]): readonly Fault[]
  }
}

const FORMATS: Readonly<Record<string, NamedDocument['format']>> = {
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.toml': 'toml',
  '.json': 'json',
}

export const FUNCTIONS_OPTION: VerbOption = {
  type: 'string',
  multiple: true,
  placeholder: 'FILE',
  help: 'Module of functions that expressions call; may be given several times',
}

/** Options of every verb that reads a job document. */
export const DOCUMENT_OPTIONS: Readonly<Record<string, VerbOption>> = {
  format: { type: 'string', placeholder: 'yaml|toml|json', help: 'When the file name does not tell' },
  functions: FUNCTIONS_OPTION,
  registry: { type: 'string', placeholder: 'URL', help: 'Schema registry of a subject that the document names' },
}

/** The document as a person names it, with the schemas of a subject in its place. */
export async function readJobDocument(path: string, options: VerbOptions): Promise<NamedDocument> {
  await loadFunctionsOf(options)
  return readAnyDocument(path, options.string('format'), options.string('registry'))
}

/** Peers are started with the same modules. @throws QuorateError QRT_CONFIG_INVALID with what is wrong with one */
export async function loadFunctionsOf(options: VerbOptions): Promise<void> {
  const files = options.list('functions')
  if (files.length === 0) return
  const { loadFunctions, readFunctions } = await import('../functions/module.ts')
  for (const file of files) await loadFunctions(readFunctions(file))
}

/** @throws JobInvalidError when it is a module or SQL, and what it makes has faults */
export async function readAnyDocument(
  path: string,
  format: string | undefined,
  registry: string | undefined,
): Promise<NamedDocument> {
  if (format !== undefined) return withSchemasOf(readNamedDocument(path, format), registry)
  if (isJobModule(path)) return withSchemasOf(await readJobModule(path), registry)
  return withSchemasOf(isSql(path) ? await readSqlJob(path) : readNamedDocument(path, format), registry)
}

async function withSchemasOf(document: NamedDocument, registry: string | undefined): Promise<NamedDocument> {
  if (registry === undefined) return document
  const { withSubject } = await import('./job-language.ts')
  return { ...document, text: await withSubject(document.text, document.format, registry) }
}

export function readNamedDocument(path: string, format: string | undefined): NamedDocument {
  const text = readText(path)
  if (Buffer.byteLength(text) > LIMITS.documentBytes) {
    throw new QuorateError(
      'QRT_BODY_TOO_LARGE',
      `${path} is larger than ${LIMITS.documentBytes} bytes, the most that a job may have`,
    )
  }
  return { text, format: formatOf(path, format), file: path === '-' ? '<stdin>' : path }
}

/** @throws QuorateError QRT_CONFIG_INVALID when the file cannot be read */
export function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    const what = reason === 'EISDIR' ? 'is a folder, and a file is expected' : `cannot be read (${reason})`
    throw new QuorateError('QRT_CONFIG_INVALID', `${path} ${what}`, { cause })
  }
}

function formatOf(path: string, asked: string | undefined): NamedDocument['format'] {
  if (asked === 'yaml' || asked === 'toml' || asked === 'json') return asked
  if (asked !== undefined)
    throw new QuorateError('QRT_USAGE', `--format: expected yaml, toml or json, found "${asked}"`)
  const format = FORMATS[extname(path).toLowerCase()]
  if (format !== undefined) return format
  throw new QuorateError('QRT_USAGE', `${path}: the name does not tell the format; give --format yaml, toml or json`)
}
