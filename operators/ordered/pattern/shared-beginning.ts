/** Groups in one another whose rounds could begin with one record: what they found would be there twice. */
import type { PatternPlan, PatternStagePlan } from '../plan.ts'
import { groupsAround, type PatternGroup } from './groups.ts'
import type { PatternStage } from './program.ts'
import { waysFrom } from './ways.ts'

/**
 * The names of a stage and of one behind which a record of it could begin a round of two groups at once: it would be the same
 * match twice. Undefined where there is none.
 */
export function sharedBeginning(plan: Pick<PatternPlan, 'stages' | 'groups'>): readonly [string, string] | undefined {
  const around = groupsAround({ kind: 'pattern', afterMatch: { strategy: 'noSkip' }, ...plan })
  const taking = plan.stages.filter(({ negated }) => !negated)
  const bare = taking.map((stage, at) => bareStage(stage, around[at] ?? []))
  for (const [at, { name }] of taking.entries()) {
    const places = waysFrom(at, bare, []).map(({ to }) => to)
    const twice = places.find((to, i) => places.indexOf(to) !== i)
    if (twice !== undefined) return [taking[twice]?.name ?? '', name]
  }
  return undefined
}

function bareStage(
  { name, contiguity, inner, optional, least, most = Number.POSITIVE_INFINITY }: PatternStagePlan,
  groups: readonly PatternGroup[],
): PatternStage {
  const shown = { many: false, missable: false, ways: [], without: [], greedy: false }
  return { name, where: undefined, until: undefined, contiguity, inner, optional, least, most, groups, ...shown }
}
