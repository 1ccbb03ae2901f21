/** Groups of stages of a pattern: from one to another, so many rounds of them. One may be in another. */
import type { z } from 'zod'
import {
  crosses,
  type ExpressionPlan,
  needsRecord,
  type PatternGroupPlan,
  sharedBeginning,
} from '../../../operators/index.ts'
import { checkRepeats, contiguity, repeats, type StageShape, stagePlan } from './pattern-stage.ts'
import { flag, text } from './values.ts'
import { type Reporter, report, rule, strict } from './words.ts'

const GROUP = 'a group such as { from: small, to: large, oneOrMore: true }'

const shape = () =>
  strict(GROUP, {
    from: text('the name of a stage').meta({ description: 'The first stage of a round.' }),
    to: text('the name of a stage').meta({ description: 'The last stage of a round.' }),
    times: repeats()
      .optional()
      .meta({ description: 'How many rounds, one after the other.', examples: [3, { least: 2 }] }),
    oneOrMore: flag().prefault(false).meta({ description: 'One round, or as many as there are.' }),
    inner: contiguity().meta({
      description: 'From the last record of a round to the first of the next one, in place of what that stage says.',
    }),
    optional: flag().prefault(false).meta({ description: 'All of it may be missing.' }),
  })

type GroupShape = z.output<ReturnType<typeof shape>>

export const group = () => shape().check(rule(['times', 'oneOrMore', 'optional'], checkGroup))

function checkGroup({ times, oneOrMore, optional }: Omit<GroupShape, 'from' | 'to'>, reporter: Reporter): void {
  if (times !== undefined && oneOrMore) {
    const sentence = 'oneOrMore says already how many rounds there are'
    report(reporter, ['times'], 'another group', { sentence, suggestion: 'leave times out', atName: true })
  }
  checkRepeats(times, reporter)
  if (times === undefined && !oneOrMore && !optional) report(reporter, [], 'a group with times, oneOrMore or optional')
}

/** By the names of the stages. */
export function checkGroups(groups: readonly GroupShape[], stages: readonly StageShape[], reporter: Reporter): void {
  const taking = stages.filter(({ negated }) => !negated)
  const known = `name one of ${taking.map(({ name }) => name).join(', ')}`
  let sound = true
  const told = (i: number, name: 'from' | 'to', sentence: string, suggestion: string) => {
    sound = false
    report(reporter, ['groups', i, name], 'another stage', { sentence, suggestion })
  }
  groups.forEach(({ from, to }, i) => {
    const [first, last] = [from, to].map((name) => taking.findIndex((stage) => stage.name === name)) as [number, number]
    if (first < 0) told(i, 'from', `"${from}" is no stage that takes records`, known)
    if (last < 0) told(i, 'to', `"${to}" is no stage that takes records`, known)
    if (first >= 0 && last >= 0 && last < first) {
      told(i, 'to', `"${to}" comes before "${from}"`, 'exchange from and to')
    }
  })
  if (!sound) return
  const plans = groups.map((group) => groupPlan(group, stages))
  const plan = { stages: stages.map((stage) => stagePlan(stage, bareExpression)), groups: plans }
  groups.forEach(({ from, to }, i) => {
    const own = plans[i]
    if (own === undefined) return
    const other = plans.slice(0, i).findIndex((each) => crosses(each, own))
    if (other >= 0) {
      const sentence = `the group from "${from}" to "${to}" has stages of the one from "${groups[other]?.from}" to "${groups[other]?.to}", and neither is in the other`
      told(i, 'from', sentence, 'let them be apart, or one in the other')
    } else if (!needsRecord(own, plan)) {
      const sentence = 'each stage of the group may be missing, and a round has at least one record'
      told(i, 'from', sentence, 'make one of them not optional')
    }
  })
  const shared = sound ? sharedBeginning(plan) : undefined
  if (shared === undefined) return
  const [to, from] = shared
  const sentence = `behind "${from}", a record of "${to}" could begin a round of two groups, one in the other, and each match would be there twice`
  report(reporter, ['groups'], 'other groups', {
    sentence,
    suggestion: 'let one of the two come once, or give the outer one a stage of its own before or behind the inner one',
  })
}

/** Where a stage stands is not looked at here. */
const bareExpression = (source: string): ExpressionPlan => ({ source, pointer: '' })

export function groupPlan(
  { from, to, times, oneOrMore, inner, optional }: GroupShape,
  stages: readonly StageShape[],
): PatternGroupPlan {
  const most = times === undefined ? (oneOrMore ? undefined : 1) : times.most
  const place = (name: string): number => stages.findIndex((stage) => stage.name === name)
  return {
    first: place(from),
    last: place(to),
    optional,
    least: times?.least ?? 1,
    ...(most === undefined ? {} : { most }),
    inner,
  }
}
