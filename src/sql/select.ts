/** `SELECT`: the pipeline of a job. Each part of it remembers the byte where it stands in the statement. */
import type { FuncCall, Node, ResTarget, SelectStmt } from 'libpg-query'
import { aggregateOf, isAggregate } from './aggregate.ts'
import { truth } from './condition.ts'
import { columnName, type Scope, valueAt } from './expression.ts'
import { expectOnly, kindOf, SqlFault } from './fault.ts'
import { nameOf } from './function.ts'
import { durationOf } from './interval.ts'
import { WINDOWS } from './names.ts'
import { type Table, tableNamed } from './table.ts'
import { whole } from './value.ts'

export interface Pipeline {
  readonly table: Table
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
  const scope = scopeOf(select, tables)
  const steps: (readonly [step: object, byte: number | undefined])[] = []
  if (whereClause !== undefined) steps.push([{ filter: truth(whereClause, scope).yes }, kindOf(whereClause).byte])
  if (havingClause !== undefined) {
    const { byte } = kindOf(havingClause)
    throw new SqlFault(
      byte,
      'HAVING cannot be part of the query of a job',
      'select what the rows are chosen by, and let their reader choose',
    )
  }
  const targets = targetsOf(targetList)
  const grouped = groupClause.length > 0 || targets.some(({ node }) => isAggregate(node))
  steps.push(...(grouped ? groupSteps(targets, groupClause, scope, settings) : rowSteps(targets, scope, settings)))
  return { table: scope.table, steps: steps.map(([step]) => step), bytes: steps.map(([, byte]) => byte ?? 0) }
}

function scopeOf({ fromClause = [], targetList = [] }: SelectStmt, tables: ReadonlyMap<string, Table>): Scope {
  const [from, second] = fromClause
  if (from === undefined) throw new SqlFault(firstByte(targetList), 'expected FROM with a table; found none')
  if (second !== undefined) throw new SqlFault(kindOf(second).byte, 'expected one table after FROM; found two')
  if (!('RangeVar' in from)) {
    const what = 'JoinExpr' in from ? 'a join' : 'something else'
    throw new SqlFault(kindOf(from).byte ?? firstByte(targetList), `expected one table after FROM; found ${what}`)
  }
  const { relname = '', alias, location } = from.RangeVar
  const table = tableNamed(tables, relname, location)
  return { table, alias: alias?.aliasname ?? relname }
}

interface Target {
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
  const fields = targets.flatMap(({ node, name }) =>
    name === undefined ? [] : [[name, whole(valueAt(node, scope))] as const],
  )
  const star = targets.some(({ name }) => name === undefined)
  if (fields.length === 0) return []
  const step = { [star ? 'compute' : 'map']: Object.fromEntries(fields) }
  return [[step, targets[0]?.byte] as const]
}

function groupSteps(targets: readonly Target[], group: readonly Node[], scope: Scope, settings: WindowSettings) {
  const windows = group.filter(isWindow)
  const [window, second] = windows
  if (second !== undefined)
    throw new SqlFault(second.FuncCall.location, 'expected one window in GROUP BY; this is the second')
  const keys = group
    .filter((node) => !isWindow(node))
    .map((node) => ({ text: keyText(node, targets, scope), byte: kindOf(node).byte }))
  const steps: (readonly [object, number | undefined])[] = []
  const texts = keys.map(({ text }) => text)
  if (texts.length > 0) steps.push([{ keyBy: texts.length === 1 ? texts[0] : texts }, keys[0]?.byte])
  // Without a window groups are over all time, and a row is shown with every change, as a table that is kept up to date.
  const shape = window === undefined ? { global: true, emit: 'onUpdate' } : windowOf(window.FuncCall, scope)
  const byte = window?.FuncCall.location ?? keys[0]?.byte ?? targets[0]?.byte
  steps.push([{ window: { ...shape, ...settings } }, byte])
  const aggregates = targets.map(({ node, name, byte }) => {
    if (name === undefined) throw new SqlFault(byte, '* cannot be a column of groups', 'name the columns')
    if (isWindow(node)) throw new SqlFault(byte, 'every row has its window already', 'leave it out')
    if (isAggregate(node)) return [name, aggregateOf(node.FuncCall, scope)] as const
    const text = whole(valueAt(node, scope))
    if (!texts.includes(text)) throw new SqlFault(byte, `the column "${name}" is neither in GROUP BY nor an aggregate`)
    // It is one value in all records of a group.
    return [name, { first: text }] as const
  })
  steps.push([{ aggregate: Object.fromEntries(aggregates) }, targets[0]?.byte])
  return steps
}

