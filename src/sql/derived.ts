/**
 * A query in brackets as a table: its columns, and where its rows have windows, their edges and their time, called as in Flink
 * `window_start`, `window_end` and `window_time`. Rows come once, when nothing can change them.
 */
import type { Column, Option, Table } from './table.ts'
import type { SqlType } from './value.ts'

/** A column of a query. */
export interface QueryColumn {
  readonly name: string
  /** What it is in the rows that the columns are made of. */
  readonly text: string
  readonly type: SqlType
  readonly nullable: boolean
  /** It is an edge of the window of a row. */
  readonly edge: boolean
}

const EDGES: readonly (readonly [string, Column])[] = [
  ['window_start', { type: 'integer', nullable: false, text: 'window.start', edge: true }],
  ['window_end', { type: 'integer', nullable: false, text: 'window.end', edge: true }],
  ['window_time', { type: 'integer', nullable: false, text: '(window.end - 1)', edge: true }],
]

export function derivedTable(
  name: string,
  byte: number,
  {
    columns,
    time,
    windowed,
  }: {
    readonly columns: readonly QueryColumn[]
    readonly time: string | undefined
    readonly windowed: object | undefined
  },
): Table {
  const own = columns.map(({ name, type, nullable, edge }) => [name, { type, nullable, edge }] as const)
  const called = windowed === undefined ? time : 'window_time'
  const options = new Map<string, Option>(called === undefined ? [] : [['time', { value: called, byte }]])
  const all = new Map<string, Column>([...(windowed === undefined ? [] : EDGES), ...own])
  return { name, byte, columns: all, options, ...(windowed === undefined ? {} : { windowed }) }
}

/** Those that `*` stands for. */
export const columnsOf = ({ columns }: Table): readonly QueryColumn[] =>
  [...columns].flatMap(([name, { type, nullable, text, edge = false }]) =>
    text === undefined ? [{ name, text: name, type, nullable, edge }] : [],
  )
