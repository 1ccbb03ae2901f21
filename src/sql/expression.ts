/** Values of SQL in CEL: columns, literals, arithmetic, text, CASE, COALESCE and casts, each with SQL's own meaning. */
import type { A_Const, A_Expr, CaseExpr, ColumnRef, Node, TypeCast } from 'libpg-query'
import { suggest } from '../suggest.ts'
import { isCondition, truth } from './condition.ts'
import { kindOf, SqlFault } from './fault.ts'
import { functionValue, nameOf } from './function.ts'
import { type Table, typeNamed } from './table.ts'
import {
  grouped,
  literal,
  NULL,
  not,
  present,
  type SqlType,
  type SqlValue,
  strict,
  valueOfTruth,
  whole,
} from './value.ts'

/** What names mean. */
export interface Scope {
  readonly table: Table
  /** What the table is called in this statement. */
  readonly alias: string
  /** Of groups: what a part of an expression is in their rows, where it is an aggregate or a key. */
  readonly inRow?: (node: Node) => SqlValue | undefined
  /** Of a join: whether a column is the time of its rows. */
  readonly isTime?: (column: ColumnRef) => boolean
}

/** Parts are written out each time that they count, so a text may grow far beyond what a document may hold. */
const MOST_CHARACTERS = 64 * 1024

export function valueAt(node: Node, scope: Scope): SqlValue {
  const value = written(node, scope)
  if (value.text.length + (value.missing?.length ?? 0) <= MOST_CHARACTERS) return value
  throw new SqlFault(
    kindOf(node).byte,
    `expected an expression that becomes at most ${MOST_CHARACTERS} characters`,
    'declare columns NOT NULL where they are, or write less in one',
  )
}

function written(node: Node, scope: Scope): SqlValue {
  const inRow = scope.inRow?.(node)
  if (inRow !== undefined) return inRow
  if ('ColumnRef' in node) return columnValue(node.ColumnRef, scope)
  if ('A_Const' in node) return constant(node.A_Const)
  if (isCondition(node)) return valueOfTruth(truth(node, scope))
  if ('A_Expr' in node) return operation(node.A_Expr, scope)
  if ('TypeCast' in node) return cast(node.TypeCast, scope)
  if ('CaseExpr' in node) return choice(node.CaseExpr, scope)
  if ('CoalesceExpr' in node)
    return first(
      (node.CoalesceExpr.args ?? []).map((arg) => valueAt(arg, scope)),
      node,
    )
  if ('FuncCall' in node) return functionValue(node.FuncCall, (arg) => valueAt(arg, scope))
  const { kind, byte } = kindOf(node)
  throw new SqlFault(byte, `${KINDS[kind] ?? kind} cannot be part of an expression of a job`)
}

const KINDS: Readonly<Record<string, string>> = {
  SubLink: 'a query in brackets',
  ParamRef: 'a parameter',
  A_ArrayExpr: 'an array',
  RowExpr: 'a row',
  SQLValueFunction: 'the time or user of now',
  MinMaxExpr: 'GREATEST or LEAST',
}

export function columnName({ fields = [], location }: ColumnRef, { alias }: Scope): string {
  const names = fields.map((field) => ('String' in field ? (field.String.sval ?? '') : '*'))
  const [first = '', second] = names
  if (names.length > 2 || (second !== undefined && first !== alias)) {
    throw new SqlFault(
      location,
      `expected a column of ${alias}; found ${names.join('.')}`,
      "write column -> 'field' for what is inside",
    )
  }
  return second ?? first
}

/** Whether a node is a column that is an edge of the window of a row. */
export const isEdge = (node: Node, scope: Scope): boolean =>
  'ColumnRef' in node &&
  scope.inRow === undefined &&
  scope.table.columns.get(columnName(node.ColumnRef, scope))?.edge === true

/** Whether a node is the column with the time of what is read. */
export function isTime(node: Node, scope: Scope): boolean {
  if ('FuncCall' in node && nameOf(node.FuncCall) === 'log_time') return isLogged(scope)
  if (!('ColumnRef' in node)) return false
  if (scope.isTime !== undefined) return scope.isTime(node.ColumnRef)
  return columnName(node.ColumnRef, scope) === scope.table.options.get('time')?.value
}

/** Records of a topic without a time of their own have that of the log, which is no field of them. */
const isLogged = ({ table: { options }, isTime }: Scope): boolean =>
  isTime === undefined && options.has('topic') && !options.has('time')

