/**
 * A document as a tree whose every value knows its place in the text, the same whatever format it was written in. What the
 * language does not allow in any format (names twice, names that JavaScript treats specially, bounds) is found here.
 */
import { JOB_LIMITS } from '../limits.ts'

/** Offsets are those of UTF-16 code units in the text; `end` is exclusive. */
export interface ScalarNode {
  readonly kind: 'scalar'
  /** Text, number, boolean, null, or a Date where the format has dates. */
  readonly value: unknown
  readonly start: number
  readonly end: number
  /** Where the characters of a text begin, if they stand there one by one: plain, or quoted without an escape. */
  readonly characters: number | undefined
}

export interface ListNode {
  readonly kind: 'list'
  readonly items: Node[]
  readonly start: number
}

export interface MapNode {
  readonly kind: 'map'
  readonly entries: Map<string, Entry>
  readonly start: number
  /** Fields were left out, for which there are faults: what is missing here says nothing. */
  incomplete: boolean
}

export interface Entry {
  /** Offset of the name. */
  readonly key: number
  readonly value: Node
}

export type Node = ScalarNode | ListNode | MapNode

/** A fault at an offset of the text. */
export interface TextFault {
  readonly offset: number
  /** Where the fault is with a value of the document, not with how it is written. */
  readonly pointer?: string
  readonly message: string
  readonly suggestion?: string
}

/** Ends the reading of a document that goes beyond a bound or cannot be read any further. */
export class TextRefused extends Error {
  readonly fault: TextFault

  constructor(offset: number, message: string, suggestion?: string) {
    super(message)
    this.fault = { offset, message, ...(suggestion === undefined ? {} : { suggestion }) }
  }
}

/** Names that mean something else than a field to JavaScript. */
const SPECIAL_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** What the readers of all formats build with. */
export class TreeBuilder {
  readonly faults: TextFault[] = []
  readonly #text: string
  #values = 0
  #characters = 0

  constructor(text: string) {
    this.#text = text
  }

  /** @param depth of the node: 1 for the root */
  scalar(value: unknown, start: number, end: number, depth: number): ScalarNode {
    this.#count(start, depth)
    if (typeof value !== 'string') return { kind: 'scalar', value, start, end, characters: undefined }
    this.#characters += value.length
    if (this.#characters > JOB_LIMITS.valueCharacters) {
      throw new TextRefused(
        start,
        `expected at most ${JOB_LIMITS.valueCharacters} characters of text in all values together; this one goes beyond`,
      )
    }
    if (!value.isWellFormed()) {
      this.fault(start, 'expected Unicode text; found half of a surrogate pair')
    }
    return { kind: 'scalar', value, start, end, characters: this.#charactersOf(value, start, end) }
  }

  list(start: number, depth: number): ListNode {
    this.#count(start, depth)
    return { kind: 'list', items: [], start }
  }

  map(start: number, depth: number): MapNode {
    this.#count(start, depth)
    return { kind: 'map', entries: new Map(), start, incomplete: false }
  }

  /** Adds a field; one that must not be there is left out, with a fault. */
  put(map: MapNode, name: string, key: number, value: Node): void {
    if (map.entries.has(name)) this.fault(key, `"${shorten(name)}" stands twice here; keep one of them`)
    else if (SPECIAL_NAMES.has(name)) this.leaveOut(map, key, `"${name}" cannot be a name here`, 'choose another')
    else if (!name.isWellFormed()) this.leaveOut(map, key, 'expected a name in Unicode; found half of a surrogate pair')
    else map.entries.set(name, { key, value })
  }

  /** A field that cannot be part of the tree. */
  leaveOut(map: MapNode, key: number, message: string, suggestion?: string): void {
    map.incomplete = true
    this.fault(key, message, suggestion)
  }

  fault(offset: number, message: string, suggestion?: string): void {
    this.faults.push({ offset, message, ...(suggestion === undefined ? {} : { suggestion }) })
  }

  #count(start: number, depth: number): void {
    this.#values += 1
    if (this.#values > JOB_LIMITS.values) {
      throw new TextRefused(start, `expected at most ${JOB_LIMITS.values} values in a document; found more`)
    }
    if (depth > JOB_LIMITS.depth) throw tooDeep(start)
  }

  #charactersOf(value: string, start: number, end: number): number | undefined {
    const plain = end - start - value.length
    const at = plain === 0 ? start : plain === 2 ? start + 1 : undefined
    return at !== undefined && this.#text.startsWith(value, at) ? at : undefined
  }
}

export const tooDeep = (offset: number): TextRefused =>
  new TextRefused(offset, `expected at most ${JOB_LIMITS.depth} levels of nesting; found more`)

export const tooManyMarks = (offset: number): TextRefused =>
  new TextRefused(offset, `expected at most ${JOB_LIMITS.marks} marks and lines in a document; found more`)

/** The plain value of a node, as JSON.parse would give it. */
export function plainValue(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plainValue)
  return Object.fromEntries(Array.from(node.entries, ([name, { value }]) => [name, plainValue(value)]))
}

/** A text as a message shows it: in one line, of bounded length. */
export function shorten(text: string, most: number = JOB_LIMITS.foundCharacters): string {
  const line = text.slice(0, most + 1).replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
  const short = line.length <= most ? line : `${line.slice(0, most - 1)}…`
  return short.toWellFormed()
}
