/** `CREATE TABLE … WITH (…)`: a topic that is read, or a place for rows. Nothing is created: it says what a name stands for. */
import type { ColumnDef, CreateStmt, DefElem, Node } from 'libpg-query'
import { suggest } from '../suggest.ts'
import { expectOnly, SqlFault } from './fault.ts'
import type { SqlType } from './value.ts'

export interface Column {
  readonly type: SqlType
  readonly nullable: boolean
  /** In an expression, where that is not its name. */
  readonly text?: string
  /** It is an edge of the window of a row. */
  readonly edge?: boolean
}

export interface Option {
  readonly value: string | number | boolean
  readonly byte: number
}

export interface Table {
  readonly name: string
  readonly byte: number
  readonly columns: ReadonlyMap<string, Column>
  readonly options: ReadonlyMap<string, Option>
  /** Of a query in brackets whose rows have windows: the window that holds the rows of one of them, and of no other with another end. */
  readonly windowed?: object
}

/** What PostgreSQL's names of types mean here. */
const TYPES: Readonly<Record<string, SqlType>> = {
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  float4: 'number',
  float8: 'number',
  numeric: 'number',
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  bool: 'boolean',
  json: 'any',
  jsonb: 'any',
  timestamp: 'any',
  timestamptz: 'any',
}

const KNOWN = 'integer, bigint, double precision, numeric, text, boolean, timestamp or json'

export function typeNamed(names: readonly Node[] | undefined, byte: number | undefined): SqlType {
  const last = names?.at(-1)
  const name = last !== undefined && 'String' in last ? (last.String.sval ?? '') : ''
  const type = TYPES[name]
  if (type === undefined) throw new SqlFault(byte, `expected one of the types ${KNOWN}; found ${name}`)
  return type
}

export function tableOf(statement: CreateStmt): Table {
  const { relation, tableElts = [], options = [] } = statement
  const name = relation?.relname ?? ''
  const byte = relation?.location ?? 0
  expectOnly(statement, ['relation', 'tableElts', 'options', 'oncommit'], byte, 'a table')
  const columns = new Map<string, Column>()
  for (const element of tableElts) {
    if (!('ColumnDef' in element)) throw new SqlFault(byte, `the table "${name}" has something other than columns`)
    const { colname = '', typeName, constraints = [], location }: ColumnDef = element.ColumnDef
    if (columns.has(colname)) throw new SqlFault(location, `the column "${colname}" stands here twice`)
    columns.set(colname, { type: typeNamed(typeName?.names, typeName?.location), nullable: !isNotNull(constraints) })
  }
  return { name, byte, columns, options: optionsOf(options) }
}

function isNotNull(constraints: readonly Node[]): boolean {
  return constraints.some((node) => {
    if (!('Constraint' in node)) return false
    const { contype, location } = node.Constraint
    if (contype === 'CONSTR_NOTNULL') return true
    if (contype === 'CONSTR_NULL') return false
    throw new SqlFault(location, 'a column of a job has no constraint other than NOT NULL')
  })
}

function optionsOf(list: readonly Node[]): Map<string, Option> {
  const options = new Map<string, Option>()
  for (const node of list) {
    if (!('DefElem' in node)) continue
    const { defname = '', location = 0 } = node.DefElem
    options.set(defname, { value: optionValue(node.DefElem), byte: location })
  }
  return options
}

function optionValue({ arg, defname, location }: DefElem): string | number | boolean {
  if (arg === undefined) return true
  if ('String' in arg) {
    const text = arg.String.sval ?? ''
    return text === 'true' ? true : text === 'false' ? false : text
  }
  if ('Integer' in arg) return arg.Integer.ival ?? 0
  // A word without quotes is read as the name of a type.
  const word = 'TypeName' in arg ? arg.TypeName.names?.at(-1) : undefined
  if (word !== undefined && 'String' in word) return word.String.sval ?? ''
  throw new SqlFault(location, `expected a text in quotes, a number, true or false for ${defname}`)
}

/** The table of a name. */
export function tableNamed(tables: ReadonlyMap<string, Table>, name: string, byte: number | undefined): Table {
  const table = tables.get(name)
  if (table !== undefined) return table
  const near = suggest(name, [...tables.keys()])
  const help =
    near === undefined ? `say what it is: CREATE TABLE ${name} (…) WITH (topic = '…')` : `did you mean ${near}?`
  throw new SqlFault(byte, `there is no table "${name}"`, help)
}

/** Tells an option that no such table has. */
export function checkOptions({ options, name }: Table, known: readonly string[]): void {
  for (const [option, { byte }] of options) {
    if (known.includes(option)) continue
    const near = suggest(option, known)
    const help = near === undefined ? undefined : `did you mean ${near}?`
    throw new SqlFault(byte, `unknown option "${option}" of the table "${name}"; known here: ${known.join(', ')}`, help)
  }
}