function columnValue(reference: ColumnRef, scope: Scope): SqlValue {
  const name = columnName(reference, scope)
  const column = scope.table.columns.get(name)
  if (column !== undefined) return fieldValue(column.text ?? name, column.type, column.nullable)
  const { location } = reference
  if (name === '*') throw new SqlFault(location, 'expected a value; found *')
  const known = [...scope.table.columns.keys()]
  const near = suggest(name, known) ?? known.find((each) => each.toLowerCase() === name)
  const help = near === undefined ? undefined : `did you mean ${/[A-Z]/.test(near) ? `"${near}"` : near}?`
  throw new SqlFault(location, `the table "${scope.table.name}" has no column "${name}"`, help)
}

export const fieldValue = (text: string, type: SqlType, nullable: boolean): SqlValue => ({
  type,
  text,
  // A field that a record does not have is what SQL calls NULL.
  missing: nullable ? `!has(${text}) || ${text} == null` : undefined,
})

function constant({ ival, fval, sval, boolval, isnull }: A_Const): SqlValue {
  if (isnull === true) return NULL
  if (ival !== undefined) return { type: 'integer', text: String(ival.ival ?? 0), missing: undefined }
  if (boolval !== undefined) return { type: 'boolean', text: String(boolval.boolval ?? false), missing: undefined }
  if (fval !== undefined) {
    const text = fval.fval ?? '0'
    return /^-?\d+$/.test(text)
      ? { type: 'integer', text, missing: undefined }
      : { type: 'number', text: String(Number(text)), missing: undefined }
  }
  return { type: 'text', text: literal(sval?.sval ?? ''), missing: undefined }
}

const ARITHMETIC = ['+', '-', '*', '/', '%']

function operation({ kind, name = [], lexpr, rexpr, location }: A_Expr, scope: Scope): SqlValue {
  const [symbol] = name
  const operator = symbol !== undefined && 'String' in symbol ? (symbol.String.sval ?? '') : ''
  if (kind === 'AEXPR_NULLIF' && lexpr !== undefined && rexpr !== undefined) {
    const left = valueAt(lexpr, scope)
    const same = truth(
      { A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr, rexpr, location: location ?? 0 } },
      scope,
    )
    return {
      ...left,
      missing: left.missing === undefined ? same.yes : `${grouped(left.missing)} || ${grouped(same.yes)}`,
    }
  }
  if (kind !== 'AEXPR_OP' || rexpr === undefined) throw unknown(operator, location)
  const right = valueAt(rexpr, scope)
  if (lexpr === undefined) {
    if (operator !== '-' && operator !== '+') throw unknown(operator, location)
    expectNumber(right, rexpr, operator)
    return operator === '+' ? right : strict(right.type, `-${grouped(right.text)}`, right)
  }
  const left = valueAt(lexpr, scope)
  if (operator === '->' || operator === '->>') return inside(left, rexpr, operator === '->>', location)
  if (operator === '||') return strict('text', `${asText(left)} + ${asText(right)}`, left, right)
  if (!ARITHMETIC.includes(operator)) throw unknown(operator, location)
  expectNumber(left, lexpr, operator)
  expectNumber(right, rexpr, operator)
  const text = `${grouped(left.text)} ${operator} ${grouped(right.text)}`
  if (left.type !== 'integer' || right.type !== 'integer') return strict('number', text, left, right)
  // Integers divide to an integer, towards zero.
  return strict('integer', operator === '/' ? `int(${text})` : text, left, right)
}

const unknown = (operator: string, byte: number | undefined): SqlFault =>
  new SqlFault(byte, `the operator ${operator} is not known here; there are + - * / % || = <> < <= > >= -> and ->>`)

function expectNumber({ type }: SqlValue, node: Node, operator: string): void {
  if (type !== 'text' && type !== 'boolean') return
  throw new SqlFault(kindOf(node).byte, `expected a number beside ${operator}; found a value of type ${type}`)
}

const asText = (value: SqlValue): string => (value.type === 'text' ? grouped(value.text) : `string(${value.text})`)

