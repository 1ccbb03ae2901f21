/** Steps of a pipeline: one list in the document, in the order in which a record goes through it. */
import { z } from 'zod'
import type { AggregatePlan, ExpressionPlan, StepPlan } from '../../../operators/index.ts'
import { type PipelineDocument, type RoundDocument, roundsOf } from '../document.ts'
import { JOB_LIMITS } from '../limits.ts'
import { wordsOf } from '../partitioning.ts'
import { pointerOf } from '../text/read.ts'
import { type Aggregate, aggregates } from './aggregates.ts'
import { expression, fields, keys } from './expressions.ts'
import {
  isOrderedWindow,
  ORDERED_STEPS,
  orderedPlan,
  orderedSteps,
  orderedTexts,
  orderedWindowPlan,
  WITHOUT_AGGREGATES,
} from './ordered.ts'
import { reshapingSteps } from './reshape.ts'
import { checkRounds, placesOfRounds } from './rounds.ts'
import { checkRowSteps } from './row-steps.ts'
import { checkRowTimes, rowTime, rowTimePlan } from './row-time.ts'
import { window, windowPlan } from './windows.ts'
import { expects, oneOf, type Reporter, report, requires } from './words.ts'

const step = () =>
  oneOf('one step, such as filter, map, keyBy, window or aggregate', {
    filter: expression('a condition, such as distance >= 100')
      .optional()
      .meta({ description: 'Lets pass the records for which this is true.', examples: ['distance >= 100'] }),
    map: fields('fields by name, such as { hours: delay / 60 }')
      .optional()
      .meta({ description: 'Replaces the record by these fields.' }),
    compute: fields('fields by name, such as { late: delay > 15 }')
      .optional()
      .meta({ description: 'Adds these fields and keeps the others.' }),
    ...reshapingSteps(),
    time: rowTime()
      .optional()
      .meta({
        description: 'Which field of rows says when they happened, for the stage that follows.',
        examples: [{ field: 'began', within: '1d' }],
      }),
    keyBy: keys('a key: an expression, or a list of expressions')
      .optional()
      .meta({ description: 'What records are grouped by.', examples: ['origin', ['origin', 'destination']] }),
    window: window().optional().meta({ description: 'The windows of event time that aggregates are made over.' }),
    ...orderedSteps(),
    aggregate: aggregates()
      .optional()
      .meta({
        description: 'What each window, or each row of rolling, says of each key.',
        examples: [{ flights: 'count()', delayed: 'count(delay > 15)', worst: { max: 'delay', where: 'delay > 0' } }],
      }),
  })

type Step = z.output<ReturnType<typeof step>>

const STATELESS = ['filter', 'map', 'compute', 'project', 'drop', 'rename', 'cast', 'explode'] as const

/** At most one of them is in a round. */
const HOLDING = ['window', ...ORDERED_STEPS] as const

const RANK: ReadonlyMap<string, number> = new Map<string, number>([
  ...STATELESS.map((name) => [name, 0] as const),
  ['time', 0.5],
  ['keyBy', 1],
  ...HOLDING.map((name) => [name, 2] as const),
  ['aggregate', 3],
])
const ORDER =
  'filter, map and other steps of single records first, then keyBy, then window or a step in its place, then aggregate'

const TIME_ORDER = 'time right before the keyBy or window of the stage that takes the rows'

const nameOf = (item: unknown): string | undefined =>
  typeof item === 'object' && item !== null ? Object.keys(item)[0] : undefined

const placesIn = (list: readonly unknown[]) => placesOfRounds(list.map(nameOf), (name) => RANK.get(name))

/** Looks at the names of the steps only, so that it can run whatever else is wrong with them. */
function checkOrder(steps: readonly unknown[], reporter: Reporter): void {
  const rounds = placesIn(steps)
  rounds.forEach((places, i) => {
    checkRound(steps.map(nameOf), places, reporter, i === 0)
  })
}

