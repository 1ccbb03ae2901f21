/**
 * YAML 1.2 (core schema) to a tree with places. Only what JSON could say as well is taken: no anchors, aliases, tags, directives
 * or second documents. The text goes through the library under bounds (yaml-tokens.ts).
 */
import { Composer, type CST, isMap, isScalar, isSeq, type YAMLParseError } from 'yaml'
import { boundedTokens, type TokenBounds, YAML_CONTROL } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'
import { type MapNode, type Node, TextRefused, type TreeBuilder, tooDeep, tooManyMarks } from './tree.ts'

const REFUSED: Readonly<Record<string, readonly [message: string, suggestion: string]>> = {
  tag: ['a value that begins with "!" is a tag in YAML, and tags are not allowed', 'put the value in quotes'],
  alias: ['a value that begins with "*" is an alias in YAML, and aliases are not allowed', 'write the value out'],
  anchor: ['a value that begins with "&" is an anchor in YAML, and anchors are not allowed', 'write the value out'],
  'directive-line': ['directives such as %YAML are not allowed', 'remove the line'],
}

const BOUNDS: TokenBounds = {
  marks: JOB_LIMITS.marks,
  depth: JOB_LIMITS.depth,
  beyond: (bound, offset) => (bound === 'marks' ? tooManyMarks(offset) : tooDeep(offset)),
  refused: (type, offset) => {
    const refused = REFUSED[type]
    return refused && new TextRefused(offset, ...refused)
  },
}

/** @throws TextRefused */
export function readYaml(text: string, builder: TreeBuilder): Node {
  const control = YAML_CONTROL.exec(text)
  if (control !== null)
    throw new TextRefused(control.index, 'expected no control characters other than tabs and line ends')
  const options = { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false } as const
  const [document] = new Composer(options).compose(tokensOf(text), true, text.length)
  if (document === undefined) throw new TextRefused(0, EMPTY)
  const [first] = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0])
  if (first !== undefined) throw explain(first, text)
  if (isNothing(document.contents)) throw new TextRefused(0, EMPTY)
  return convert(document.contents, 0, builder, 1)
}

const EMPTY = 'the document is empty; expected a name, a source, a pipeline and more'

const isNothing = (node: unknown): boolean =>
  node === null || (isScalar(node) && node.source === '' && node.type === 'PLAIN')

/** The library's tokens, once the text is known to stay within the bounds. */
function tokensOf(text: string): CST.Token[] {
  const tokens: CST.Token[] = []
  for (const token of boundedTokens(text, BOUNDS)) take(token, tokens)
  return tokens
}

function take(token: CST.Token, tokens: CST.Token[]): void {
  if (token.type === 'document' && tokens.some(({ type }) => type === 'document')) {
    throw new TextRefused(
      token.offset,
      'expected one document; a second one begins here',
      'put it in a file of its own',
    )
  }
  tokens.push(token)
}

/** @param offset where an absent node would stand */
function convert(node: unknown, offset: number, builder: TreeBuilder, depth: number): Node {
  if (isMap(node)) {
    const map = builder.map(node.range?.[0] ?? offset, depth)
    for (const { key, value } of node.items) convertPair(map, key, value, builder, depth)
    return map
  }
  if (isSeq(node)) {
    const list = builder.list(node.range?.[0] ?? offset, depth)
    for (const item of node.items) list.items.push(convert(item, list.start, builder, depth + 1))
    return list
  }
  const [start, end] = (isScalar(node) ? node.range : undefined) ?? [offset, offset]
  return builder.scalar(isScalar(node) ? node.value : null, start, end, depth)
}

function convertPair(map: MapNode, key: unknown, value: unknown, builder: TreeBuilder, depth: number): void {
  const name = isScalar(key) ? key.value : undefined
  const [start, end] = (isScalar(key) || isMap(key) || isSeq(key) ? key.range : undefined) ?? [map.start, map.start]
  const child = convert(value, end, builder, depth + 1)
  if (typeof name !== 'string') {
    const shown = isScalar(key) && typeof key.source === 'string' && key.source !== '' ? key.source : undefined
    const suggestion = shown === undefined ? undefined : `write "${shown}" in quotes`
    builder.leaveOut(map, start, 'expected a text as a name', suggestion)
  } else if (name === '<<') builder.leaveOut(map, start, 'merge keys are not allowed', 'write the fields out')
  else builder.put(map, name, start, child)
}

const IN_QUOTES = 'put the whole value in quotes'
const INDENTATION = 'expected the same indentation as the lines beside it'

/** The library's finding in the words of this language. */
function explain({ code, message, pos: [offset] }: YAMLParseError, text: string): TextRefused {
  switch (code) {
    case 'TAB_AS_INDENT':
      return new TextRefused(offset, 'YAML has no tabs for indentation', 'write spaces')
    case 'BAD_INDENT':
      return new TextRefused(offset, INDENTATION)
    case 'BLOCK_AS_IMPLICIT_KEY':
      if (message.startsWith('Nested'))
        return new TextRefused(offset, 'found ": " within a value without quotes', IN_QUOTES)
      return new TextRefused(offset, INDENTATION)
    case 'MULTILINE_IMPLICIT_KEY':
      return new TextRefused(offset, 'expected ":" on the line of the name')
    case 'BAD_SCALAR_START':
      return new TextRefused(offset, `YAML has no value that begins with "${text[offset] ?? ''}"`, IN_QUOTES)
    case 'BAD_DQ_ESCAPE':
      return new TextRefused(
        offset,
        'unknown escape in double quotes',
        'write \\\\ for a backslash, or use single quotes',
      )
    case 'UNEXPECTED_TOKEN':
      return new TextRefused(offset, 'found something behind the end of a value', IN_QUOTES)
    case 'MISSING_CHAR':
      return missing(message, offset)
    default:
      return new TextRefused(offset, `this is not YAML: ${message}`)
  }
}

function missing(message: string, offset: number): TextRefused {
  if (message.startsWith('Implicit map keys')) {
    return new TextRefused(
      offset,
      'expected ":" and a value after the name',
      'a name and its value are separated by ": "',
    )
  }
  if (message.includes('quote')) return new TextRefused(offset, 'expected a closing quote')
  if (message.startsWith('Missing ,')) return new TextRefused(offset, 'expected "," between the items')
  if (message.startsWith('Comments')) return new TextRefused(offset, 'expected a space before "#"')
  const [, bracket] = /(?:end with a?|Expected) ?([\]}])/.exec(message) ?? []
  if (bracket !== undefined) return new TextRefused(offset, `expected a closing "${bracket}"`)
  return new TextRefused(offset, `this is not YAML: ${message}`)
}
