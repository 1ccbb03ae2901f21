/**
 * Where a match can go on once a stage has all that it needs: to the next stage, over what may be missing to those behind it,
 * back to the beginning of its group, or to the end. Each way has what must not come on it.
 */
import type { Contiguity } from '../plan.ts'
import type { Negation, PatternStage } from './program.ts'

export interface Way {
  /** A stage, or the number of stages: the end. No two ways from one stage lead to one place. */
  readonly to: number
  /** Within the round of its group, to another round, or out of it. */
  readonly kind: 'within' | 'again' | 'beyond'
  readonly contiguity: Contiguity
  readonly without: readonly Negation[]
  /** Greedy stages that it passes over: they come first. */
  readonly yieldsTo: readonly number[]
}

/** From before the first stage. */
export const BEGINNING = -1

export function waysFrom(
  from: number,
  stages: readonly PatternStage[],
  withoutAfter: readonly Negation[],
): readonly Way[] {
  const walk = new Walk(stages)
  const group = stages[from]?.group
  if (group !== undefined) {
    if (walk.through(from + 1, group.last, 'within')) return walk.ways
    if (group.most > 1) walk.back(group.first, group.last, group.inner)
  }
  for (let next = (group?.last ?? from) + 1; next < stages.length; ) {
    const entered = stages[next]?.group
    const last = entered?.last ?? next
    const ahead = walk.branch()
    const required = ahead.through(next, last, 'beyond')
    walk.ways.push(...ahead.ways)
    if (required && entered?.optional !== true) return walk.ways
    walk.pass(next, entered === undefined)
    next = last + 1
  }
  walk.ways.push({ ...walk.way(stages.length, 'beyond', 'relaxed', withoutAfter), yieldsTo: [] })
  return walk.ways
}

/** What was passed over so far. */
class Walk {
  readonly ways: Way[] = []
  readonly #stages: readonly PatternStage[]
  #without: readonly Negation[] = []
  #greedy: readonly number[] = []

  constructor(stages: readonly PatternStage[]) {
    this.#stages = stages
  }

  /** A walk that goes on from here, on its own. */
  branch(): Walk {
    const walk = new Walk(this.#stages)
    walk.#without = this.#without
    walk.#greedy = this.#greedy
    return walk
  }

  /** Up to the first stage that may not be missing; true when there is one. */
  through(first: number, last: number, kind: Way['kind']): boolean {
    for (let at = first; at <= last; at++) {
      const { contiguity, without, optional } = this.#stages[at] as PatternStage
      this.ways.push(this.way(at, kind, contiguity, without))
      if (!optional) return true
      this.pass(at, true)
    }
    return false
  }

  /** Another round: what must not come before the group is not looked for between its rounds. */
  back(first: number, last: number, inner: Contiguity): void {
    const round = this.branch()
    for (let at = first; at <= last; at++) {
      const { without, optional } = this.#stages[at] as PatternStage
      this.ways.push(round.way(at, 'again', inner, at === first ? [] : without))
      if (!optional) return
      round.pass(at, true, at === first)
    }
  }

  way(to: number, kind: Way['kind'], contiguity: Contiguity, without: readonly Negation[]): Way {
    return { to, kind, contiguity, without: [...this.#without, ...without], yieldsTo: this.#greedy }
  }

  pass(at: number, alone: boolean, begins = false): void {
    const { without, greedy } = this.#stages[at] as PatternStage
    if (!begins) this.#without = [...this.#without, ...without]
    if (greedy && alone) this.#greedy = [...this.#greedy, at]
  }
}
