/** A join of two sources: how it is written, and how it comes between the sources and the pipeline of a job. */
import { z } from 'zod'
import { type ExpressionPlan, type JoinPlan, type JoinSide, joinStrangers } from '../../../operators/index.ts'
import type { PipelineDocument, SourceDocument } from '../document.ts'
import { pointerOf } from '../text/read.ts'
import { checkExpression, expression, fields, keys } from './expressions.ts'
import { choice, duration, text } from './values.ts'
import { expects, type Reporter, report, rule, strict } from './words.ts'

const WAIT = { most: '520w' }
const SIZE = { least: '1ms', most: '520w' }
const ON = 'what has to be equal, such as id, or { left: auction, right: id }'
const WITHIN = 'a time such as 10m, or { before: 5m, after: 0s }'

const on = () =>
  z.union(
    [
      keys(ON).transform((both) => ({ left: both, right: both, split: false })),
      strict(ON, { left: keys('a key of the left source'), right: keys('a key of the right source') }).transform(
        (sides) => ({ ...sides, split: true }),
      ),
    ],
    expects(ON),
  )

const within = () =>
  z.union(
    [
      duration(WAIT).transform((ms) => ({ before: ms, after: ms })),
      strict(WITHIN, {
        before: duration(WAIT).meta({ description: 'How much earlier than the left record the right one may be.' }),
        after: duration(WAIT).meta({ description: 'How much later than the left record the right one may be.' }),
      }),
    ],
    expects(WITHIN),
  )

const window = () =>
  strict('a window such as { tumbling: 10m }', {
    tumbling: duration(SIZE).meta({ description: 'Size of windows that follow one another.' }),
    offset: duration().prefault('0s').meta({ description: 'Moves the windows.' }),
  }).check(
    rule<{ tumbling: number; offset: number }>(['tumbling', 'offset'], ({ tumbling, offset }, reporter) => {
      if (offset >= tumbling) report(reporter, ['offset'], 'an offset shorter than the window')
    }),
  )

const gone = () =>
  strict('conditions such as { right: op == "delete" }', {
    left: expression('a condition on records of the left table').optional(),
    right: expression('a condition on records of the right table').optional(),
  })

const shape = () =>
  strict('a join such as { left: bids, right: auctions, on: { left: auction, right: id }, within: 10m }', {
    left: text('the name of a source').meta({ description: 'The source whose records are the left ones.' }),
    right: text('the name of a source').meta({ description: 'The source whose records are the right ones.' }),
    type: choice('inner', 'left', 'right', 'outer')
      .prefault('inner')
      .meta({ description: 'Which side makes rows without a partner as well: none, one, or both (outer).' }),
    on: on().meta({ description: 'What is equal in two records that belong together.' }),
    within: within().optional().meta({ description: 'Two streams: how far apart in event time records may be.' }),
    window: window().optional().meta({ description: 'Two streams: records in the same window belong together.' }),
    table: choice('right', 'both').optional().meta({
      description:
        'Of a table the latest record of each key counts: as of the time of a left record, or of either side.',
    }),
    delete: gone().optional().meta({ description: 'Which records take their key out of a table.' }),
    select: fields('fields of a row by name, such as { price: bids.price }')
      .optional()
      .meta({ description: 'What a row says; both records under the names of their sources if absent.' }),
  })

type Shape = z.output<ReturnType<typeof shape>>

const KINDS = ['within', 'window', 'table'] as const

function checkKind(join: Shape, reporter: Reporter): void {
  const found = KINDS.filter((kind) => join[kind] !== undefined)
  if (found.length !== 1) {
    const sentence = `expected one of within, window and table; found ${found.length === 0 ? 'none' : found.join(' and ')}`
    report(reporter, [], 'one kind of join', {
      sentence,
      suggestion: 'add within: 10m, window: { tumbling: 10m } or table: right',
    })
  }
  if (join.left === join.right) {
    report(reporter, ['right'], 'another source', {
      sentence: `"${join.right}" is the left of this join already`,
      suggestion: 'name the topic twice in sources to join it with itself',
    })
  }
  const { left, right } = join.on
  if (left.length !== right.length) {
    const sentence = `expected as many expressions on the right as on the left, ${left.length}; found ${right.length}`
    report(reporter, ['on', 'right'], 'as many expressions', { sentence })
  }
}

function checkTable({ table, type, delete: conditions }: Shape, reporter: Reporter): void {
  if (table === 'right' && type !== 'inner' && type !== 'left') {
    const sentence = `expected a join with a table on the right to be inner or left; found "${type}": a change of the table alone makes no row`
    report(reporter, ['type'], 'inner or left', { sentence })
  }
  if (conditions === undefined) return
  const streams = table === undefined ? ['left', 'right'] : table === 'right' ? ['left'] : []
  for (const side of ['left', 'right'] as const) {
    if (conditions[side] === undefined || !streams.includes(side)) continue
    const sentence = `the ${side} is a stream, from which nothing is deleted`
    report(reporter, ['delete', side], 'a table', { sentence, atName: true })
  }
}

export const join = () =>
  shape().check(rule(['left', 'right', 'on', ...KINDS], checkKind), rule(['table', 'type', 'delete'], checkTable))

export type JoinParts = z.output<ReturnType<typeof join>>

