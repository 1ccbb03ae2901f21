/**
 * TOML 1.0 to a tree with places. Tables that headers and dotted names imply stand where the name that implies them does. The
 * library recurses into nested arrays and inline tables, so their marks are counted first.
 */
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser'
import { JOB_LIMITS } from '../limits.ts'
import { type ListNode, type MapNode, type Node, TextRefused, type TreeBuilder, tooManyMarks } from './tree.ts'

const MARK = /[[{=,.\n]/g

/** @throws TextRefused */
export function readToml(text: string, builder: TreeBuilder): Node {
  let marks = 0
  for (const { index } of text.matchAll(MARK)) {
    marks += 1
    if (marks > JOB_LIMITS.marks) throw tooManyMarks(index)
  }
  const [top] = parse(text).body
  const root = builder.map(0, 1)
  for (const item of top.body) {
    if (item.type === 'TOMLKeyValue') putKeyValue(root, item, builder, 1)
    else putTable(root, item, builder)
  }
  return root
}

function parse(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: '1.0' })
  } catch (error) {
    if (error instanceof ParseError) throw explain(error)
    // The library spreads the characters of a text over the arguments of a call, which have a bound.
    if (error instanceof RangeError)
      throw new TextRefused(0, 'a value of this document is too long, or nested too deeply')
    throw error
  }
}

/** `a.b.c = value`, inside a table at `depth`. */
function putKeyValue(table: MapNode, { key, value }: AST.TOMLKeyValue, builder: TreeBuilder, depth: number): void {
  let at = table
  let below = depth
  for (const part of key.keys.slice(0, -1)) {
    const next = tableBelow(at, part, builder, below + 1)
    // Not there: the name was refused, and the fault is told.
    if (next === undefined) return
    at = next
    below += 1
  }
  const last = key.keys.at(-1)
  if (last !== undefined) builder.put(at, nameOf(last), last.range[0], convert(value, builder, below + 1))
}

function putTable(root: MapNode, { key, kind, body }: AST.TOMLTable, builder: TreeBuilder): void {
  let at: MapNode | undefined = root
  let depth = 1
  key.keys.forEach((part, i) => {
    if (at === undefined) return
    const isItem = kind === 'array' && i === key.keys.length - 1
    // A level of its own for the list of an array of tables, whether it begins or goes on here.
    if (isItem || at.entries.get(nameOf(part))?.value.kind === 'list') depth += 1
    depth += 1
    at = isItem ? itemBelow(at, part, builder, depth) : tableBelow(at, part, builder, depth)
  })
  if (at === undefined) return
  for (const item of body) putKeyValue(at, item, builder, depth)
}

/** The table under a name, made where there is none; of an array of tables it is the last. */
function tableBelow(table: MapNode, part: Part, builder: TreeBuilder, depth: number): MapNode | undefined {
  const known = table.entries.get(nameOf(part))?.value
  const found = known?.kind === 'list' ? known.items.at(-1) : known
  if (found?.kind === 'map') return found
  const made = builder.map(part.range[0], depth)
  return put(table, part, made, builder)
}

/** A new item of the array of tables under a name. */
function itemBelow(table: MapNode, part: Part, builder: TreeBuilder, depth: number): MapNode | undefined {
  const known = table.entries.get(nameOf(part))?.value
  const list = known?.kind === 'list' ? known : put(table, part, builder.list(part.range[0], depth - 1), builder)
  const item = builder.map(part.range[0], depth)
  list?.items.push(item)
  return list === undefined ? undefined : item
}

type Part = AST.TOMLBare | AST.TOMLQuoted

function put<Made extends MapNode | ListNode>(
  table: MapNode,
  part: Part,
  made: Made,
  builder: TreeBuilder,
): Made | undefined {
  builder.put(table, nameOf(part), part.range[0], made)
  return table.entries.get(nameOf(part))?.value === made ? made : undefined
}

const nameOf = (part: Part): string => (part.type === 'TOMLBare' ? part.name : part.value)

function convert(node: AST.TOMLContentNode, builder: TreeBuilder, depth: number): Node {
  const [start, end] = node.range
  if (node.type === 'TOMLArray') {
    const list = builder.list(start, depth)
    for (const item of node.elements) list.items.push(convert(item, builder, depth + 1))
    return list
  }
  if (node.type === 'TOMLInlineTable') {
    const map = builder.map(start, depth)
    for (const item of node.body) putKeyValue(map, item, builder, depth)
    return map
  }
  return builder.scalar(node.value, start, end, depth)
}

const MESSAGES: Readonly<Record<string, readonly [message: string, suggestion?: string]>> = {
  'Unterminated string constant': ['expected a closing quote'],
  'Unexpected character': ['expected a value, a name or a sign of TOML', 'put texts in quotes'],
  'Defining a key multiple times is invalid': ['this name stands twice here', 'keep one of them'],
  'Expected equal (=) token': ['expected "=" and a value after the name'],
  'Must be a newline': ['expected the end of the line after the value'],
  'Unspecified values are invalid': ['expected a value'],
  'Expected comma (,) token': ['expected "," between the items'],
  'The key, equals sign, and value must be on the same line': ['expected the value on the line of its name'],
  'No newlines are allowed between the curly braces unless they are valid within a value': [
    'TOML 1.0 has inline tables on one line only',
    'write a [table] instead',
  ],
  'Trailing comma is not permitted in an inline table': ['TOML 1.0 has no comma before "}"', 'remove it'],
}

/** The library's finding in the words of this language. */
function explain({ index, message }: ParseError): TextRefused {
  const known = MESSAGES[message]
  if (known !== undefined) return new TextRefused(index, ...known)
  return new TextRefused(index, `expected TOML 1.0; ${message.slice(0, 1).toLowerCase()}${message.slice(1)}`)
}
