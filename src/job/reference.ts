/**
 * Quorum files that a job document names. Whoever has the document on disk resolves them, and puts the quorum into the text
 * before it goes to a peer, which reads no files for others.
 */
import { readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { assert } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import { check } from './check.ts'
import type { QuorumPlan } from './compiled.ts'
import type { JobFormat } from './document.ts'
import { isQuorumFile, quorum } from './language/quorum.ts'
import { placeOf } from './text/read.ts'
import type { MapNode, Node, ScalarNode, TextFault } from './text/tree.ts'

export interface LoadedFile {
  readonly text: string
  /** As messages call it. */
  readonly file: string
}

/** @throws QuorateError when there is no such file; its message becomes the fault of the reference */
export type LoadFile = (reference: string) => LoadedFile

/** Reads from disk, relative to the file of the job. */
export function loadBeside(jobFile: string): LoadFile {
  return (reference) => {
    const file = join(dirname(jobFile), reference)
    try {
      return { text: readFileSync(file, 'utf8'), file }
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
      throw new QuorateError('QRT_CONFIG_INVALID', `${file} cannot be read (${reason})`, { cause })
    }
  }
}

/** Where a document names a quorum file. */
export interface QuorumReference {
  readonly map: MapNode
  /** Offset of the name `file`. */
  readonly key: number
  readonly path: string
  readonly node: ScalarNode
}

/** Undefined where there is none, or none that may be read: the schema says what is wrong with it. */
export function referenceIn(root: Node): QuorumReference | undefined {
  const { node: map, found } = placeOf(root, ['quorum'])
  const entry = found && map.kind === 'map' ? map.entries.get('file') : undefined
  if (map.kind !== 'map' || entry?.value.kind !== 'scalar') return undefined
  const { key, value: node } = entry
  return typeof node.value === 'string' && isQuorumFile(node.value) ? { map, key, path: node.value, node } : undefined
}

const SCHEMA = quorum()
const pointer = '/quorum/file'
const FORMATS: Readonly<Record<string, JobFormat>> = {
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.toml': 'toml',
  '.json': 'json',
}

/** The quorum of a file, or what is wrong: with the reference, or with the file at its own line and column. */
export function resolveQuorum(
  { path, node: { start: offset } }: QuorumReference,
  load: LoadFile | undefined,
): QuorumPlan | readonly TextFault[] {
  if (load === undefined) {
    const message = 'a quorum file can be named only where the document is read from disk, and this one was sent'
    return [
      { pointer, offset, message, suggestion: 'write the quorum here, such as { replicas: 3, write: 2, read: 2 }' },
    ]
  }
  const format = FORMATS[extname(path)]
  assert(format !== undefined, `${path} has a known format`)
  let loaded: LoadedFile
  try {
    loaded = load(path)
  } catch (error) {
    if (!(error instanceof QuorateError)) throw error
    return [{ pointer, offset, message: error.message }]
  }
  const { value, faults } = check(loaded.text, format, SCHEMA)
  if (value !== undefined) return value
  return faults.map(({ line, column, message, suggestion }) => ({
    pointer,
    offset,
    message: `${loaded.file}:${line}:${column}: ${message}`,
    ...(suggestion === undefined ? {} : { suggestion }),
  }))
}

/** The text with the quorum in place of the reference to its file; nothing else of it changes. */
export function withQuorum(
  text: string,
  format: JobFormat,
  { map, key, node }: QuorumReference,
  plan: QuorumPlan,
): string {
  const { replicas, write, read, allowForks } = plan
  const fields = Object.entries({ replicas, write, read, ...(allowForks ? { allowForks } : {}) })
  const inBraces = text[map.start] === '{'
  const put = (from: number, replacement: string) => text.slice(0, from) + replacement + text.slice(node.end)
  if (format === 'toml') {
    // In a table every field has a line of its own, and what stands before the first (`quorum.`) stands before each.
    const lead = text.slice(text.lastIndexOf('\n', key) + 1, key)
    return put(key, fields.map(([name, value]) => `${name} = ${value}`).join(inBraces ? ', ' : `\n${lead}`))
  }
  const list = fields.map(([name, value]) => `"${name}": ${value}`).join(', ')
  return inBraces ? put(key, list) : put(map.start, `{ ${list} }`)
}