/** What can only be said of a join beside the sources and the pipeline. */
export function checkJoin(
  {
    join,
    sources,
    pipeline,
  }: {
    readonly join?: JoinParts | undefined
    readonly sources?: readonly SourceDocument[] | undefined
    readonly pipeline: PipelineDocument
  },
  reporter: Reporter,
): void {
  if (join === undefined) return
  if (sources === undefined) {
    report(reporter, ['join'], 'sources', {
      sentence: 'a join needs two sources; there are none by name',
      atName: true,
    })
    return
  }
  const names = sources.flatMap(({ name }) => name ?? [])
  const unknown = (['left', 'right'] as const).filter((side) => !names.includes(join[side]))
  for (const side of unknown) report(reporter, ['join', side], `one of the sources ${names.join(', ')}`)
  if (unknown.length > 0) return
  for (const name of names) {
    if (name === join.left || name === join.right) continue
    const sentence = `a join reads two sources; "${name}" is neither its left nor its right`
    report(reporter, ['sources', name], 'a source of the join', { sentence, atName: true })
  }
  if (pipeline.window !== undefined && sources.some(({ onIdle }) => onIdle === 'close')) {
    const sentence =
      'windows over the rows of a join cannot be closed by silence, since rows may still wait for partners'
    report(reporter, ['sources'], 'onIdle: emit or wait', { sentence, suggestion: 'write emit or wait', atName: true })
  }
  checkRows(join, pipeline, reporter)
}

function checkRows(join: JoinParts, { steps, keyBy, window, ordered }: PipelineDocument, reporter: Reporter): void {
  const holds = window !== undefined || ordered !== undefined
  // By the key of the join only windows of time can be made, in the stage of the join itself.
  if (keyBy === undefined ? ordered !== undefined || window?.kind === 'global' : !holds) {
    const sentence =
      'expected steps of single records behind a join, and then a window of time with aggregate for the key of the join, or keyBy with a window or a step in its place'
    report(reporter, ['pipeline'], 'steps of single records', { sentence })
  }
  if (steps.some(({ kind }) => kind === 'explode')) {
    const sentence = 'a row of a join cannot be exploded; explode the records of a source before, in its own pipeline'
    report(reporter, ['pipeline'], 'no explode', { sentence })
  }
  for (const side of ['left', 'right'] as const) {
    if (join.select !== undefined) break
    const before = { told: false }
    const listening: Reporter = {
      addIssue: () => {
        before.told = true
      },
    }
    checkExpression(listening, join[side])
    if (!before.told) continue
    const sentence = `"${join[side]}" cannot be a name in expressions; give the source another, or say what rows select`
    report(reporter, ['join', side], 'a name for expressions', { sentence })
  }
  const [stranger] = join.select === undefined ? [] : joinStrangers(planOf(join, []))
  if (stranger === undefined) return
  const sentence = `expected expressions of select to read ${join.left} or ${join.right}; found the name "${stranger}"`
  report(reporter, ['join', 'select'], 'names of the sources', { sentence })
}

/** The fields of a row. */
export const selectedNames = ({ left, right, select }: JoinParts): readonly string[] =>
  select === undefined ? [left, right] : Object.keys(select)

const at = (source: string, ...path: readonly string[]): ExpressionPlan => ({
  source,
  pointer: pointerOf(['join', ...path]),
})

function planOf(join: JoinParts, steps: JoinPlan['steps']): JoinPlan {
  const { left, right, type, select } = join
  const chosen =
    select === undefined
      ? { [left]: at(left, 'left'), [right]: at(right, 'right') }
      : Object.fromEntries(Object.entries(select).map(([name, source]) => [name, at(source, 'select', name)]))
  return { kind: 'join', names: { left, right }, type, match: matchOf(join), select: chosen, steps }
}

function matchOf({ within, window, table, delete: conditions }: JoinParts): JoinPlan['match'] {
  if (within !== undefined) return { kind: 'within', beforeMs: within.before, afterMs: within.after }
  if (window !== undefined) return { kind: 'window', sizeMs: window.tumbling, offsetMs: window.offset }
  const { left, right } = conditions ?? {}
  const gone = {
    ...(left === undefined ? {} : { left: at(left, 'delete', 'left') }),
    ...(right === undefined ? {} : { right: at(right, 'delete', 'right') }),
  }
  return { kind: 'table', tables: table ?? 'right', ...(conditions === undefined ? {} : { delete: gone }) }
}

/**
 * Each source with its side and key, and the pipeline as what rows go through. A table comes before a stream: of two records of
 * the same time that of the table is first (operators/ordered/join/table-join.ts).
 */
export function withJoin(
  join: JoinParts,
  sources: readonly SourceDocument[],
  pipeline: PipelineDocument,
): { readonly sources: readonly SourceDocument[]; readonly pipeline: PipelineDocument } {
  const keyOf = (side: JoinSide): readonly ExpressionPlan[] =>
    join.on[side].map((source) => (join.on.split ? at(source, 'on', side) : at(source, 'on')))
  const sided = sources.map((source): SourceDocument => {
    const side = source.name === join.right ? 'right' : 'left'
    return { ...source, joined: { side, keyBy: keyOf(side) } }
  })
  const tableFirst = join.table === 'right' ? sided.toSorted((a, b) => rankOf(a) - rankOf(b)) : sided
  const { steps, ...rest } = pipeline
  const joined = { steps: [], keyBy: keyOf('left'), ordered: planOf(join, steps) }
  // Another key than that of the join is another stage.
  const staged = rest.keyBy === undefined ? { ...rest, ...joined } : { ...joined, aggregates: [], next: rest }
  return { sources: tableFirst, pipeline: staged }
}

const rankOf = ({ joined }: SourceDocument): number => (joined?.side === 'right' ? 0 : 1)
