/**
 * Matches by their definition: every way of choosing records for the stages is tried, record by record from the beginning. It knows
 * no automaton, no state and no order of coming; `v` and `s0` are all that its conditions read.
 */
import assert from 'node:assert/strict'
import type {
  Contiguity,
  ExpressionPlan,
  PatternGroupPlan,
  PatternPlan,
  PatternStagePlan,
} from '../../../operators/index.ts'
import type { Placed } from './properties.ts'

export interface TwinMatch {
  readonly events: readonly Placed[]
  readonly row: object
}

interface Chosen {
  readonly at: number
  readonly stage: number
}

type Stage = PatternStagePlan & { readonly index: number; readonly without: readonly PatternStagePlan[] }

/** The pattern as it is written: stages, and groups of them. */
type Item = { readonly stage: Stage } | GroupItem

interface GroupItem {
  readonly group: PatternGroupPlan
  readonly items: readonly Item[]
}

/** So far. */
interface Path {
  readonly chosen: readonly Chosen[]
  /** What must not come before the next record. */
  readonly without: readonly PatternStagePlan[]
  /** Greedy stages that the next record is first offered to. */
  readonly first: readonly { readonly stage: Stage; readonly contiguity: Contiguity }[]
  /** To the next record, in place of what its stage says. */
  readonly contiguity?: Contiguity
}

type GoOn = (path: Path) => void

export function matchesOf(plan: PatternPlan, records: readonly Placed[]): TwinMatch[] {
  const { items, stages, tail } = arranged(plan)
  const found: Found[] = []
  const test = (plan: ExpressionPlan, at: number, chosen: readonly Chosen[]) => holds(plan.source, records, at, chosen)
  const negated = (list: readonly PatternStagePlan[], from: number, at: number, chosen: readonly Chosen[]) =>
    list.some((each) => (each.contiguity !== 'strict' || at === from + 1) && test(each.where!, at, chosen))
  const inTime = (at: number, chosen: readonly Chosen[]) =>
    records[at]!.t - records[chosen[0]?.at ?? at]!.t < plan.withinMs!
  const takes = ({ where, until }: Stage, at: number, chosen: readonly Chosen[]) =>
    (until === undefined || !test(until, at, chosen)) && test(where!, at, chosen)

  /** Whether a greedy stage takes the record at `at`, having had all since `from` to itself. */
  const isTaken = ({ first, chosen }: Path, from: number, at: number) =>
    first.some(({ stage, contiguity }) => {
      const all = Array.from({ length: at - from }, (_, i) => from + 1 + i)
      if (contiguity === 'strict' && all.length > 1) return false
      return (
        all.every((each) => stage.until === undefined || !test(stage.until, each, chosen)) && takes(stage, at, chosen)
      )
    })

  /** Chooses the `count + 1`-th record of a stage from those behind the last, or from one record alone: the first of all. */
  const choose = (stage: Stage, count: number, path: Path, begin: number, then: GoOn) => {
    const { chosen, without } = path
    const contiguity = count > 0 ? stage.inner : (path.contiguity ?? stage.contiguity)
    const from = chosen.at(-1)?.at ?? begin - 1
    for (let at = from + 1; at < records.length && inTime(at, chosen); at++) {
      if (chosen.length === 0 && at > begin) return
      if (count === 0 && chosen.length > 0 && negated(without, from, at, chosen)) return
      if (count === 0 && isTaken(path, from, at)) return
      if (stage.until !== undefined && test(stage.until, at, chosen)) return
      const fits = test(stage.where!, at, chosen)
      if (fits) goOn(stage, count + 1, [...chosen, { at, stage: stage.index }], begin, then)
      if (contiguity === 'strict' || (contiguity === 'relaxed' && fits)) return
    }
  }

  const goOn = (stage: Stage, count: number, chosen: readonly Chosen[], begin: number, then: GoOn) => {
    const more = count < (stage.most ?? Number.POSITIVE_INFINITY)
    if (more) choose(stage, count, { chosen, without: [], first: [] }, begin, then)
    if (count < stage.least) return
    then({ chosen, without: [], first: stage.greedy && more ? [{ stage, contiguity: stage.inner }] : [] })
  }

  const one = (stage: Stage, path: Path, begin: number, then: GoOn) => {
    const without = [...path.without, ...stage.without]
    choose(stage, 0, { ...path, without }, begin, then)
    if (!stage.optional) return
    const contiguity = path.contiguity ?? stage.contiguity
    then({ ...path, without, first: stage.greedy ? [...path.first, { stage, contiguity }] : path.first })
  }

  const all = (items: readonly Item[], path: Path, begin: number, then: GoOn): void => {
    const [item, ...others] = items
    const next = (path: Path) => all(others, path, begin, then)
    if (item === undefined) then(path)
    else if ('stage' in item) one(item.stage, path, begin, next)
    else rounds(item, 0, path, begin, next)
  }

  const rounds = (item: GroupItem, round: number, path: Path, begin: number, then: GoOn): void => {
    const { group } = item
    all(round === 0 ? item.items : headless(item.items), path, begin, (path) => {
      // A round has a record.
      const done = { chosen: path.chosen, without: path.without, first: path.first }
      if (round + 1 < (group.most ?? Number.POSITIVE_INFINITY)) {
        rounds(item, round + 1, { ...done, contiguity: group.inner }, begin, then)
      }
      if (round + 1 >= group.least) then(done)
    })
    if (round > 0 || !group.optional) return
    then({ ...path, without: [...path.without, ...headOf(item).without] })
  }

  const end = ({ chosen, without }: Path) => {
    if (chosen.length === 0) return
    const at = chosen.at(-1)!.at
    const forbidden = [...without, ...tail]
    for (let later = at + 1; tail.length > 0 && later < records.length && inTime(later, chosen); later++) {
      if (negated(forbidden, at, later, chosen)) return
    }
    found.push({ chosen, end: at })
  }

  for (let begin = 0; begin < records.length; begin++) all(items, { chosen: [], without: [], first: [] }, begin, end)
  return shownOf(plan, stages, records, found)
}

