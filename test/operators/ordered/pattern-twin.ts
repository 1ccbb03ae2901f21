/**
 * Matches by their definition: every way of choosing records for the stages is tried, record by record from the beginning. It knows
 * no automaton, no state and no order of coming; `v` and `s0` are all that its conditions read.
 */
import type { PatternPlan, PatternStagePlan } from '../../../operators/index.ts'
import type { Placed } from './properties.ts'

export interface TwinMatch {
  readonly events: readonly Placed[]
  readonly row: object
}

interface Chosen {
  readonly at: number
  readonly stage: number
}

type Stage = PatternStagePlan & { readonly without: readonly PatternStagePlan[] }

export function matchesOf(plan: PatternPlan, records: readonly Placed[]): TwinMatch[] {
  const { stages, tail } = arranged(plan)
  const found: Found[] = []
  const test = (source: string, at: number, chosen: readonly Chosen[]) => holds(source, records, at, chosen)
  const negated = (list: readonly PatternStagePlan[], from: number, at: number, chosen: readonly Chosen[]) =>
    list.some((each) => (each.contiguity !== 'strict' || at === from + 1) && test(each.where!.source, at, chosen))
  const inTime = (at: number, chosen: readonly Chosen[]) =>
    records[at]!.t - records[chosen[0]?.at ?? at]!.t < plan.withinMs!

  /** Chooses the `count + 1`-th record of a stage from those behind `from`. */
  const choose = (
    index: number,
    count: number,
    from: number,
    chosen: readonly Chosen[],
    without: readonly PatternStagePlan[],
  ) => {
    const stage = stages[index]!
    const contiguity = count === 0 ? stage.contiguity : stage.inner
    for (let at = from + 1; at < records.length && inTime(at, chosen); at++) {
      if (count === 0 && negated(without, from, at, chosen)) return
      if (stage.until !== undefined && test(stage.until.source, at, chosen)) return
      const fits = test(stage.where!.source, at, chosen)
      if (fits) goOn(index, count + 1, at, [...chosen, { at, stage: index }])
      if (contiguity === 'strict' || (contiguity === 'relaxed' && fits)) return
    }
  }

  const goOn = (index: number, count: number, at: number, chosen: readonly Chosen[]) => {
    const stage = stages[index]!
    if (count < (stage.most ?? Number.POSITIVE_INFINITY)) choose(index, count, at, chosen, [])
    if (count < stage.least) return
    const without: PatternStagePlan[] = []
    for (let next = index + 1; next < stages.length; next++) {
      without.push(...stages[next]!.without)
      choose(next, 0, at, chosen, [...without])
      if (!stages[next]!.optional) return
    }
    without.push(...tail)
    for (let later = at + 1; tail.length > 0 && later < records.length && inTime(later, chosen); later++) {
      if (negated(without, at, later, chosen)) return
    }
    found.push({ chosen, end: at })
  }

  for (let at = 0; at < records.length; at++) {
    for (const [index, stage] of stages.entries()) {
      if (stage.until === undefined || !test(stage.until.source, at, [])) {
        if (test(stage.where!.source, at, [])) goOn(index, 1, at, [{ at, stage: index }])
      }
      if (!stage.optional) break
    }
  }
  return shownOf(plan, stages, records, found)
}

function arranged({ stages }: PatternPlan): { stages: Stage[]; tail: PatternStagePlan[] } {
  const taking: Stage[] = []
  let without: PatternStagePlan[] = []
  for (const stage of stages) {
    if (stage.negated) without.push(stage)
    else {
      taking.push({ ...stage, without })
      without = []
    }
  }
  return { stages: taking, tail: without }
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
    shown.push({ events: match.chosen.map(({ at }) => records[at]!), row: rowOf(stages, records, match) })
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

function rowOf(stages: readonly Stage[], records: readonly Placed[], { chosen }: Found): object {
  const row: Record<string, unknown> = {}
  stages.forEach(({ name, most, optional }, index) => {
    const events = chosen
      .filter(({ stage }) => stage === index)
      .map(({ at }) => {
        const { k, t, v } = records[at]!
        return { k, t, v }
      })
    if (most !== 1) row[name] = events
    else if (events.length > 0 || optional) row[name] = events[0] ?? null
  })
  return row
}