function checkRound(
  all: readonly (string | undefined)[],
  places: readonly number[],
  reporter: Reporter,
  first: boolean,
): void {
  let before = { name: '', rank: 0 }
  let aggregated = false
  for (const i of places) {
    const name = all[i]
    const rank = name === undefined ? undefined : RANK.get(name)
    if (name === undefined || rank === undefined) continue
    if (name === 'aggregate') aggregated = true
    if (aggregated && rank === 0) {
      if (name !== 'explode') continue
      const sentence = 'a row of a window cannot become several; explode stands before the window'
      report(reporter, [i, name], 'no explode', { sentence, atName: true })
      continue
    }
    const again = rank > 0 && rank === before.rank
    if (again || rank < before.rank) {
      const one = `expected one of ${HOLDING.join(', ')} in a stage; found ${name} after ${before.name}`
      const sentence = again
        ? name === before.name
          ? `expected ${name} once in a stage; this is the second`
          : one
        : `expected ${name === 'time' || before.name === 'time' ? TIME_ORDER : ORDER}; found ${name} after ${before.name}`
      report(reporter, [i, name], ORDER, { sentence, atName: true })
    } else before = { name, rank }
  }
  const names = all.map((name, i) => (places.includes(i) ? name : undefined))
  const held = names.some((name = '') => RANK.get(name) === 2)
  if (names.some((name = '') => Object.hasOwn(WITHOUT_AGGREGATES, name))) checkPassing(names, reporter)
  else if (first || held) checkPair(names, reporter)
  else {
    const [place = 0] = places
    const name = names[place] ?? 'keyBy'
    const does = name === 'time' ? 'is about' : 'groups'
    const sentence = `a ${name} behind other stages begins another one, and nothing here takes what it ${does}`
    const suggestion = 'add window and aggregate, or rolling, dedupe, changes or pattern'
    report(reporter, [place, name], 'a window', { sentence, suggestion, atName: true })
  }
}

/** Windows and aggregates need one another. */
function checkPair(names: readonly (string | undefined)[], reporter: Reporter): void {
  const window = names.findIndex((name) => name === 'window' || name === 'rolling')
  const aggregate = names.indexOf('aggregate')
  if (window >= 0 === aggregate >= 0) return
  const [there, missing] = window >= 0 ? [names[window] ?? 'window', 'aggregate'] : ['aggregate', 'window']
  const example = missing === 'window' ? 'window: { tumbling: 1d }' : 'aggregate: { n: count() }'
  report(reporter, [Math.max(window, aggregate), there], missing, {
    sentence: `${there} needs ${missing} as well; there is none in this pipeline`,
    suggestion: `add a step, such as ${example}`,
    atName: true,
  })
}

/** Some steps have no aggregates. */
function checkPassing(names: readonly (string | undefined)[], reporter: Reporter): void {
  const aggregate = names.indexOf('aggregate')
  if (aggregate < 0) return
  const passing = names.find((name = '') => Object.hasOwn(WITHOUT_AGGREGATES, name)) ?? ''
  const sentence = `${passing} ${WITHOUT_AGGREGATES[passing]}, so there is nothing to aggregate`
  report(reporter, [aggregate, 'aggregate'], 'no aggregate', {
    sentence,
    suggestion: 'leave aggregate out',
    atName: true,
  })
}

export const pipeline = () =>
  z
    .array(step(), requires('a list of steps'))
    .max(JOB_LIMITS.steps, expects(`at most ${JOB_LIMITS.steps} steps`))
    .check(z.superRefine(checkOrder, { when: ({ value }) => Array.isArray(value) }))
    .transform((list, reporter) => {
      const places = placesIn(list)
      const document = arrange(list, places)
      checkNames(document, reporter)
      roundsOf(document).forEach((round, i) => {
        if (round.after !== undefined) checkRowSteps(round, placesAfterAggregate(list, places[i] ?? []), reporter)
      })
      checkRounds(document, places, reporter)
      checkRowTimes(document, reporter)
      return document
    })

