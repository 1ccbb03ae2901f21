/**
 * Groups: a key, a window, aggregates; then HAVING, and the columns of the query where they are more than aggregates, as
 * steps on the rows.
 */
import type { ColumnRef, FuncCall, Node } from 'libpg-query'
import { type AggregateDocument, aggregateIn, aggregateOf } from './aggregate.ts'
import { truth } from './condition.ts'
import type { QueryColumn } from './derived.ts'
import { isEdge, type Scope, valueAt } from './expression.ts'
import { kindOf, SqlFault } from './fault.ts'
import { nameOf } from './function.ts'
import type { Target } from './select.ts'
import { type SqlValue, whole } from './value.ts'
import { windowedBy, windowIn, windowOf } from './window.ts'

export interface Grouping {
  readonly targets: readonly Target[]
  readonly group: readonly Node[]
  readonly having: Node | undefined
  /** Without a key, rows that come have one, and it is none of theirs. */
  readonly keyed: boolean
}

export type PlacedStep = readonly [step: object, byte: number | undefined]

export interface Grouped {
  readonly steps: readonly PlacedStep[]
  readonly columns: readonly QueryColumn[]
  /** What holds the rows of one of its windows; undefined: groups are over all time. */
  readonly windowed: object | undefined
}

export function groupSteps({ targets, group, having, keyed }: Grouping, scope: Scope): Grouped {
  const [window, second] = group.flatMap((node) => windowIn(node) ?? [])
  if (second !== undefined) {
    throw new SqlFault(second.location, 'expected one window in GROUP BY; this is the second')
  }
  const keys = group.filter((node) => windowIn(node) === undefined).map((node) => keyOf(node, targets, scope))
  const rows = new Rows(keys, scope)
  const columns = targets.map((target) => rows.column(target))
  const condition = having === undefined ? undefined : truth(having, rows.scope).yes
  const at = targets[0]?.byte
  const texts = keys.map(({ text }) => text)
  const steps: PlacedStep[] = []
  if (texts.length > 0) steps.push([{ keyBy: texts.length === 1 ? texts[0] : texts }, keys[0]?.byte])
  else if (keyed) steps.push([{ keyBy: 'null' }, at])
  // Grouped by the edges of their windows, rows are in windows again.
  const same = keys.some(({ edge }) => edge) ? scope.table.windowed : undefined
  const shape = window === undefined ? same : windowOf(window, scope)
  // Without a window groups are over all time, and a row is shown with every change, as a table that is kept up to date.
  const held = shape ?? { global: true, emit: 'onUpdate' }
  steps.push([{ window: held }, window?.location ?? keys[0]?.byte ?? at])
  steps.push([{ aggregate: rows.aggregates }, at])
  if (condition !== undefined && having !== undefined) steps.push([{ filter: condition }, kindOf(having).byte])
  // Rows that say nothing else than their aggregates are as they should be.
  const plain =
    columns.every(({ name, text }) => name === text) && columns.length === Object.keys(rows.aggregates).length
  if (!plain) steps.push([{ map: Object.fromEntries(columns.map(({ name, text }) => [name, text])) }, at])
  return { steps, columns, windowed: shape && windowedBy({ ...shape }) }
}

interface Key {
  /** In records. */
  readonly text: string
  readonly value: SqlValue
  readonly byte: number | undefined
  readonly edge: boolean
}

/** A column, or else what a column of the query is called. */
function keyOf(node: Node, targets: readonly Target[], scope: Scope): Key {
  const { byte } = kindOf(node)
  if ('A_Const' in node) throw new SqlFault(byte, 'expected a column or an expression in GROUP BY; found a constant')
  let meant: Node = node
  if ('ColumnRef' in node && textOf(node, scope) === undefined) {
    const target = targets.find(({ name }) => name === lastNameOf(node.ColumnRef))
    if (target !== undefined && aggregateIn(target.node) === undefined) meant = target.node
  }
  const value = valueAt(meant, scope)
  return { text: whole(value), value, byte, edge: isEdge(meant, scope) }
}

const lastNameOf = ({ fields = [] }: ColumnRef): string => {
  const last = fields.at(-1)
  return last !== undefined && 'String' in last ? (last.String.sval ?? '') : '*'
}

