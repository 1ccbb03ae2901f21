/** `SELECT`: the pipeline of a job. Each part of it remembers the byte where it stands in the statement. */
import type { Node, RangeSubselect, ResTarget, SelectStmt } from 'libpg-query'
import { aggregateIn } from './aggregate.ts'
import { truth } from './condition.ts'
import { columnsOf, derivedTable, type QueryColumn } from './derived.ts'
import { isEdge, isTime, type Scope, valueAt } from './expression.ts'
import { expectOnly, kindOf, SqlFault } from './fault.ts'
import { nameOf } from './function.ts'
import { groupSteps, type PlacedStep } from './group.ts'
import { type Join, joinOf } from './join.ts'
import { type Table, tableNamed } from './table.ts'
import { whole } from './value.ts'

export interface Pipeline {
  readonly from: Table | Join
  readonly steps: readonly object[]
  /** Where the step of an index stands. */
  readonly bytes: readonly number[]
}

/** Settings that are part of windows: lateness of the first, rows before the close of the last. */
export interface WindowSettings {
  readonly allowedLateness?: unknown
  readonly emit?: unknown
}

/** A query, which may be one in brackets. */
interface Query {
  readonly from: Table | Join
  readonly steps: readonly PlacedStep[]
  readonly columns: readonly QueryColumn[]
  /** The column with the time of its rows. */
  readonly time: string | undefined
  readonly windowed: object | undefined
}

const PARTS = ['targetList', 'fromClause', 'whereClause', 'groupClause', 'havingClause', 'limitOption', 'op']

export function pipelineOf(select: SelectStmt, tables: ReadonlyMap<string, Table>, settings: WindowSettings): Pipeline {
  const { from, steps } = queryOf(select, tables)
  const windows = steps.flatMap(([step], i) => ('window' in step ? [i] : []))
  for (const name of ['allowedLateness', 'emit'] as const) {
    if (settings[name] === undefined || windows.length > 0) continue
    throw new SqlFault(firstByte(select.targetList ?? []), `${name} is set, and this query has no windows`)
  }
  const { allowedLateness, emit } = settings
  const set = steps.map(([step], i) => {
    if (!('window' in step)) return step
    const first = i === windows[0] && allowedLateness !== undefined ? { allowedLateness } : {}
    const last = i === windows.at(-1) && emit !== undefined ? { emit } : {}
    return { window: { ...(step.window as object), ...first, ...last } }
  })
  return { from, steps: set, bytes: steps.map(([, byte]) => byte ?? 0) }
}

function queryOf(select: SelectStmt, tables: ReadonlyMap<string, Table>): Query {
  const { targetList = [], whereClause, groupClause = [], havingClause, op } = select
  if (op !== 'SETOP_NONE')
    throw new SqlFault(firstByte(targetList), 'UNION and the like cannot be part of the query of a job')
  expectOnly(select, PARTS, firstByte(targetList), 'the query')
  const { from, scope, before } = fromOf(select, tables)
  const steps: PlacedStep[] = [...before]
  if (whereClause !== undefined) steps.push([{ filter: truth(whereClause, scope).yes }, kindOf(whereClause).byte])
  const targets = targetsOf(targetList)
  const grouped =
    groupClause.length > 0 || havingClause !== undefined || targets.some(({ node }) => aggregateIn(node) !== undefined)
  if (!grouped) {
    const { columns, time, steps: row } = rowSteps(targets, scope)
    return { from, steps: [...steps, ...row], columns, time, windowed: scope.table.windowed }
  }
  // Rows of a join have its key, until they are grouped.
  const keyed = 'documents' in from && !steps.some(([step]) => 'window' in step)
  const made = groupSteps({ targets, group: groupClause, having: havingClause, keyed }, scope)
  return { ...made, from, steps: [...steps, ...made.steps], time: undefined }
}

/** What is read, and the steps that come before. */
interface From {
  readonly from: Table | Join
  readonly scope: Scope
  readonly before: readonly PlacedStep[]
}

