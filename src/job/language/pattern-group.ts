/** Groups of stages of a pattern: from one to another, so many rounds of them. */
import type { z } from 'zod'
import type { PatternGroupPlan } from '../../../operators/index.ts'
import { checkRepeats, contiguity, repeats, type StageShape } from './pattern-stage.ts'
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
  let free = 0
  groups.forEach(({ from, to }, i) => {
    const told = (name: 'from' | 'to', sentence: string, suggestion: string) =>
      report(reporter, ['groups', i, name], 'another stage', { sentence, suggestion })
    const [first, last] = [from, to].map((name) => taking.findIndex((stage) => stage.name === name)) as [number, number]
    const known = `name one of ${taking.map(({ name }) => name).join(', ')}`
    if (first < 0) told('from', `"${from}" is no stage that takes records`, known)
    if (last < 0) told('to', `"${to}" is no stage that takes records`, known)
    if (first < 0 || last < 0) return
    if (last < first) told('to', `"${to}" comes before "${from}"`, 'exchange from and to')
    else if (first < free)
      told(
        'from',
        `"${from}" is in the group before it, or comes before that`,
        'write groups in order, none in another',
      )
    else if (taking.slice(first, last + 1).every(({ optional }) => optional)) {
      told(
        'from',
        'each stage of the group may be missing, and a round has at least one record',
        'make one of them not optional',
      )
    }
    free = Math.max(free, last + 1)
  })
}

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
