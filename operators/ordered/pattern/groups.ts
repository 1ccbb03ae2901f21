/**
 * Groups of stages, which may be in one another: a pattern is a sequence of stages and groups, and so is a group. What can be wrong
 * with them is said here, for whoever reads a document or a plan.
 */
import type { PatternGroupPlan, PatternPlan } from '../plan.ts'
import type { PatternStage } from './program.ts'

/** A stage, or a group of them: then it has items. Places are those among the stages that take records. */
export interface Item {
  readonly first: number
  readonly last: number
  readonly optional: boolean
  readonly items?: Sequence
}

export type Sequence = readonly Item[]

export interface PatternGroup extends Item {
  readonly items: Sequence
  readonly least: number
  readonly most: number
  /** From the last record of a round to the first of the next one. */
  readonly inner: PatternGroupPlan['inner']
}

/** The groups that each stage is in, the outermost first. Only stages that take records are counted. */
export function groupsAround({ stages, groups = [] }: PatternPlan): readonly (readonly PatternGroup[])[] {
  const taking = stages.filter(({ negated }) => !negated)
  const place = (index: number): number => stages.slice(0, index).filter(({ negated }) => !negated).length
  const placed = groups
    .map((group) => ({ ...group, first: place(group.first), last: place(group.last) }))
    .sort(outermostFirst)
  const made: PatternGroup[] = []
  // The innermost first: a group has those within it among its items.
  for (const { first, last, optional, least, most = Number.POSITIVE_INFINITY, inner } of placed.toReversed()) {
    made.push({ first, last, optional, least, most, inner, items: itemsOf(first, last, taking, made) })
  }
  made.reverse()
  return taking.map((_, at) => made.filter(({ first, last }) => first <= at && at <= last))
}

/** Of two that begin together, the longer one. */
export const outermostFirst = (a: Span, b: Span): number => a.first - b.first || b.last - a.last

interface Span {
  readonly first: number
  readonly last: number
}

/** @param groups those that are known, inner ones before those around them */
function itemsOf(first: number, last: number, stages: readonly { optional: boolean }[], groups: Sequence): Item[] {
  const items: Item[] = []
  for (let at = first; at <= last; ) {
    const stage = { first: at, last: at, optional: stages[at]?.optional ?? false }
    // The widest that begins here is the one right within.
    const item = groups.findLast((group) => group.first === at && group.last <= last) ?? stage
    items.push(item)
    at = item.last + 1
  }
  return items
}

/** The whole pattern. */
export function rootOf(stages: readonly Pick<PatternStage, 'optional' | 'groups'>[]): Sequence {
  const groups = [...new Set(stages.flatMap(({ groups }) => groups))].sort(outermostFirst).reverse()
  return itemsOf(0, stages.length - 1, stages, groups)
}

/** Whether some record has to be in what lies between two places: a group that may be missing needs none. */
export function needsRecord(
  { first, last }: Span,
  { stages, groups = [] }: Pick<PatternPlan, 'stages' | 'groups'>,
): boolean {
  const within = groups.filter((group) => group.first >= first && group.last <= last && !isSame(group, { first, last }))
  return stages.some(({ negated, optional }, at) => {
    if (negated || optional || at < first || at > last) return false
    return !within.some((group) => group.optional && group.first <= at && at <= group.last)
  })
}

const isSame = (a: Span, b: Span): boolean => a.first === b.first && a.last === b.last

/** Neither apart nor one within the other, or the same stages twice. */
export const crosses = (a: Span, b: Span): boolean =>
  isSame(a, b) || (a.first <= b.last && b.first <= a.last && !holds(a, b) && !holds(b, a))

const holds = (a: Span, b: Span): boolean => a.first <= b.first && b.last <= a.last
