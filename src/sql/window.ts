/** Windows in GROUP BY: calls whose first value is the time of the table. */
import type { FuncCall, Node } from 'libpg-query'
import { formatDuration, parseDuration } from '../../operators/index.ts'
import { columnName, isTime, type Scope } from './expression.ts'
import { kindOf, SqlFault } from './fault.ts'
import { nameOf } from './function.ts'
import { durationOf } from './interval.ts'
import { WINDOWS } from './names.ts'

/** The call of a window that a node is; undefined when it is something else. */
export const windowIn = (node: Node): FuncCall | undefined =>
  'FuncCall' in node && WINDOWS.includes(nameOf(node.FuncCall)) ? node.FuncCall : undefined

const FORMS: Readonly<Record<string, string>> = {
  tumble: 'TUMBLE(time, size) or TUMBLE(time, size, offset)',
  hop: 'HOP(time, every, size) or HOP(time, every, size, offset)',
  session: 'SESSION(time, gap)',
  calendar: "CALENDAR(time, 'day' or 'week' or 'month', zone)",
}

export function windowOf(call: FuncCall, scope: Scope): object {
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

/**
 * The window that holds rows of windows of this shape that are one and the same: those of a step have ends that lie a step
 * apart, and of any others the rows of one have the same time.
 */
export function windowedBy(shape: Readonly<Record<string, unknown>>): object {
  const ms = (text: unknown): number => (typeof text === 'string' ? (parseDuration(text) ?? 0) : 0)
  const { tumbling, hopping, every = tumbling, offset } = shape
  if (typeof every !== 'string') return { tumbling: '1s' }
  const moved = (ms(hopping ?? tumbling) + ms(offset)) % ms(every)
  return { tumbling: every, ...(moved === 0 ? {} : { offset: formatDuration(moved) }) }
}

/** Windows are of the time that the table has. */
function checkTime(node: Node, scope: Scope): void {
  if (isTime(node, scope)) return
  if (scope.isTime !== undefined) {
    throw new SqlFault(
      kindOf(node).byte,
      'expected the time of the rows of the join, which is that of the later record',
      'let the interval begin or end at the time of the table whose records come first, and name the time of the other',
    )
  }
  if ('FuncCall' in node && nameOf(node.FuncCall) === 'proctime') {
    throw new SqlFault(
      node.FuncCall.location,
      'there is no time of processing: each replica has another, and they could agree on no result',
      'write log_time(), which is the time that the log gave each record, for a table without a time',
    )
  }
  const name = 'ColumnRef' in node ? columnName(node.ColumnRef, scope) : undefined
  const time = scope.table.options.get('time')?.value
  const help =
    time === undefined
      ? `say what the time of ${scope.table.name} is, WITH (time = '${name ?? 'at'}'), or write log_time() for that of the log`
      : `write ${String(time)}, which is the time of ${scope.table.name}`
  throw new SqlFault(kindOf(node).byte, 'expected the column with the time of the table', help)
}
