/**
 * JSON (RFC 8259) to a tree with places. It takes exactly the texts that JSON.parse takes, and what is wrong is told in terms
 * of what people do wrong: comments, trailing commas, single quotes.
 */

import { type ListNode, type MapNode, type Node, shorten, TextRefused, type TreeBuilder } from './tree.ts'

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** Up to the closing quote: no control characters, and only the escapes that JSON has. */
const STRING = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"/y
const UNCLOSED = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*/y
const SPACE = /[ \t\n\r]*/y
const WORDS: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

/** @throws TextRefused */
export function readJson(text: string, builder: TreeBuilder): Node {
  return new JsonReader(text, builder).read()
}

class JsonReader {
  readonly #text: string
  readonly #builder: TreeBuilder
  #at = 0

  constructor(text: string, builder: TreeBuilder) {
    this.#text = text
    this.#builder = builder
  }

  read(): Node {
    const root = this.#value(1)
    if (this.#space() < this.#text.length) throw this.#unexpected('nothing after the document')
    return root
  }

  #value(depth: number): Node {
    const start = this.#space()
    const first = this.#text[start]
    if (first === '{') return this.#object(this.#builder.map(start, depth), depth)
    if (first === '[') return this.#array(this.#builder.list(start, depth), depth)
    if (first === '"') return this.#builder.scalar(this.#string(), start, this.#at, depth)
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, start)) continue
      this.#at += word.length
      return this.#builder.scalar(value, start, this.#at, depth)
    }
    const number = this.#match(NUMBER)
    if (number === undefined) throw this.#unexpected('a value')
    return this.#builder.scalar(Number(number), start, this.#at, depth)
  }

  #object(map: MapNode, depth: number): Node {
    this.#at += 1
    for (let first = true; ; first = false) {
      if (this.#ends('}', first)) return map
      const key = this.#space()
      if (this.#text[key] !== '"') throw this.#unexpected('a name in double quotes')
      const name = this.#string()
      this.#space()
      if (this.#text[this.#at] !== ':') throw this.#unexpected('":" after the name')
      this.#at += 1
      this.#builder.put(map, name, key, this.#value(depth + 1))
    }
  }

  #array(list: ListNode, depth: number): Node {
    this.#at += 1
    for (let first = true; ; first = false) {
      if (this.#ends(']', first)) return list
      list.items.push(this.#value(depth + 1))
    }
  }

  /** True at the closing bracket; otherwise stands before the next member, behind its comma. */
  #ends(bracket: string, first: boolean): boolean {
    this.#space()
    if (this.#text[this.#at] === bracket) {
      this.#at += 1
      return true
    }
    if (first) return false
    if (this.#text[this.#at] !== ',') throw this.#unexpected(`"," or "${bracket}"`)
    const comma = this.#at
    this.#at += 1
    this.#space()
    if (this.#text[this.#at] === bracket)
      throw new TextRefused(comma, `JSON has no comma before "${bracket}"`, 'remove it')
    return false
  }

  #string(): string {
    const start = this.#at
    const quoted = this.#match(STRING)
    if (quoted === undefined) throw this.#badString(start)
    return JSON.parse(quoted) as string
  }

  #badString(start: number): TextRefused {
    UNCLOSED.lastIndex = start
    const [good = ''] = UNCLOSED.exec(this.#text) ?? []
    const at = start + good.length
    const bad = this.#text[at]
    if (bad === '\\') return new TextRefused(at, 'JSON has no such escape', 'write \\\\ for a backslash')
    if (bad === undefined || bad === '\n' || bad === '\r') return new TextRefused(at, 'expected a closing quote')
    return new TextRefused(
      at,
      'JSON has no control characters within a text',
      'write \\t for a tab, \\u and four digits for others',
    )
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#text) ?? []
    this.#at += found?.length ?? 0
    return found
  }

  /** Passes white space; where it ends. */
  #space(): number {
    this.#match(SPACE)
    return this.#at
  }

  #unexpected(expected: string): TextRefused {
    const rest = this.#text.slice(this.#at, this.#at + 40)
    if (rest === '') return new TextRefused(this.#at, `expected ${expected}; the document ends here`)
    if (/^\/[/*]|^#/.test(rest)) {
      return new TextRefused(this.#at, 'JSON has no comments', 'remove it, or write the document in YAML or TOML')
    }
    if (rest.startsWith("'")) return new TextRefused(this.#at, 'JSON has no single quotes', 'write double quotes')
    const [found = ''] = /^(?:[\w.+-]+|.)/su.exec(rest) ?? []
    const shown = found === '"' ? "'\"'" : `"${shorten(found)}"`
    return new TextRefused(this.#at, `expected ${expected}; found ${shown}`)
  }
}
