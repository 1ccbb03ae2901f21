/** A document of any format as a tree with places, and back from a place to what stands there. */
import type { JobFormat } from '../document.ts'
import { readJson } from './json.ts'
import { readToml } from './toml.ts'
import { type Node, type TextFault, TextRefused, TreeBuilder } from './tree.ts'
import { readYaml } from './yaml.ts'

const READERS = { json: readJson, toml: readToml, yaml: readYaml } as const

/** Without the byte order mark that some editors put before a text. */
export const unmarked = (text: string): string => (text.startsWith('\ufeff') ? text.slice(1) : text)

/** `root` is undefined when the text cannot be read as a whole. */
export function readTree(text: string, format: JobFormat): { root: Node | undefined; faults: readonly TextFault[] } {
  const builder = new TreeBuilder(text)
  try {
    return { root: READERS[format](text, builder), faults: builder.faults }
  } catch (error) {
    if (!(error instanceof TextRefused)) throw error
    return { root: undefined, faults: [...builder.faults, error.fault] }
  }
}

export type Path = readonly PropertyKey[]

/** Where a path leads: as far as it exists, with the offset of the last name on the way (undefined: none). */
export interface Place {
  readonly node: Node
  readonly key: number | undefined
  /** The whole path exists. */
  readonly found: boolean
}

export function placeOf(root: Node, path: Path): Place {
  let place: Place = { node: root, key: undefined, found: true }
  for (const step of path) {
    const next = childOf(place.node, step)
    if (next === undefined) return { ...place, found: false }
    place = { ...next, found: true }
  }
  return place
}

function childOf(node: Node, step: PropertyKey): { node: Node; key: number | undefined } | undefined {
  if (node.kind === 'list') {
    const item = node.items[Number(step)]
    return item === undefined ? undefined : { node: item, key: undefined }
  }
  const entry = node.kind === 'map' ? node.entries.get(String(step)) : undefined
  return entry === undefined ? undefined : { node: entry.value, key: entry.key }
}

/** RFC 6901. */
export const pointerOf = (path: Path): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** The steps of a pointer: numbers are places in lists. */
export const pathOfPointer = (pointer: string): Path =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((name) => (/^\d+$/.test(name) ? Number(name) : name))

export interface Position {
  readonly line: number
  readonly column: number
}

/** Positions of offsets: lines end with `\n`; both count from 1, columns in UTF-16 code units, as editors do. */
export function positionsIn(text: string): (offset: number) => Position {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}
