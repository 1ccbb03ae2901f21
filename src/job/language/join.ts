/** A join of two sources: how it is written, and how it comes between the sources and the pipeline of a job. */
import { z } from 'zod'
import { type ExpressionPlan, type JoinPlan, type JoinSide, joinStrangers } from '../../../operators/index.ts'
import type { PipelineDocument, RoundDocument, SourceDocument } from '../document.ts'
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

const parts = () => ({
  right: text('the name of a source').meta({ description: 'The source whose records are the right ones.' }),
  type: choice('inner', 'left', 'right', 'outer')
    .prefault('inner')
    .meta({ description: 'Which side makes rows without a partner as well: none, one, or both (outer).' }),
  on: on().meta({ description: 'What is equal in two records that belong together.' }),
  within: within().optional().meta({ description: 'Two streams: how far apart in event time records may be.' }),
  window: window().optional().meta({ description: 'Two streams: records in the same window belong together.' }),
  table: choice('right', 'both').optional().meta({
    description: 'Of a table the latest record of each key counts: as of the time of a left record, or of either side.',
  }),
  delete: gone().optional().meta({ description: 'Which records take their key out of a table.' }),
  select: fields('fields of a row by name, such as { price: bids.price }')
    .optional()
    .meta({ description: 'What a row says; both records under the names of their sources if absent.' }),
})

const WHAT = 'a join such as { left: bids, right: auctions, on: { left: auction, right: id }, within: 10m }'
const LEFT = 'The source whose records are the left ones.'

const shape = () => strict(WHAT, { left: text('the name of a source').meta({ description: LEFT }), ...parts() })

/** One of several: only the first has a left source. */
const laterShape = () =>
  strict(WHAT, { left: text('the name of a source').optional().meta({ description: LEFT }), ...parts() })

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

export const laterJoin = () =>
  laterShape().check(
    rule<z.output<ReturnType<typeof laterShape>>>(['left', 'right', 'on', ...KINDS], (join, reporter) =>
      checkKind({ ...join, left: join.left ?? '' }, reporter),
    ),
    rule<z.output<ReturnType<typeof laterShape>>>(['table', 'type', 'delete'], (join, reporter) =>
      checkTable({ ...join, left: join.left ?? '' }, reporter),
    ),
  )

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
  checkJoinRows(planOf(join, []), ['join'], pipeline, reporter)
}

/** What is said of rows: by the join, and by the pipeline where it takes them. */
export function checkJoinRows(
  plan: JoinPlan,
  path: readonly (string | number)[],
  pipeline: PipelineDocument | undefined,
  reporter: Reporter,
): void {
  if (pipeline !== undefined) checkPipeline(pipeline, reporter)
  const { names, rows = [names.left], select } = plan
  const selects = Object.values(select).some(({ pointer }) => pointer.includes('/select/'))
  if (!selects) {
    for (const [side, list] of [
      ['left', rows],
      ['right', [names.right]],
    ] as const) {
      const bad = list.find((name) => !isName(name))
      if (bad === undefined) continue
      const sentence = `"${bad}" cannot be a name in expressions; give the source another, or say what rows select`
      report(reporter, [...path, side], 'a name for expressions', { sentence })
    }
    return
  }
  const [stranger] = joinStrangers(plan)
  if (stranger === undefined) return
  const known = [...rows, names.right]
  const sentence = `expected expressions of select to read ${known.slice(0, -1).join(', ')} or ${known.at(-1)}; found the name "${stranger}"`
  report(reporter, [...path, 'select'], 'names of the sources', { sentence })
}

function isName(name: string): boolean {
  let sound = true
  const listening: Reporter = {
    addIssue: () => {
      sound = false
    },
  }
  checkExpression(listening, name)
  return sound
}

function checkPipeline({ steps, keyBy, window, ordered }: PipelineDocument, reporter: Reporter): void {
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
}

/** The fields of a row. */
export const selectedNames = ({ left, right, select }: JoinParts): readonly string[] =>
  select === undefined ? [left, right] : Object.keys(select)

type Path = readonly (string | number)[]

const at = (source: string, path: Path): ExpressionPlan => ({ source, pointer: pointerOf(path) })

const planOf = (join: JoinParts, steps: JoinPlan['steps']): JoinPlan =>
  joinPlan(join, ['join'], { names: [join.left, join.right], steps })

/** @param names of all records that rows have; `rows`: of those in the rows of joins before */
export function joinPlan(
  join: JoinParts,
  path: Path,
  { names, steps, rows }: { names: readonly string[]; steps: JoinPlan['steps']; rows?: readonly string[] },
): JoinPlan {
  const { left, right, type, select } = join
  const whole = names.map((name) => [name, at(name, [...path, name === right ? 'right' : 'left'])] as const)
  const chosen =
    select === undefined
      ? Object.fromEntries(whole)
      : Object.fromEntries(
          Object.entries(select).map(([name, source]) => [name, at(source, [...path, 'select', name])]),
        )
  return {
    kind: 'join',
    names: { left: rows === undefined ? left : rows.join(' with '), right },
    ...(rows === undefined ? {} : { rows }),
    type,
    match: matchOf(join, path),
    select: chosen,
    steps,
  }
}

function matchOf({ within, window, table, delete: conditions }: JoinParts, path: Path): JoinPlan['match'] {
  if (within !== undefined) return { kind: 'within', beforeMs: within.before, afterMs: within.after }
  if (window !== undefined) return { kind: 'window', sizeMs: window.tumbling, offsetMs: window.offset }
  const { left, right } = conditions ?? {}
  const gone = {
    ...(left === undefined ? {} : { left: at(left, [...path, 'delete', 'left']) }),
    ...(right === undefined ? {} : { right: at(right, [...path, 'delete', 'right']) }),
  }
  return { kind: 'table', tables: table ?? 'right', ...(conditions === undefined ? {} : { delete: gone }) }
}

/** What is equal on a side. */
export const keysOf = ({ on }: JoinParts, side: JoinSide, path: Path): readonly ExpressionPlan[] =>
  on[side].map((source) => at(source, on.split ? [...path, 'on', side] : [...path, 'on']))

/** The round of a join with what follows: another key than that of the join is another stage. */
export const joinedPipeline = (joined: RoundDocument, rest: RoundDocument): RoundDocument =>
  rest.keyBy === undefined ? { ...rest, ...joined, aggregates: rest.aggregates } : { ...joined, next: rest }

/**
 * Each source with its side and key, and the pipeline as what rows go through. A table comes before a stream: of two records of
 * the same time that of the table is first (operators/ordered/join/table-join.ts).
 */
export function withJoin(
  join: JoinParts,
  sources: readonly SourceDocument[],
  pipeline: PipelineDocument,
): { readonly sources: readonly SourceDocument[]; readonly pipeline: PipelineDocument } {
  const keyOf = (side: JoinSide) => keysOf(join, side, ['join'])
  const sided = sources.map((source): SourceDocument => {
    const side = source.name === join.right ? 'right' : 'left'
    return { ...source, joined: { side, keyBy: keyOf(side) } }
  })
  const tableFirst = join.table === 'right' ? sided.toSorted((a, b) => rankOf(a) - rankOf(b)) : sided
  const { steps, ...rest } = pipeline
  const joined = { keyBy: keyOf('left'), ordered: planOf(join, steps), aggregates: [] }
  return { sources: tableFirst, pipeline: { steps: [], ...joinedPipeline(joined, rest) } }
}

const rankOf = ({ joined }: SourceDocument): number => (joined?.side === 'right' ? 0 : 1)
