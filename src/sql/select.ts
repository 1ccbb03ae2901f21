/** `SELECT`: the pipeline of a job. Each part of it remembers the byte where it stands in the statement. */
import type { Node, ResTarget, SelectStmt } from 'libpg-query'
import { aggregateIn } from './aggregate.ts'
import { truth } from './condition.ts'
import { type Scope, valueAt } from './expression.ts'
import { expectOnly, kindOf, SqlFault } from './fault.ts'
import { nameOf } from './function.ts'
import { groupSteps } from './group.ts'
import { type Join, joinOf } from './join.ts'
import { type Table, tableNamed } from './table.ts'
import { whole } from './value.ts'

export interface Pipeline {
  readonly from: Table | Join
  readonly steps: readonly object[]
  /** Where the step of an index stands. */
  readonly bytes: readonly number[]
}

/** Settings that are part of a window. */
export interface WindowSettings {
  readonly allowedLateness?: unknown
  readonly emit?: unknown
}

const PARTS = ['targetList', 'fromClause', 'whereClause', 'groupClause', 'havingClause', 'limitOption', 'op']

export function pipelineOf(select: SelectStmt, tables: ReadonlyMap<string, Table>, settings: WindowSettings): Pipeline {
  const { targetList = [], whereClause, groupClause = [], havingClause, op } = select
  if (op !== 'SETOP_NONE')
    throw new SqlFault(firstByte(targetList), 'UNION and the like cannot be part of the query of a job')
  expectOnly(select, PARTS, firstByte(targetList), 'the query')
  const from = fromOf(select, tables)
  const scope = from.scope
  const steps: (readonly [step: object, byte: number | undefined])[] = []
  if (whereClause !== undefined) steps.push([{ filter: truth(whereClause, scope).yes }, kindOf(whereClause).byte])
  const targets = targetsOf(targetList)
  const grouped =
    groupClause.length > 0 || havingClause !== undefined || targets.some(({ node }) => aggregateIn(node) !== undefined)
  if (grouped && 'join' in from) {
    const [where = havingClause] = groupClause
    const byte = where === undefined ? firstByte(targetList) : kindOf(where).byte
    throw new SqlFault(
      byte,
      'a join has no groups: its rows are what it says',
      'write them to a topic, and group them by another job',
    )
  }
  steps.push(
    ...(grouped
      ? groupSteps({ targets, group: groupClause, having: havingClause, settings }, scope)
      : rowSteps(targets, scope, settings)),
  )
  return {
    from: 'join' in from ? from.join : scope.table,
    steps: steps.map(([step]) => step),
    bytes: steps.map(([, byte]) => byte ?? 0),
  }
}

function fromOf(
  { fromClause = [], targetList = [] }: SelectStmt,
  tables: ReadonlyMap<string, Table>,
): { readonly scope: Scope } | { readonly scope: Scope; readonly join: Join } {
  const [from, second] = fromClause
  if (from === undefined) throw new SqlFault(firstByte(targetList), 'expected FROM with a table; found none')
  if (second !== undefined) throw new SqlFault(kindOf(second).byte, 'expected one table after FROM; found two')
  if (!('RangeVar' in from)) {
    if (!('JoinExpr' in from)) {
      throw new SqlFault(
        kindOf(from).byte ?? firstByte(targetList),
        'expected a table after FROM; found something else',
      )
    }
    const join = joinOf(from.JoinExpr, tables)
    return { scope: join.scope, join }
  }
  const { relname = '', alias, location } = from.RangeVar
  const table = tableNamed(tables, relname, location)
  return { scope: { table, alias: alias?.aliasname ?? relname } }
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
function rowSteps(targets: readonly Target[], scope: Scope, settings: WindowSettings) {
  for (const name of ['allowedLateness', 'emit'] as const) {
    if (settings[name] !== undefined)
      throw new SqlFault(targets[0]?.byte, `${name} is set, and this query has no windows`)
  }
  if (scope.inRow !== undefined && targets.some(({ name }) => name === undefined)) {
    throw new SqlFault(targets[0]?.byte, '* cannot be a column of a join', 'name the columns')
  }
  const fields = targets.flatMap(({ node, name }) =>
    name === undefined ? [] : [[name, whole(valueAt(node, scope))] as const],
  )
  const star = targets.some(({ name }) => name === undefined)
  if (fields.length === 0) return []
  const step = { [star ? 'compute' : 'map']: Object.fromEntries(fields) }
  return [[step, targets[0]?.byte] as const]
}

const firstByte = (list: readonly Node[]): number => (list[0] === undefined ? 0 : (kindOf(list[0]).byte ?? 0))
