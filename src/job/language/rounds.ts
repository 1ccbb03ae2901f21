/**
 * The rounds of a pipeline: each is what records, or the rows of the round before, are grouped by, what holds them, and the steps on
 * the rows that come of it. Every round after the first is a stage of its own behind one more shuffle.
 */
import type { WindowPlan } from '../../../operators/index.ts'
import type { PipelineDocument, RoundDocument } from '../document.ts'
import { roundsOf } from '../document.ts'
import { JOB_LIMITS } from '../limits.ts'
import { pathOfPointer } from '../text/read.ts'
import { WITHOUT_AGGREGATES } from './ordered.ts'
import { namesAfter } from './row-steps.ts'
import { type Reporter, report } from './words.ts'

/** Steps that time, group or hold: behind rows that are complete, one of them begins another round. */
const isBeginning = (rank = 0): boolean => rank > 0 && rank < 3

/**
 * The places of each round's steps in the list, by their names.
 * @param rankOf 0: a step of single records, between: the time of rows, 1: a key, 2: what holds records, 3: aggregates
 */
export function placesOfRounds(
  names: readonly (string | undefined)[],
  rankOf: (name: string) => number | undefined,
): readonly (readonly number[])[] {
  const rounds: number[][] = [[]]
  let held = false
  let complete = false
  names.forEach((name = '', place) => {
    const rank = rankOf(name)
    if (complete && isBeginning(rank)) {
      rounds.push([])
      held = complete = false
    }
    rounds.at(-1)?.push(place)
    held ||= rank === 2
    complete ||= (held && name === 'aggregate') || Object.hasOwn(WITHOUT_AGGREGATES, name)
  })
  return rounds
}

/** What only rounds with one behind them must be, and what those behind read. @param rounds the places of each one's steps */
export function checkRounds(
  pipeline: PipelineDocument,
  rounds: readonly (readonly number[])[],
  reporter: Reporter,
): void {
  const excess = rounds[JOB_LIMITS.rounds]?.[0]
  if (excess !== undefined) {
    const sentence = `expected at most ${JOB_LIMITS.rounds} stages that group and hold; found ${rounds.length}`
    report(reporter, [excess], 'fewer stages', {
      sentence,
      suggestion: 'write rows to a topic, and go on in another job',
    })
  }
  const all = roundsOf(pipeline)
  all.slice(0, -1).forEach((round, i) => {
    const [next] = rounds[i + 1] ?? []
    const why = whyLast(round)
    if (why !== undefined && next !== undefined) report(reporter, [next], 'the last stage', why)
    checkReads(round, all[i + 1], reporter)
  })
}

const whyLast = ({
  window,
  ordered,
}: RoundDocument): { readonly sentence: string; readonly suggestion: string } | undefined =>
  window === undefined ? patternWaits(ordered) : windowStays(window)

function windowStays(window: WindowPlan): { readonly sentence: string; readonly suggestion: string } | undefined {
  if (window.kind === 'global') {
    const sentence =
      'rows of a global window may change as long as the job runs, and only rows that stay as they are go on'
    return { sentence, suggestion: 'give the window before a size, or make this another job' }
  }
  if (window.emit === undefined) return undefined
  const sentence =
    'rows of open windows go to sinks only; a stage behind a window takes each row once, when nothing can change it'
  return { sentence, suggestion: 'leave emit out of the window before' }
}

function patternWaits(ordered: RoundDocument['ordered']) {
  if (ordered?.kind !== 'pattern' || ordered.withinMs !== undefined || ordered.afterMatch.strategy === 'noSkip') return
  const sentence =
    'a pattern that skips and has no time may hold matches back for ever, so no later stage knows how far it is'
  return { sentence, suggestion: 'add within: 1m to the pattern before, or afterMatch: noSkip' }
}

/** Of rows that aggregates give all names are known. */
function checkReads(round: RoundDocument, next: RoundDocument | undefined, reporter: Reporter): void {
  if (round.aggregates.length === 0 || next === undefined) return
  const names = namesAfter(round)
  const { keyBy = [], aggregates, ordered } = next
  // What ranks are made of is two expressions, so that no character of it is one of the document.
  const aggregated = aggregates.flatMap(({ kind, of, where }) => [/By$/.test(kind) ? undefined : of, where])
  const compared = ordered?.kind === 'dedupe' ? [ordered.by] : ordered?.kind === 'changes' ? [ordered.of] : []
  for (const plan of [...keyBy, ...aggregated, ...compared]) {
    const finding = plan && names.unknownIn(plan.source)
    if (plan !== undefined && finding !== undefined) {
      report(reporter, pathOfPointer(plan.pointer).slice(1), 'a name that rows have', finding)
    }
  }
}
