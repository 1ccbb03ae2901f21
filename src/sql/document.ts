/** The statements of a file as a job document: tables and settings first, then one query. */
import type { InsertStmt, Node, VariableSetStmt } from 'libpg-query'
import { expectOnly, SqlFault } from './fault.ts'
import type { Join } from './join.ts'
import { type Pipeline, pipelineOf } from './select.ts'
import { SETTINGS, type Settings, setting } from './setting.ts'
import { sinkOf, sourceOf } from './store.ts'
import { type Table, tableNamed, tableOf } from './table.ts'

/** A statement, and the byte where it begins. */
export interface Statement {
  readonly node: Node
  readonly byte: number
}

export interface SqlDocument {
  readonly document: Readonly<Record<string, unknown>>
  /** Where each part comes from, by its pointer. */
  readonly bytes: ReadonlyMap<string, number>
}

const KNOWN = 'CREATE TABLE, SET, INSERT INTO … SELECT and SELECT'

/** @param name of the job, where no SET says another */
export function documentOf(statements: readonly Statement[], name: string): SqlDocument {
  const tables = new Map<string, Table>()
  const settings: Settings = new Map()
  let query: { readonly select: Node; readonly into: Node | undefined; readonly byte: number } | undefined
  for (const { node, byte } of statements) {
    if ('CreateStmt' in node) {
      const table = tableOf(node.CreateStmt)
      if (tables.has(table.name)) throw new SqlFault(table.byte, `the table "${table.name}" stands here twice`)
      tables.set(table.name, table)
    } else if ('VariableSetStmt' in node) set(settings, node.VariableSetStmt, byte)
    else if ('SelectStmt' in node || 'InsertStmt' in node) {
      if (query !== undefined)
        throw new SqlFault(byte, 'expected one query; this is the second', 'put it in a file of its own')
      query = 'InsertStmt' in node ? insert(node.InsertStmt, byte) : { select: node, into: undefined, byte }
    } else throw new SqlFault(byte, `expected ${KNOWN}; found another statement`)
  }
  if (query === undefined) throw new SqlFault(undefined, 'expected a query, SELECT or INSERT INTO … SELECT; found none')
  return assemble(tables, settings, query, name)
}

function set(settings: Settings, { name = '', args = [], kind }: VariableSetStmt, byte: number): void {
  if (kind !== 'VAR_SET_VALUE') throw new SqlFault(byte, `expected SET ${name || 'name'} = value`)
  settings.set(name, setting(name, args, byte))
}

function insert(statement: InsertStmt, byte: number) {
  const { relation, selectStmt } = statement
  expectOnly(statement, ['relation', 'selectStmt', 'override'], relation?.location, 'INSERT INTO')
  if (selectStmt === undefined || relation === undefined)
    throw new SqlFault(byte, 'expected INSERT INTO table SELECT …')
  return { select: selectStmt, into: { RangeVar: relation }, byte }
}

function assemble(
  tables: ReadonlyMap<string, Table>,
  settings: Settings,
  { select, into, byte }: { readonly select: Node; readonly into: Node | undefined; readonly byte: number },
  name: string,
): SqlDocument {
  const bytes = new Map<string, number>([['', byte]])
  const set: Record<string, unknown> = {}
  const window: Record<string, unknown> = {}
  for (const [given, { value, byte }] of settings) {
    const path = SETTINGS[given] ?? []
    const [part = '', ...below] = path
    bytes.set(`/${path.join('/')}`, byte)
    if (part === 'window') window[below[0] ?? ''] = value
    else if (below.length === 0) set[part] = value
    else set[part] = { ...(set[part] as object | undefined), [below[0] ?? '']: value }
  }
  if (!('SelectStmt' in select)) throw new SqlFault(byte, 'expected SELECT after INSERT INTO')
  const { from, steps, bytes: stepBytes }: Pipeline = pipelineOf(select.SelectStmt, tables, window)
  stepBytes.forEach((at, i) => {
    bytes.set(`/pipeline/${i}`, at)
  })
  const place = (pointer: string, { byte, options }: Table, names: ReadonlyMap<string, string>) => {
    bytes.set(pointer, byte)
    for (const [option, below] of names) bytes.set(`${pointer}${below}`, options.get(option)?.byte ?? byte)
  }
  const read = 'documents' in from ? from.sides : []
  const joined = read.map(({ table, alias }) => {
    const { part, pointers } = sourceOf(table)
    place(`/sources/${alias}`, table, pointers)
    return [alias, part] as const
  })
  const table = 'documents' in from ? from.scope.table : from
  const source = sourceOf(table)
  if (joined.length === 0) place('/source', table, source.pointers)
  if ('documents' in from) for (const pointer of ['/join', '/joins']) bytes.set(pointer, from.byte)
  const parts: Record<string, unknown> = {
    ...('documents' in from ? { sources: Object.fromEntries(joined), ...joinsIn(from) } : { source: source.part }),
    pipeline: steps,
  }
  if (into !== undefined && 'RangeVar' in into) {
    const sink = sinkOf(tableNamed(tables, into.RangeVar.relname ?? '', into.RangeVar.location))
    place('/sinks/0', sink.table, sink.pointers)
    parts.sinks = [sink.part]
  }
  const dead = table.options.get('dead_letters')
  if (dead !== undefined) {
    const sink = sinkOf(tableNamed(tables, String(dead.value), dead.byte))
    place('/deadLetters', sink.table, sink.pointers)
    parts.deadLetters = sink.part
  }
  return { document: { name, ...parts, ...set }, bytes }
}

const joinsIn = ({ documents }: Join): object =>
  documents.length === 1 ? { join: documents[0] } : { joins: documents }