function arranged({ stages, groups = [] }: PatternPlan): { items: Item[]; stages: Stage[]; tail: PatternStagePlan[] } {
  const taking: (Stage & { readonly place: number })[] = []
  let without: PatternStagePlan[] = []
  for (const [place, plan] of stages.entries()) {
    if (plan.negated) {
      without.push(plan)
      continue
    }
    taking.push({ ...plan, index: taking.length, without, place })
    without = []
  }
  /** @param inner those that may be among the items */
  const itemsOf = (stages: typeof taking, inner: readonly PatternGroupPlan[]): Item[] => {
    const [stage, ...others] = stages
    if (stage === undefined) return []
    const [group, ...deeper] = inner.filter(({ first }) => first === stage.place)
    if (group === undefined) return [{ stage }, ...itemsOf(others, inner)]
    const within = inner.filter((each) => each !== group && each.first >= group.first && each.last <= group.last)
    const [own, behind] = [true, false].map((is) => stages.filter(({ place }) => place <= group.last === is))
    assert.ok(deeper.every((each) => within.includes(each)))
    return [{ group, items: itemsOf(own!, within) }, ...itemsOf(behind!, inner)]
  }
  return { items: itemsOf(taking, groups), stages: taking, tail: without }
}

const headOf = (item: Item): Stage => ('stage' in item ? item.stage : headOf(item.items[0]!))

/** What must not come before a round is looked for before the first alone. */
function headless([head, ...others]: readonly Item[]): readonly Item[] {
  if (head === undefined) return []
  if ('stage' in head) return [{ stage: { ...head.stage, without: [] } }, ...others]
  return [{ ...head, items: headless(head.items) }, ...others]
}

/** The few forms of conditions that the tests make. */
function holds(source: string, records: readonly Placed[], at: number, chosen: readonly Chosen[]): boolean {
  const v = Number(records[at]!.v)
  const first = chosen.filter(({ stage }) => stage === 0)
  return source.split(' && ').every((part) => {
    if (part === 'count(s0) < 3') return first.length < 3
    if (part === '(!has(s0.v) || v >= s0.v)') return first.length === 0 || v >= Number(records[first.at(-1)!.at]!.v)
    const [, sign, number] = /^v (\S+) (\d)$/.exec(part) ?? assertNever(part)
    const n = Number(number)
    return sign === '==' ? v === n : sign === '<=' ? v <= n : sign === '>=' ? v >= n : v !== n
  })
}

function assertNever(part: string): never {
  throw new Error(`the twin does not know the condition ${part}`)
}

interface Found {
  readonly chosen: readonly Chosen[]
  readonly end: number
}

/** What comes out of all that there is, the earlier beginning first, then what was complete first, then by the records. */
function shownOf(
  plan: PatternPlan,
  stages: readonly Stage[],
  records: readonly Placed[],
  found: readonly Found[],
): TwinMatch[] {
  const tail = plan.stages.at(-1)!.negated
  const order = found.toSorted((a, b) => beginning(a) - beginning(b) || (tail ? 0 : a.end - b.end) || byRecords(a, b))
  const dead = new Set<Found>()
  const shown: TwinMatch[] = []
  for (const match of order) {
    if (dead.has(match)) continue
    shown.push({ events: match.chosen.map(({ at }) => records[at]!), row: rowOf(plan, stages, records, match) })
    for (const other of order) if (other !== match && isSkipped(plan, stages, match, beginning(other))) dead.add(other)
  }
  return shown
}

const beginning = ({ chosen }: Found): number => chosen[0]!.at

function byRecords(a: Found, b: Found): number {
  for (let i = 0; i < Math.min(a.chosen.length, b.chosen.length); i++) {
    const order = a.chosen[i]!.at - b.chosen[i]!.at || a.chosen[i]!.stage - b.chosen[i]!.stage
    if (order !== 0) return order
  }
  return a.chosen.length - b.chosen.length
}

function isSkipped({ afterMatch }: PatternPlan, stages: readonly Stage[], match: Found, other: number): boolean {
  switch (afterMatch.strategy) {
    case 'noSkip':
      return false
    case 'toNext':
      return other <= beginning(match)
    case 'pastLast':
      return other <= match.end
    default: {
      const of = match.chosen.filter(({ stage }) => stages[stage]!.name === afterMatch.stage)
      const to = of.at(afterMatch.strategy === 'toFirst' ? 0 : -1)
      return to !== undefined && other < to.at
    }
  }
}

function rowOf(
  { groups = [], stages: plans }: PatternPlan,
  stages: readonly Stage[],
  records: readonly Placed[],
  { chosen }: Found,
): object {
  const row: Record<string, unknown> = {}
  stages.forEach(({ name, most, optional }, index) => {
    const events = chosen
      .filter(({ stage }) => stage === index)
      .map(({ at }) => {
        const { k, t, v } = records[at]!
        return { k, t, v }
      })
    const place = plans.findIndex((plan) => plan.name === name)
    const around = groups.filter(({ first, last }) => first <= place && place <= last)
    const many = most !== 1 || around.some((group) => group.most !== 1)
    const missable = optional || around.some((group) => group.optional)
    if (many) row[name] = events
    else if (events.length > 0 || missable) row[name] = events[0] ?? null
  })
  return row
}
