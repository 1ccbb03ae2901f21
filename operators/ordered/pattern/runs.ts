/**
 * Partial matches, and what a record does to them. The meanings are those of Flink CEP: a run waits for the next record of one
 * stage; with strict contiguity the very next record has to fit, with relaxed the next one that fits is taken, and with
 * relaxedAny each one that fits may be taken or passed over. When a stage may end or go on there is a run for each: one waits
 * for another record of the stage, and one for each way on (ways.ts). A greedy stage is asked first: while it can take a record, no run
 * that went on from it, or passed over it, does.
 */
import type { OrderedRecord } from '../operator.ts'
import type { Contiguity } from '../plan.ts'
import { type TakenEvent, taken } from './events.ts'
import { holds } from './expressions.ts'
import type { PatternGroup } from './groups.ts'
import type { PatternProgram, PatternStage } from './program.ts'
import type { Way } from './ways.ts'

export interface Run {
  readonly last: TakenEvent
  /** The stage that it waits for; the number of stages: for the end of the time. */
  readonly stage: number
  /** Records that this stage has taken. */
  readonly taken: number
  /** No record has come since the last that it took. */
  readonly fresh: boolean
  /** Of each group around the stage, the outermost first, those that are complete. */
  readonly rounds: readonly number[]
  /** Greedy stages that still come first. */
  readonly yieldsTo: readonly number[]
  /** Among the matches that end with the last record: a run that waits for the end of the time has its number already. */
  readonly number: number
}

/** A match, and its number among those that end with its last record. */
export interface Match {
  readonly last: TakenEvent
  readonly number: number
}

/** What a record makes of all runs of a key. */
export class RunStep {
  readonly runs: Run[] = []
  readonly matches: Match[] = []
  readonly #program: PatternProgram
  readonly #record: OrderedRecord
  #number = 0

  constructor(program: PatternProgram, record: OrderedRecord) {
    this.#program = program
    this.#record = record
  }

  /** @throws EvaluationError when an expression has no value for the record */
  go(run: Run): void {
    const { stages } = this.#program
    const way = run.taken > 0 ? undefined : wayOf(run, stages)
    if (way !== undefined && this.#isForbidden(run, way)) return
    const yieldsTo = this.#stillFirst(run, way)
    if (yieldsTo === undefined) return
    const stage = stages[run.stage]
    if (stage === undefined) {
      this.runs.push({ ...run, fresh: false })
      return
    }
    const contiguity = way?.contiguity ?? stage.inner
    const fits = this.#take(stage, run)
    if (fits !== 'ends' && mayPassOver(contiguity, fits === 'fits')) this.runs.push({ ...run, fresh: false, yieldsTo })
  }

  /** The record as the first of a match. */
  begin(): void {
    const taking = new Set<number>()
    for (const { to, yieldsTo } of this.#program.starts) {
      if (yieldsTo.some((index) => taking.has(index))) continue
      const stage = this.#program.stages[to] as PatternStage
      if (this.#take(stage, { stage: to, taken: 0, rounds: stage.groups.map(() => 0), last: undefined }) === 'fits')
        taking.add(to)
    }
  }

  /** The greedy stages that come first beyond this record; undefined: one of them takes it. */
  #stillFirst({ last, yieldsTo }: Run, way: Way | undefined): readonly number[] | undefined {
    if (yieldsTo.length === 0) return yieldsTo
    const first: number[] = []
    for (const index of yieldsTo) {
      const { where, until, inner, contiguity } = this.#program.stages[index] as PatternStage
      if (until !== undefined && holds(until, this.#record, last)) continue
      if (holds(where, this.#record, last)) return undefined
      // One before the last is of the next round.
      const before = index === last.stage ? inner : index < last.stage ? way?.contiguity : contiguity
      if (before !== 'strict') first.push(index)
    }
    return first
  }

  #take(
    stage: PatternStage,
    {
      stage: index,
      taken: before,
      rounds,
      last,
    }: Pick<Run, 'stage' | 'taken' | 'rounds'> & { last: TakenEvent | undefined },
  ): 'fits' | 'not' | 'ends' {
    const record = this.#record
    if (stage.until !== undefined && holds(stage.until, record, last)) return 'ends'
    if (!holds(stage.where, record, last)) return 'not'
    this.#branch(taken(record, index, last), index, before + 1, rounds)
    return 'fits'
  }

  /** All that a run can wait for now. */
  #branch(last: TakenEvent, index: number, count: number, rounds: readonly number[]): void {
    const { stages, withoutAfter } = this.#program
    const { most, least, greedy, groups, ways } = stages[index] as PatternStage
    const run = { last, fresh: true, number: 0 }
    const goesOn = count < most
    if (goesOn) this.runs.push({ ...run, stage: index, taken: count, rounds, yieldsTo: [] })
    if (count < least) return
    for (const way of ways) {
      const { to, yieldsTo } = way
      const kept = roundsOn(way, groups, rounds)
      if (kept === undefined) continue
      if (to < stages.length) {
        const of = (stages[to] as PatternStage).groups.map((_, depth) => kept[depth] ?? 0)
        const first = greedy && goesOn ? [index, ...yieldsTo] : yieldsTo
        this.runs.push({ ...run, stage: to, taken: 0, rounds: of, yieldsTo: first })
      } else if (withoutAfter.length === 0) this.matches.push({ last, number: this.#number++ })
      else this.runs.push({ ...run, stage: to, taken: 0, rounds: [], yieldsTo: [], number: this.#number++ })
    }
  }

  /** Something that must not come on the way. */
  #isForbidden({ last, fresh }: Run, { without }: Way): boolean {
    return without.some(({ where, strict }) => (fresh || !strict) && holds(where, this.#record, last))
  }
}

/** What is left of the rounds on a way; undefined where a group on it would have too few, or too many. */
function roundsOn(
  { leaves, again }: Way,
  groups: readonly PatternGroup[],
  rounds: readonly number[],
): readonly number[] | undefined {
  const complete = (depth: number): number => (rounds[depth] ?? 0) + 1
  const depth = groups.length - leaves
  for (let left = depth; left < groups.length; left++) if (complete(left) < (groups[left]?.least ?? 1)) return undefined
  if (!again) return rounds.slice(0, depth)
  const begun = complete(depth - 1)
  return begun < (groups[depth - 1]?.most ?? 1) ? [...rounds.slice(0, depth - 1), begun] : undefined
}

/** The one on which the run is. */
function wayOf({ last, stage }: Run, stages: readonly PatternStage[]): Way | undefined {
  return stages[last.stage]?.ways.find(({ to }) => to === stage)
}

function mayPassOver(contiguity: Contiguity, fits: boolean): boolean {
  return contiguity === 'relaxedAny' || (contiguity === 'relaxed' && !fits)
}