/** A column, or else what a column of the query is called. */
function keyText(node: Node, targets: readonly Target[], scope: Scope): string {
  if ('A_Const' in node)
    throw new SqlFault(kindOf(node).byte, 'expected a column or an expression in GROUP BY; found a constant')
  if ('ColumnRef' in node && !scope.table.columns.has(columnName(node.ColumnRef, scope))) {
    const target = targets.find(({ name }) => name === columnName(node.ColumnRef, scope))
    if (target !== undefined && !isAggregate(target.node)) return whole(valueAt(target.node, scope))
  }
  return whole(valueAt(node, scope))
}

const isWindow = (node: Node): node is { FuncCall: FuncCall } =>
  'FuncCall' in node && WINDOWS.includes(nameOf(node.FuncCall))

const FORMS: Readonly<Record<string, string>> = {
  tumble: 'TUMBLE(time, size) or TUMBLE(time, size, offset)',
  hop: 'HOP(time, every, size) or HOP(time, every, size, offset)',
  session: 'SESSION(time, gap)',
  calendar: "CALENDAR(time, 'day' or 'week' or 'month', zone)",
}

function windowOf(call: FuncCall, scope: Scope): object {
  const { args = [], location } = call
  const name = nameOf(call)
  const [time, ...rest] = args
  const counts: Readonly<Record<string, readonly [number, number]>> = {
    tumble: [1, 2],
    hop: [2, 3],
    session: [1, 1],
    calendar: [1, 2],
  }
  const [least, most] = counts[name] ?? [0, 0]
  if (time === undefined || rest.length < least || rest.length > most) {
    throw new SqlFault(location, `expected ${FORMS[name]}; found ${args.length} values in the brackets`)
  }
  checkTime(time, scope)
  const duration = (i: number) => durationOf(rest[i], location)
  const offset = (i: number) => (rest[i] === undefined ? {} : { offset: duration(i) })
  switch (name) {
    case 'tumble':
      return { tumbling: duration(0), ...offset(1) }
    case 'hop':
      return { hopping: duration(1), every: duration(0), ...offset(2) }
    case 'session':
      return { session: duration(0) }
    default: {
      const zone = rest[1] === undefined ? {} : { zone: textOf(rest[1]) }
      return { calendar: textOf(rest[0]), ...zone }
    }
  }
}

const textOf = (node: Node | undefined): string => {
  const text = node !== undefined && 'A_Const' in node ? node.A_Const.sval?.sval : undefined
  if (text === undefined) throw new SqlFault(node === undefined ? 0 : kindOf(node).byte, 'expected a text in quotes')
  return text
}

/** Windows are of the time that the table has. */
function checkTime(node: Node, scope: Scope): void {
  const name = 'ColumnRef' in node ? columnName(node.ColumnRef, scope) : undefined
  const time = scope.table.options.get('time')?.value
  if (name !== undefined && name === time) return
  const help =
    time === undefined
      ? `say what the time of ${scope.table.name} is: WITH (time = '${name ?? 'at'}')`
      : `write ${String(time)}, which is the time of ${scope.table.name}`
  throw new SqlFault(kindOf(node).byte, 'expected the column with the time of the table', help)
}

const firstByte = (list: readonly Node[]): number => (list[0] === undefined ? 0 : (kindOf(list[0]).byte ?? 0))