/** What a node is in records; undefined where it is nothing there. */
function textOf(node: Node, scope: Scope): string | undefined {
  try {
    return whole(valueAt(node, scope))
  } catch (error) {
    if (error instanceof SqlFault) return undefined
    throw error
  }
}

/** `TUMBLE_START(…)` and the like: an edge of the row's window. */
function edgeOf(node: Node): string | undefined {
  if (!('FuncCall' in node)) return undefined
  const [, edge] = /^(?:tumble|hop|session|calendar)_(start|end)$/.exec(nameOf(node.FuncCall)) ?? []
  return edge
}

/** What rows of the groups say, and the aggregates that this takes. */
class Rows {
  readonly scope: Scope
  readonly aggregates: Record<string, AggregateDocument> = {}
  readonly #keys: readonly Key[]
  readonly #records: Scope

  constructor(keys: readonly Key[], records: Scope) {
    this.#keys = keys
    this.#records = records
    this.scope = { ...records, inRow: (node) => this.#inRow(node) }
  }

  column(target: Target): QueryColumn {
    const { name, byte } = target
    if (name === undefined) throw new SqlFault(byte, '* cannot be a column of groups', 'name the columns')
    if (windowIn(target.node) !== undefined)
      throw new SqlFault(byte, 'every row has its window already', 'leave it out')
    const node: Node = target.node
    const aggregate = aggregateIn(node)
    const value = aggregate === undefined ? valueAt(node, this.scope) : this.#aggregate(aggregate, name)
    const edge = edgeOf(node) !== undefined || isEdge(node, this.#records)
    return { name, text: whole(value), type: value.type, nullable: value.missing !== undefined, edge }
  }

  #inRow(node: Node): SqlValue | undefined {
    const aggregate = aggregateIn(node)
    if (aggregate !== undefined) return this.#aggregate(aggregate, undefined)
    const edge = edgeOf(node)
    if (edge !== undefined) return { type: 'integer', text: `window.${edge}`, missing: undefined }
    const key = this.#keyOf(node)
    if (key === undefined && 'ColumnRef' in node) {
      const name = lastNameOf(node.ColumnRef)
      // A column that is not there is told as such.
      valueAt(node, this.#records)
      throw new SqlFault(node.ColumnRef.location, `the column "${name}" is neither in GROUP BY nor in an aggregate`)
    }
    return key
  }

  #keyOf(node: Node): SqlValue | undefined {
    if ('A_Const' in node) return undefined
    const text = textOf(node, this.#records)
    const index = this.#keys.findIndex((key) => key.text === text)
    const key = this.#keys[index]
    if (key === undefined) return undefined
    const inRow = this.#keys.length === 1 ? 'key' : `key[${index}]`
    return {
      type: key.value.type,
      text: inRow,
      missing: key.value.missing === undefined ? undefined : `${inRow} == null`,
    }
  }

  #aggregate(call: FuncCall, wanted: string | undefined): SqlValue {
    const { document, type, counted } = aggregateOf(call, this.#records)
    const text = this.#named(document, wanted)
    const never = typeof document === 'string' || 'count' in document || 'countDistinct' in document
    if (counted !== undefined) return { type, text, missing: `${this.#named(counted, undefined)} == 0` }
    // A sum of what is never NULL is none, and neither is a list.
    const total =
      never || (typeof document !== 'string' && ('sum' in document || 'collect' in document || 'topK' in document))
    return { type, text, missing: total ? undefined : `${text} == null` }
  }

  /** The same aggregate is computed once. */
  #named(document: AggregateDocument, wanted: string | undefined): string {
    const same = Object.entries(this.aggregates).find(([, known]) => JSON.stringify(known) === JSON.stringify(document))
    if (same !== undefined) return same[0]
    const name =
      wanted !== undefined && /^[A-Za-z_]\w*$/.test(wanted)
        ? wanted
        : `column${Object.keys(this.aggregates).length + 1}`
    const free = Object.hasOwn(this.aggregates, name) ? `${name}_` : name
    this.aggregates[free] = document
    return free
  }
}
