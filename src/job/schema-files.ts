/**
 * Files with the schemas of a source's records. As with quorum files, whoever has the document on disk reads them and puts
 * their text into the document before it goes to a peer.
 */
import { QuorateError } from '../errors.ts'
import type { JobFormat } from './document.ts'
import { isSchemaFile } from './language/format.ts'
import type { LoadFile } from './reference.ts'
import { placeOf } from './text/read.ts'
import type { MapNode, Node, ScalarNode, TextFault } from './text/tree.ts'

/** Where a document names a schema file. */
interface SchemaReference {
  readonly map: MapNode
  /** Offset of the name `file`. */
  readonly key: number
  readonly node: ScalarNode
  readonly path: string
  readonly pointer: string
}

/** Where a document says how records are written: once, or for each of its sources. */
export function formatPaths(root: Node): readonly (readonly string[])[] {
  const { node, found } = placeOf(root, ['sources'])
  const names = found && node.kind === 'map' ? [...node.entries.keys()] : []
  return [['source', 'format'], ...names.map((name) => ['sources', name, 'format'])]
}

/** The same of its sinks. */
function sinkFormatPaths(root: Node): readonly (readonly string[])[] {
  const { node, found } = placeOf(root, ['sinks'])
  const count = found && node.kind === 'list' ? node.items.length : 0
  const sinks = Array.from({ length: count }, (_, i) => ['sinks', String(i)])
  return [...sinks, ['deadLetters']].flatMap((path) => ['kafka', 's3', 'file'].map((kind) => [...path, kind, 'format']))
}

function referencesIn(root: Node): SchemaReference[] {
  const paths = [...formatPaths(root), ...sinkFormatPaths(root)].flatMap((path) =>
    ['avro', 'protobuf'].map((kind) => [...path, kind]),
  )
  return paths.flatMap((path) => {
    const { node, found } = placeOf(root, path)
    if (!found || node.kind !== 'map') return []
    const registry = node.entries.get('registry')?.value
    const versions = registry?.kind === 'list' ? registry.items : []
    const pointer = `/${path.join('/')}`
    return [
      referenceAt(node, pointer),
      ...versions.map((version, i) => referenceAt(version, `${pointer}/registry/${i}`)),
    ].filter((reference) => reference !== undefined)
  })
}

/** Undefined where there is none that may be read: the language says what is wrong with it. */
function referenceAt(map: Node, pointer: string): SchemaReference | undefined {
  const entry = map.kind === 'map' && !map.entries.has('schema') ? map.entries.get('file') : undefined
  if (map.kind !== 'map' || entry?.value.kind !== 'scalar') return undefined
  const { key, value: node } = entry
  if (typeof node.value !== 'string' || !isSchemaFile(node.value)) return undefined
  return { map, key, node, path: node.value, pointer: `${pointer}/file` }
}

/** The tree as if the schemas stood in it, at the places where they are named; and what could not be read. */
export function placeSchemas(root: Node, load: LoadFile | undefined): TextFault[] {
  if (load === undefined) return []
  return referencesIn(root).flatMap(({ map, key, node, path, pointer }) => {
    const read = readSchema(path, load)
    if (typeof read !== 'string') return [{ pointer, offset: node.start, message: read.message }]
    map.entries.delete('file')
    map.entries.set('schema', { key, value: { ...node, value: read, characters: undefined } })
    return []
  })
}

/**
 * The text with the schemas in place of the names of their files; nothing else of it changes.
 * @throws QuorateError when one cannot be read
 */
export function withSchemas(text: string, format: JobFormat, root: Node, load: LoadFile): string {
  const last = referencesIn(root).toSorted((a, b) => b.key - a.key)
  return last.reduce((changed, { key, node, path }) => {
    const read = readSchema(path, load)
    if (typeof read !== 'string') throw read
    const name = format === 'toml' ? 'schema = ' : '"schema": '
    return `${changed.slice(0, key)}${name}${JSON.stringify(read)}${changed.slice(node.end)}`
  }, text)
}

function readSchema(path: string, load: LoadFile): string | QuorateError {
  try {
    const { text } = load(path)
    // Without the spaces between its parts, which would count among the characters that a document may have.
    return path.endsWith('.proto') ? text : compact(text)
  } catch (error) {
    if (error instanceof QuorateError) return error
    throw error
  }
}

function compact(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json))
  } catch {
    // The language says at its place that this is no JSON.
    return json
  }
}
