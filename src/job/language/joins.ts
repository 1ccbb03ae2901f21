/**
 * Joins one after another: the rows of each, with all records so far under the names of their sources, are joined with the records
 * of one more source. Each is a round of the pipeline behind a shuffle of its own.
 */
import { z } from 'zod'
import type { JoinPlan } from '../../../operators/index.ts'
import type { PipelineDocument, RoundDocument, SourceDocument } from '../document.ts'
import { JOB_LIMITS } from '../limits.ts'
import { checkJoinRows, type JoinParts, joinedPipeline, joinPlan, keysOf, laterJoin } from './join.ts'
import { expects, type Reporter, report, requires } from './words.ts'

/** A list of joins in place of one. */
export const joins = () =>
  z
    .array(laterJoin(), requires('a list of joins'))
    .min(2, expects('two joins or more; write a single one as join'))
    .max(JOB_LIMITS.sources - 1, expects(`at most ${JOB_LIMITS.sources - 1} joins`))
    .check(z.superRefine(checkOrder, { when: ({ value, issues }) => Array.isArray(value) && issues.length === 0 }))
    .transform((list) => list.map((each): JoinParts => ({ ...each, left: each.left ?? '' })))

type Listed = z.output<ReturnType<typeof laterJoin>>

function checkOrder(list: readonly Listed[], reporter: Reporter): void {
  const seen = new Set<string>()
  list.forEach(({ left, right, select, type }, i) => {
    if (i === 0 && left === undefined) report(reporter, [i, 'left'], 'the name of a source')
    if (i > 0 && left !== undefined) {
      const sentence = 'the left of a later join are the rows of the joins before it; only the first one names a source'
      report(reporter, [i, 'left'], 'no left', { sentence, suggestion: 'leave left out', atName: true })
    }
    if (i < list.length - 1 && select !== undefined) {
      const sentence =
        'a join before others has all records under the names of their sources; the last one says what rows select'
      report(reporter, [i, 'select'], 'no select', { sentence, suggestion: 'move it to the last join', atName: true })
    }
    if (i > 0 && (type === 'right' || type === 'outer')) {
      const sentence = `expected a later join to be inner or left; found "${type}": a row without a left side would have none of the records before`
      report(reporter, [i, 'type'], 'inner or left', { sentence })
    }
    for (const [side, name] of [
      ['left', left],
      ['right', right],
    ] as const) {
      if (name === undefined) continue
      if (seen.has(name)) {
        const sentence = `"${name}" is in these joins already`
        const suggestion = 'name the topic twice in sources to join it again'
        report(reporter, [i, side], 'another source', { sentence, suggestion })
      }
      seen.add(name)
    }
  })
}

/** Names of all records that the joins up to one have in their rows. */
const namesUpTo = (list: readonly JoinParts[], last: number): readonly string[] => [
  list[0]?.left ?? '',
  ...list.slice(0, last + 1).map(({ right }) => right),
]

/** The fields of a row. */
export function selectedByAll(list: readonly JoinParts[]): readonly string[] {
  const select = list.at(-1)?.select
  return select === undefined ? namesUpTo(list, list.length - 1) : Object.keys(select)
}

function plansOf(list: readonly JoinParts[], steps: JoinPlan['steps']): JoinPlan[] {
  return list.map((join, i) => {
    const names = namesUpTo(list, i)
    const last = i === list.length - 1
    return joinPlan(join, ['joins', i], {
      names,
      steps: last ? steps : [],
      ...(i === 0 ? {} : { rows: namesUpTo(list, i - 1) }),
    })
  })
}

/** What can only be said of joins beside the sources and the pipeline. */
export function checkJoins(
  {
    joins: list,
    sources,
    pipeline,
  }: {
    readonly joins?: readonly JoinParts[] | undefined
    readonly sources?: readonly SourceDocument[] | undefined
    readonly pipeline: PipelineDocument
  },
  reporter: Reporter,
): void {
  if (list === undefined) return
  const names = (sources ?? []).flatMap(({ name }) => name ?? [])
  let known = true
  list.forEach((join, i) => {
    for (const side of i === 0 ? (['left', 'right'] as const) : (['right'] as const)) {
      if (names.includes(join[side])) continue
      known = false
      const expected = names.length === 0 ? 'sources by name' : `one of the sources ${names.join(', ')}`
      report(reporter, ['joins', i, side], expected)
    }
  })
  if (!known) return
  const joined = namesUpTo(list, list.length - 1)
  for (const name of names) {
    if (joined.includes(name)) continue
    const sentence = `"${name}" is in none of the joins`
    report(reporter, ['sources', name], 'a source of a join', { sentence, atName: true })
  }
  const closing = sources?.some(({ onIdle }) => onIdle === 'close')
  if (closing === true) {
    const sentence = 'what waits for a partner cannot be closed by silence where joins follow one another'
    report(reporter, ['sources'], 'onIdle: emit or wait', { sentence, suggestion: 'write emit or wait', atName: true })
  }
  plansOf(list, []).forEach((plan, i) => {
    checkJoinRows(plan, ['joins', i], i === list.length - 1 ? pipeline : undefined, reporter)
  })
}

/** Each source with its side, its key and its round; and the joins as rounds before that of the pipeline. */
export function withJoins(
  list: readonly JoinParts[],
  sources: readonly SourceDocument[],
  pipeline: PipelineDocument,
): { readonly sources: readonly SourceDocument[]; readonly pipeline: PipelineDocument } {
  const sided = sources.map((source): SourceDocument => {
    const right = list.findIndex((join) => join.right === source.name)
    const round = Math.max(0, right)
    const join = list[round]
    if (join === undefined) return source
    const side = right < 0 ? 'left' : 'right'
    const keyBy = keysOf(join, side, ['joins', round])
    return { ...source, joined: { side, keyBy, ...(round === 0 ? {} : { round }) } }
  })
  const ordered = sided.toSorted((a, b) => roundOf(a) - roundOf(b) || rankOf(a, list) - rankOf(b, list))
  const { steps, ...rest } = pipeline
  const plans = plansOf(list, steps)
  const rounds = list.map((join, i): RoundDocument => {
    const keyBy = keysOf(join, 'left', ['joins', i])
    const plan = plans[i]
    return { keyBy, ...(plan === undefined ? {} : { ordered: plan }), aggregates: [] }
  })
  const last = rounds.at(-1) ?? { aggregates: [] }
  const whole = rounds
    .slice(0, -1)
    .reduceRight<RoundDocument>((next, round) => ({ ...round, next }), joinedPipeline(last, rest))
  return { sources: ordered, pipeline: { steps: [], ...whole } }
}

const roundOf = ({ joined }: SourceDocument): number => joined?.round ?? 0
/** A table before a stream: of two records of one time that of the table is first. */
const rankOf = ({ joined }: SourceDocument, list: readonly JoinParts[]): number =>
  list[0]?.table === 'right' && joined?.side === 'right' ? 0 : 1
