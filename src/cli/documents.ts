/** Reads job documents that a person names: a file, or `-` for standard input. */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { QuorateError } from '../errors.ts'
import { LIMITS } from '../limits.ts'

export interface NamedDocument {
  readonly text: string
  readonly format: 'yaml' | 'toml' | 'json'
  /** As given; `-` reads as `<stdin>`. */
  readonly file: string
}

const FORMATS: Readonly<Record<string, NamedDocument['format']>> = {
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.toml': 'toml',
  '.json': 'json',
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
    throw new QuorateError('QRT_CONFIG_INVALID', `${path} cannot be read (${reason})`, { cause })
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
