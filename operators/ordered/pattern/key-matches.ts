/**
 * The partial matches of one key, and matches that wait because an earlier one is not decided: with a strategy that skips, a match
 * that began later must not come before it is known whether one that began earlier takes its records (Flink's NFA does the same).
 */
import { comparePlaces } from '../../aggregates/state.ts'
import type { Due } from '../../deadlines.ts'
import type { OrderedRecord } from '../operator.ts'
import { chainOf, eventsOf, type TakenEvent } from './events.ts'
import { PATTERN_LIMITS } from './limits.ts'
import type { PatternProgram } from './program.ts'
import { type Match, type Run, RunStep } from './runs.ts'

export class KeyMatches implements Due {
  readonly key: string
  runs: Run[] = []
  /** Complete, by their first record. */
  waiting: Match[] = []
  queued = Number.POSITIVE_INFINITY
  readonly #program: PatternProgram

  constructor(key: string, program: PatternProgram) {
    this.key = key
    this.#program = program
  }

  get empty(): boolean {
    return this.runs.length === 0 && this.waiting.length === 0
  }

  /** How many groups are around a stage. */
  depthOf(stage: number): number {
    return this.#program.stages[stage]?.groups.length ?? 0
  }

  /** When the time of the oldest run is over. */
  get deadline(): number {
    const { withinMs } = this.#program
    let first = Number.POSITIVE_INFINITY
    if (withinMs < Number.POSITIVE_INFINITY) for (const { last } of this.runs) first = Math.min(first, last.first.time)
    return first + withinMs
  }

  /** Time alone can make a match of it. */
  get owes(): boolean {
    return this.waiting.length > 0 || (this.runs.length > 0 && this.#program.withoutAfter.length > 0)
  }

  /**
   * The matches that are decided now. Undefined, and nothing is changed, when there would be more than is kept.
   * @throws EvaluationError, and nothing is changed, when an expression has no value for the record
   */
  take(record: OrderedRecord): readonly Match[] | undefined {
    const step = new RunStep(this.#program, record)
    for (const run of this.runs) step.go(run)
    step.begin()
    if (isTooLarge(step, this.waiting.length)) return undefined
    this.runs = step.runs
    return this.#decide(step.matches)
  }

  /** Ends what began `withinMs` or more before `time`: the matches that are decided by that. */
  expire(time: number): readonly Match[] {
    const { stages, withinMs } = this.#program
    const over = ({ last }: Run): boolean => time === Number.POSITIVE_INFINITY || last.first.time + withinMs <= time
    const ended = this.runs.filter(over)
    if (ended.length === 0 && time < Number.POSITIVE_INFINITY) return []
    this.runs = this.runs.filter((run) => !over(run))
    return this.#decide(ended.filter(({ stage }) => stage === stages.length))
  }

  /** Matches that come out, in their order; what they skip is dropped. */
  #decide(found: readonly Match[]): readonly Match[] {
    if (this.#program.afterMatch.strategy === 'noSkip') return found
    // The sorts are stable: of those with one beginning the one that was complete earlier comes first.
    this.waiting.push(...[...found].sort(byRecords))
    this.waiting.sort(byBeginning)
    const decided: Match[] = []
    for (;;) {
      const [match] = this.waiting
      if (match === undefined || this.runs.some(({ last }) => comparePlaces(last.first, match.last.first) < 0)) break
      this.waiting.shift()
      decided.push(match)
      this.#skip(match)
    }
    return decided
  }

  /** Drops what began with a record that the match leaves no more. */
  #skip(match: Match): void {
    const { afterMatch, stages } = this.#program
    const drop = (isDropped: (first: OrderedRecord) => boolean): void => {
      this.runs = this.runs.filter(({ last }) => !isDropped(last.first))
      this.waiting = this.waiting.filter(({ last }) => !isDropped(last.first))
    }
    if (!('stage' in afterMatch)) {
      // Where nothing is skipped, this is not asked.
      const to = afterMatch.strategy === 'pastLast' ? match.last.record : match.last.first
      drop((first) => comparePlaces(first, to) <= 0)
      return
    }
    const stage = stages.findIndex(({ name }) => name === afterMatch.stage)
    const to = eventsOf(match.last, stage).at(afterMatch.strategy === 'toFirst' ? 0 : -1)
    if (to !== undefined) drop((first) => comparePlaces(first, to) < 0)
  }
}

/** Of matches that are complete at once: a tie has to be broken by what they hold, not by how they were found. */
function byRecords(a: Match, b: Match): number {
  const [ours, theirs] = [a, b].map(({ last }) => chainOf(last)) as [TakenEvent[], TakenEvent[]]
  for (let i = 0; i < Math.min(ours.length, theirs.length); i++) {
    const [one, other] = [ours[i], theirs[i]] as [TakenEvent, TakenEvent]
    const order = comparePlaces(one.record, other.record) || one.stage - other.stage
    if (order !== 0) return order
  }
  return ours.length - theirs.length
}

const byBeginning = (a: Match, b: Match): number => comparePlaces(a.last.first, b.last.first)

function isTooLarge({ runs, matches }: RunStep, waiting: number): boolean {
  const { partialMatches, matchRecords, matchesPerRecord } = PATTERN_LIMITS
  if (runs.length + waiting > partialMatches || matches.length > matchesPerRecord) return true
  const tooLong = ({ last, number }: Match): boolean => last.length > matchRecords || number >= matchesPerRecord
  return runs.some(tooLong) || matches.some(tooLong)
}
