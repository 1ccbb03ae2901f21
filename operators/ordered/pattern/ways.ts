/**
 * Where a match can go on once a stage has all that it needs: to the next stage, over what may be missing to those behind it,
 * back to the beginning of a group that it is in, out of one to what follows, or to the end. Each way has what must not come on it.
 */
import type { Contiguity } from '../plan.ts'
import { type Item, rootOf, type Sequence } from './groups.ts'
import type { Negation, PatternStage } from './program.ts'

export interface Way {
  /** A stage, or the number of stages: the end. No two ways from one stage lead to one place (groups.ts). */
  readonly to: number
  /** So many groups around the stage end on it, the innermost first. */
  readonly leaves: number
  /** The group around those begins another round. */
  readonly again: boolean
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
  const groups = stages[from]?.groups ?? []
  const root = rootOf(stages)
  const around = [root, ...groups.map((group) => group.items)]
  const walk = new Walk(stages)
  for (let depth = groups.length; depth >= 0; depth--) {
    const sequence = around[depth] ?? root
    const group = groups[depth - 1]
    const leaves = groups.length - depth
    // What is left of this round, or of the pattern.
    const rest = sequence.filter(({ first }) => first > from)
    if (walk.through(rest, { leaves, again: false })) return walk.ways
    if (group !== undefined && group.most > 1) walk.back(sequence, { leaves, again: true, inner: group.inner })
  }
  const end = { leaves: groups.length, again: false }
  walk.ways.push({ ...walk.way(stages.length, end, 'relaxed', withoutAfter), yieldsTo: [] })
  return walk.ways
}

type Kind = Pick<Way, 'leaves' | 'again'> & {
  /** In place of what the stage says. */
  readonly inner?: Contiguity
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

  /** Up to the first item that may not be missing; true when there is one. `begins`: nothing before its first is looked for. */
  through(items: Sequence, kind: Kind, begins = false): boolean {
    for (const [place, item] of items.entries()) {
      const first = begins && place === 0
      if (this.#enter(item, kind, first) && !item.optional) return true
      this.#pass(item, first)
    }
    return false
  }

  /** Another round: what must not come before the group is not looked for between its rounds. */
  back(items: Sequence, kind: Kind): void {
    const round = this.branch()
    round.through(items, kind, true)
    this.ways.push(...round.ways)
  }

  way(to: number, { leaves, again }: Kind, contiguity: Contiguity, without: readonly Negation[]): Way {
    return { to, leaves, again, contiguity, without: [...this.#without, ...without], yieldsTo: this.#greedy }
  }

  /** Every stage that can be the first record of an item; true when one of them has to be. */
  #enter(item: Item, kind: Kind, begins: boolean): boolean {
    if (item.items !== undefined) {
      const inside = this.branch()
      const needed = inside.through(item.items, kind, begins)
      this.ways.push(...inside.ways)
      return needed
    }
    const { contiguity, without } = this.#stages[item.first] as PatternStage
    this.ways.push(this.way(item.first, kind, kind.inner ?? contiguity, begins ? [] : without))
    return true
  }

  #pass({ first, items }: Item, begins: boolean): void {
    const { without, greedy } = this.#stages[first] as PatternStage
    if (!begins) this.#without = [...this.#without, ...without]
    if (greedy && items === undefined) this.#greedy = [...this.#greedy, first]
  }
}