/** A field of a JSON column: `->` gives what it is, `->>` its text. */
function inside(object: SqlValue, name: Node, asText: boolean, byte: number | undefined): SqlValue {
  const key = 'A_Const' in name ? name.A_Const.sval?.sval : undefined
  if (
    object.type !== 'any' ||
    key === undefined ||
    !/^[\w.[\]"\- ]+$/.test(object.text) ||
    object.text.startsWith('string(')
  ) {
    throw new SqlFault(byte, "expected a json column and the name of a field, such as extra -> 'site'")
  }
  const path = /^[A-Za-z_]\w*$/.test(key) ? `${object.text}.${key}` : `${object.text}[${literal(key)}]`
  const value = fieldValue(path, 'any', true)
  return asText ? { ...value, type: 'text', text: `string(${path})` } : value
}

function cast({ arg, typeName }: TypeCast, scope: Scope): SqlValue {
  const to = typeNamed(typeName?.names, typeName?.location)
  if (arg === undefined) return NULL
  const value = valueAt(arg, scope)
  if (value.type === 'null' || value.type === to || to === 'any') return { ...value, type: to }
  const is = (text: string): SqlValue => strict(to, text, value)
  switch (to) {
    case 'text':
      return is(`string(${value.text})`)
    case 'number':
      if (value.type !== 'boolean') return is(value.type === 'integer' ? value.text : `double(${value.text})`)
      break
    case 'integer':
      // PostgreSQL rounds a number, half away from zero; a text has to be an integer.
      if (value.type === 'number') {
        const text = grouped(value.text)
        return is(`${text} < 0 ? int(${text} - 0.5) : int(${text} + 0.5)`)
      }
      if (value.type === 'boolean') return is(`${grouped(value.text)} ? 1 : 0`)
      return is(`int(${value.text})`)
    case 'boolean':
      if (value.type === 'integer') return is(`${grouped(value.text)} != 0`)
      break
    default:
  }
  throw new SqlFault(kindOf(arg).byte, `a value of type ${value.type} cannot be cast to ${to}`)
}

/** CASE: the first branch whose condition is true; with a value after CASE, the first that equals it. */
function choice({ arg, args = [], defresult }: CaseExpr, scope: Scope): SqlValue {
  const branches = args.flatMap((node) => {
    if (!('CaseWhen' in node)) return []
    const { expr, result, location = 0 } = node.CaseWhen
    if (expr === undefined || result === undefined) return []
    const same: Node = {
      A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr: arg ?? expr, rexpr: expr, location },
    }
    return [{ when: truth(arg === undefined ? expr : same, scope).yes, value: valueAt(result, scope) }]
  })
  const otherwise = defresult === undefined ? NULL : valueAt(defresult, scope)
  return chosen(branches, otherwise)
}

function chosen(
  branches: readonly { readonly when: string; readonly value: SqlValue }[],
  otherwise: SqlValue,
): SqlValue {
  const values = [...branches.map(({ value }) => value), otherwise]
  const pick = (of: (value: SqlValue) => string): string =>
    branches.reduceRight(
      (rest, { when, value }) => `${grouped(when)} ? ${grouped(of(value))} : ${grouped(rest)}`,
      of(otherwise),
    )
  const total = values.every(({ missing }) => missing === undefined)
  return {
    type: commonType(values),
    text: pick(whole),
    missing: total ? undefined : pick(({ missing = 'false' }) => missing),
  }
}

/** COALESCE: the first that is not NULL. */
function first(values: readonly SqlValue[], node: Node): SqlValue {
  const last = values.at(-1)
  if (last === undefined) throw new SqlFault(kindOf(node).byte, 'expected values in the brackets of COALESCE')
  const branches = values
    .slice(0, -1)
    .map((value) => ({ when: present(value), value: { ...value, missing: undefined } }))
  const needed = branches.findIndex(({ when }) => when === 'true')
  if (needed >= 0) return values[needed] ?? last
  const { text } = chosen(branches, last)
  const missing =
    last.missing === undefined
      ? undefined
      : branches
          .map(({ when }) => grouped(not(when)))
          .concat(grouped(last.missing))
          .join(' && ')
  return { type: commonType(values), text, missing }
}

function commonType(values: readonly SqlValue[]): SqlType {
  const types = new Set(values.map(({ type }) => type).filter((type) => type !== 'null'))
  if (types.size === 0) return 'null'
  if (types.size === 1) return [...types][0] ?? 'any'
  return [...types].every((type) => type === 'integer' || type === 'number') ? 'number' : 'any'
}