/** Steps of single records, of one source among several. */
export const recordSteps = () =>
  z
    .array(step(), requires('a list of steps'))
    .max(JOB_LIMITS.steps, expects(`at most ${JOB_LIMITS.steps} steps`))
    .check(z.superRefine(checkRecordSteps, { when: ({ value }) => Array.isArray(value) }))
    .transform((list) => arrange(list, [list.map((_, i) => i)]).steps)

function checkRecordSteps(steps: readonly unknown[], reporter: Reporter): void {
  steps.forEach((item, i) => {
    const name = typeof item === 'object' && item !== null ? Object.keys(item)[0] : undefined
    if (name === undefined || (RANK.get(name) ?? 0) === 0) return
    const sentence = `expected steps of single records only, such as filter and map; ${name} is for the pipeline of the job, where the records of all sources come together`
    report(reporter, [i, name], 'steps of single records', { sentence, atName: true })
  })
}

/** The same steps in a list that stands further down in the document: pointers lead there. */
export function stepsBelow(pointer: string, steps: readonly StepPlan[]): StepPlan[] {
  const below = (plan: ExpressionPlan): ExpressionPlan => ({ ...plan, pointer: pointer + plan.pointer })
  return steps.map((step): StepPlan => {
    switch (step.kind) {
      case 'filter':
        return { ...step, where: below(step.where) }
      case 'map': {
        const fields = Object.entries(step.fields).map(([name, plan]) => [name, below(plan)] as const)
        return { ...step, fields: Object.fromEntries(fields) }
      }
      case 'explode':
        return { ...step, list: below(step.list) }
      default:
        return step
    }
  })
}

/** From the list of the document to what the operators take. Pointers lead back to the list. @param places of each round */
function arrange(list: readonly Step[], places: readonly (readonly number[])[]): PipelineDocument {
  const [first = { steps: [], aggregates: [] }, ...others] = places.map((round) => arrangeRound(list, round))
  const next = others.reduceRight<RoundDocument | undefined>(
    (behind, { steps: _, ...round }) => (behind === undefined ? round : { ...round, next: behind }),
    undefined,
  )
  return next === undefined ? first : { ...first, next }
}

function arrangeRound(list: readonly Step[], places: readonly number[]): PipelineDocument {
  const steps: StepPlan[] = []
  const after: StepPlan[] = []
  let rest: Omit<PipelineDocument, 'steps'> = { aggregates: [] }
  for (const i of places) {
    const item = list[i]
    if (item === undefined) continue
    const { time, keyBy, window, aggregate } = item
    const step = stepPlan(item, i)
    if (step !== undefined) (rest.aggregates.length > 0 ? after : steps).push(step)
    if (time !== undefined) rest = { ...rest, time: rowTimePlan(time, i) }
    if (keyBy !== undefined) rest = { ...rest, keyBy: keyBy.map((source) => planOf(source, i, 'keyBy')) }
    if (window !== undefined) {
      const held = isOrderedWindow(window) ? { ordered: orderedWindowPlan(window) } : { window: windowPlan(window) }
      rest = { ...rest, ...held }
    }
    const passing = orderedPlan(item, (source, ...names) => planOf(source, i, ...names))
    if (passing !== undefined) {
      const { ordered, key } = passing
      rest = { ...rest, ordered, ...(key === undefined || rest.keyBy !== undefined ? {} : { keyBy: [key] }) }
    }
    if (aggregate !== undefined) rest = { ...rest, aggregates: aggregatePlans(aggregate, i) }
  }
  return { steps, ...rest, ...(after.length === 0 ? {} : { after }) }
}

const placesAfterAggregate = (list: readonly Step[], places: readonly number[]): readonly number[] =>
  places.slice(places.findIndex((place) => list[place]?.aggregate !== undefined) + 1)