function fromOf({ fromClause = [], targetList = [] }: SelectStmt, tables: ReadonlyMap<string, Table>): From {
  const [from, second] = fromClause
  if (from === undefined) throw new SqlFault(firstByte(targetList), 'expected FROM with a table; found none')
  if (second !== undefined) throw new SqlFault(kindOf(second).byte, 'expected one table after FROM; found two')
  if ('RangeSubselect' in from) return subselect(from.RangeSubselect, tables, firstByte(targetList))
  if ('JoinExpr' in from) {
    const join = joinOf(from.JoinExpr, tables)
    return { from: join, scope: join.scope, before: [] }
  }
  if (!('RangeVar' in from)) {
    throw new SqlFault(kindOf(from).byte ?? firstByte(targetList), 'expected a table after FROM; found something else')
  }
  const { relname = '', alias, location } = from.RangeVar
  const table = tableNamed(tables, relname, location)
  return { from: table, scope: { table, alias: alias?.aliasname ?? relname }, before: [] }
}

/** A query in brackets: its rows are read by the query around it. */
function subselect(
  { subquery, alias, lateral }: RangeSubselect,
  tables: ReadonlyMap<string, Table>,
  byte: number,
): From {
  if (subquery === undefined || !('SelectStmt' in subquery)) throw new SqlFault(byte, 'expected SELECT in the brackets')
  const at = firstByte(subquery.SelectStmt.targetList ?? [])
  if (lateral === true) throw new SqlFault(at, 'LATERAL cannot be part of the query of a job')
  const { from, steps, ...query } = queryOf(subquery.SelectStmt, tables)
  const name = alias?.aliasname ?? 'query'
  return { from, scope: { table: derivedTable(name, at, query), alias: name }, before: steps }
}

export interface Target {
  readonly node: Node
  /** Undefined for `*`. */
  readonly name: string | undefined
  readonly byte: number | undefined
}

function targetsOf(list: readonly Node[]): Target[] {
  const seen = new Set<string>()
  return list.flatMap((each) => {
    if (!('ResTarget' in each) || each.ResTarget.val === undefined) return []
    const { val: node, location: byte } = each.ResTarget
    const name = nameOfTarget(each.ResTarget)
    if (name === undefined && !isStar(node)) throw new SqlFault(byte, 'this column has no name', 'give it one: AS name')
    if (name !== undefined && seen.has(name))
      throw new SqlFault(byte, `there are two columns "${name}"`, 'give one another name: AS …')
    if (name !== undefined) seen.add(name)
    return [{ node, name, byte }]
  })
}

const isStar = (node: Node): boolean =>
  'ColumnRef' in node && (node.ColumnRef.fields ?? []).some((field) => 'A_Star' in field)

/** As PostgreSQL names columns: by AS, the column, or the function. */
function nameOfTarget({ name, val }: ResTarget): string | undefined {
  if (name !== undefined) return name
  if (val === undefined) return undefined
  if ('FuncCall' in val) return nameOf(val.FuncCall)
  const last = 'ColumnRef' in val ? val.ColumnRef.fields?.at(-1) : undefined
  return last !== undefined && 'String' in last ? last.String.sval : undefined
}

/** Without groups, each record that passes is a row: all of it where there is a star. */
function rowSteps(targets: readonly Target[], scope: Scope) {
  const star = targets.some(({ name }) => name === undefined)
  if (scope.inRow !== undefined && star) {
    throw new SqlFault(targets[0]?.byte, '* cannot be a column of a join', 'name the columns')
  }
  const made = targets.flatMap(({ node, name }): QueryColumn[] => {
    if (name === undefined) return []
    const value = valueAt(node, scope)
    const { type, missing } = value
    return [{ name, text: whole(value), type, nullable: missing !== undefined, edge: isEdge(node, scope) }]
  })
  const columns = [...(star ? columnsOf(scope.table) : []), ...made]
  const time = targets.find(({ node, name }) => name !== undefined && isTime(node, scope))?.name
  const kept = star ? scope.table.options.get('time')?.value : undefined
  const fields = made.map(({ name, text }) => [name, text] as const)
  const step = { [star ? 'compute' : 'map']: Object.fromEntries(fields) }
  const steps: PlacedStep[] = fields.length === 0 ? [] : [[step, targets[0]?.byte]]
  return { columns, time: time ?? (typeof kept === 'string' ? kept : undefined), steps }
}

const firstByte = (list: readonly Node[]): number => (list[0] === undefined ? 0 : (kindOf(list[0]).byte ?? 0))
