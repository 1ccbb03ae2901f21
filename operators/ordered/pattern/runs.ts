/**
 * Partial matches, and what a record does to them. The meanings are those of Flink CEP: a run waits for the next record of one
 * stage; with strict contiguity the very next record has to fit, with relaxed the next one that fits is taken, and with
 * relaxedAny each one that fits may be taken or passed over. When a stage may end or go on there is a run for each: one waits
 * for another record of the stage, one for the next stage, and where that is optional one for the stage after it.
 */
import type { OrderedRecord } from '../operator.ts'
import type { Contiguity } from '../plan.ts'
import { type TakenEvent, taken } from './events.ts'
import { holds } from './expressions.ts'
import type { PatternProgram, PatternStage } from './program.ts'

export interface Run {
  readonly last: TakenEvent
  /** The stage that it waits for; the number of stages: for the end of the time. */
  readonly stage: number
  /** Records that this stage has taken. */
  readonly taken: number
  /** No record has come since the last that it took. */
  readonly fresh: boolean
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
    if (this.#isForbidden(run)) return
    const stage = stages[run.stage]
    if (stage === undefined) {
      this.runs.push({ ...run, fresh: false })
      return
    }
    const contiguity = run.taken === 0 ? stage.contiguity : stage.inner
    const fits = this.#take(stage, run.stage, run.taken, run.last)
    if (fits !== 'ends' && mayPassOver(contiguity, fits === 'fits')) this.runs.push({ ...run, fresh: false })
  }

  /** The record as the first of a match. */
  begin(): void {
    for (const [index, stage] of this.#program.stages.entries()) {
      this.#take(stage, index, 0, undefined)
      if (!stage.optional) return
    }
  }

  #take(stage: PatternStage, index: number, before: number, last: TakenEvent | undefined): 'fits' | 'not' | 'ends' {
    const record = this.#record
    if (stage.until !== undefined && holds(stage.until, record, last)) return 'ends'
    if (!holds(stage.where, record, last)) return 'not'
    this.#branch(taken(record, index, last), index, before + 1)
    return 'fits'
  }

  /** All that a run can wait for now. */
  #branch(last: TakenEvent, index: number, count: number): void {
    const { stages, withoutAfter } = this.#program
    const stage = stages[index] as PatternStage
    const wait = (stage: number, taken: number, number = 0) =>
      this.runs.push({ last, stage, taken, fresh: true, number })
    if (count < stage.most) wait(index, count)
    if (count < stage.least) return
    for (let next = index + 1; next < stages.length; next++) {
      wait(next, 0)
      if (stages[next]?.optional !== true) return
    }
    if (withoutAfter.length > 0) wait(stages.length, 0, this.#number++)
    else this.matches.push({ last, number: this.#number++ })
  }

  /** Something that must not come between the last stage and the next one. */
  #isForbidden({ last, stage, taken, fresh }: Run): boolean {
    if (taken > 0) return false
    const { stages, withoutAfter } = this.#program
    for (let next = last.stage + 1; next <= stage; next++) {
      const without = next === stages.length ? withoutAfter : (stages[next]?.without ?? [])
      for (const { where, strict } of without) {
        if ((fresh || !strict) && holds(where, this.#record, last)) return true
      }
    }
    return false
  }
}

function mayPassOver(contiguity: Contiguity, fits: boolean): boolean {
  return contiguity === 'relaxedAny' || (contiguity === 'relaxed' && !fits)
}