/** A step of single records; undefined where the item is another one. */
function stepPlan(item: Step, i: number): StepPlan | undefined {
  const { filter, map, compute, project, drop, rename, cast, explode } = item
  if (filter !== undefined) return { kind: 'filter', where: planOf(filter, i, 'filter') }
  if (map !== undefined) return { kind: 'map', fields: plansOf(map, i, 'map'), keep: false }
  if (compute !== undefined) return { kind: 'map', fields: plansOf(compute, i, 'compute'), keep: true }
  // Sorted: the order in which names stand is no part of what the step means.
  if (project !== undefined) return { kind: 'project', fields: project.toSorted() }
  if (drop !== undefined) return { kind: 'drop', fields: drop.toSorted() }
  if (rename !== undefined) return { kind: 'rename', fields: rename }
  if (cast !== undefined) return { kind: 'cast', fields: cast }
  if (explode === undefined) return undefined
  const { as, list, index } = explode
  const plan = planOf(list, i, 'explode', 'list')
  return { kind: 'explode', as, list: plan, ...(index === undefined ? {} : { index }) }
}

/** All that a step reads by expressions or names. */
function textsOf(step: StepPlan): readonly string[] {
  switch (step.kind) {
    case 'filter':
      return [step.where.source]
    case 'map':
      return Object.values(step.fields).map(({ source }) => source)
    case 'project':
    case 'drop':
      return step.fields
    case 'rename':
      return Object.values(step.fields)
    case 'cast':
      return Object.keys(step.fields)
    case 'explode':
      return [step.list.source]
  }
}

function checkNames(pipeline: PipelineDocument, reporter: Reporter): void {
  const texts = [
    ...pipeline.steps.flatMap(textsOf),
    ...roundsOf(pipeline).flatMap(({ keyBy = [], aggregates, ordered, after = [] }) => [
      ...after.flatMap(textsOf),
      ...[...keyBy, ...aggregates.flatMap(({ of, where }) => [of, where])].map((plan) => plan?.source ?? ''),
      ...orderedTexts(ordered),
    ]),
  ]
  const names = new Set(texts.flatMap(wordsOf))
  if (names.size <= JOB_LIMITS.names) return
  const sentence = `expected at most ${JOB_LIMITS.names} different names in the expressions of a pipeline; found ${names.size}`
  report(reporter, [], 'fewer names', { sentence })
}

const planOf = (source: string, step: number, ...names: readonly (string | number)[]): ExpressionPlan => ({
  source,
  pointer: pointerOf(['pipeline', step, ...names]),
})

function plansOf(
  sources: Readonly<Record<string, string>>,
  step: number,
  kind: string,
): Record<string, ExpressionPlan> {
  const plans = Object.entries(sources).map(([name, source]) => [name, planOf(source, step, kind, name)] as const)
  return Object.fromEntries(plans)
}

/** By name: the order of state must not depend on the order of the document. */
function aggregatePlans(aggregates: Readonly<Record<string, Aggregate>>, step: number): AggregatePlan[] {
  const names = Object.keys(aggregates).sort()
  return names.flatMap((name): AggregatePlan[] => {
    const aggregate = aggregates[name]
    if (aggregate === undefined) return []
    const { kind, name: written, of: given, by, parameter, own, where, long } = aggregate
    const plan = (source: string, ...below: readonly string[]) => planOf(source, step, 'aggregate', name, ...below)
    // On lines of their own, since either may end in a comment.
    const of = given === undefined || by === undefined ? given : `[${by}\n, ${given}\n]`
    return [
      {
        name,
        kind,
        ...(of === undefined ? {} : { of: long ? plan(of, own === undefined ? written : 'call') : plan(of) }),
        ...(own === undefined ? {} : { own }),
        ...(parameter === undefined ? {} : { parameter }),
        ...(where === undefined ? {} : { where: plan(where, 'where') }),
      },
    ]
  })
}
