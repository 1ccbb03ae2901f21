/**
 * A pattern, compiled: the stages that take records, with what must not come before each of them. An automaton runs on it
 * (runs.ts) whose states are "waits for the n-th record of a stage".
 */
import type { Contiguity, PatternPlan, PatternStagePlan } from '../plan.ts'
import { type PatternExpression, PatternExpressions } from './expressions.ts'
import { groupsAround, type PatternGroup } from './groups.ts'
import { BEGINNING, type Way, waysFrom } from './ways.ts'

/** What must not come. */
export interface Negation {
  readonly where: PatternExpression | undefined
  /** Only the very next record is looked at. */
  readonly strict: boolean
}

export interface PatternStage {
  readonly name: string
  readonly where: PatternExpression | undefined
  readonly until: PatternExpression | undefined
  readonly contiguity: Contiguity
  readonly inner: Contiguity
  readonly optional: boolean
  readonly least: number
  readonly most: number
  /** Between the stage before and this one. */
  readonly without: readonly Negation[]
  readonly greedy: boolean
  /** That it is in, the outermost first. */
  readonly groups: readonly PatternGroup[]
  /** A row shows its records as a list. */
  readonly many: boolean
  /** A match may be without it. */
  readonly missable: boolean
  /** Once it has what it needs. */
  ways: readonly Way[]
}

export interface PatternProgram {
  readonly expressions: PatternExpressions
  readonly stages: readonly PatternStage[]
  /** How a match begins. */
  readonly starts: readonly Way[]
  /** After the last stage, until the time is over. */
  readonly withoutAfter: readonly Negation[]
  readonly withinMs: number
  readonly afterMatch: PatternPlan['afterMatch']
  /** Sorted by name; undefined: the records of each stage. */
  readonly select: readonly (readonly [name: string, value: PatternExpression])[] | undefined
  /** Index among the values of a record as a whole, where `select` is undefined. */
  readonly whole: number
}

/** @throws ExpressionError; RangeError on a plan that no compiler makes */
export function compilePattern(plan: PatternPlan): PatternProgram {
  const taking = plan.stages.filter(({ negated }) => !negated)
  const expressions = new PatternExpressions(new Map(taking.map(({ name }, index) => [name, index])))
  const condition = (source: PatternStagePlan['where']) => source && expressions.compile(source)
  const stages: PatternStage[] = []
  let without: Negation[] = []
  const around = groupsAround(plan)
  for (const stage of plan.stages) {
    const { name, contiguity, inner, negated, optional, least, most = Number.POSITIVE_INFINITY, greedy = false } = stage
    const where = condition(stage.where)
    if (negated) without.push({ where, strict: contiguity === 'strict' })
    else {
      const until = condition(stage.until)
      const groups = around[stages.length] ?? []
      const many = most > 1 || groups.some((group) => group.most > 1)
      const missable = optional || groups.some((group) => group.optional)
      const shown = { many, missable }
      const taken = { name, where, until, contiguity, inner, optional, least, most, without, greedy, groups }
      stages.push({ ...taken, ...shown, ways: [] })
      without = []
    }
  }
  for (const [index, stage] of stages.entries()) stage.ways = waysFrom(index, stages, without)
  const starts = waysFrom(BEGINNING, stages, without).filter(({ to }) => to < stages.length)
  const { withinMs = Number.POSITIVE_INFINITY, afterMatch } = plan
  if (stages.length === 0 || (stages[0]?.without.length ?? 0) > 0)
    throw new RangeError('a pattern begins with a record')
  if (without.length > 0 && withinMs === Number.POSITIVE_INFINITY) throw new RangeError('a pattern without an end')
  const select =
    plan.select &&
    Object.entries(plan.select)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, source]) => [name, expressions.compile(source)] as const)
  const whole = select === undefined ? expressions.whole : -1
  return { expressions, stages, starts, withoutAfter: without, withinMs, afterMatch, select, whole }
}
