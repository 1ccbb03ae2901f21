/** One stage of a pattern: which records it takes, how many, and how far from those before. */
import { z } from 'zod'
import type { Contiguity, ExpressionPlan, PatternStagePlan } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'
import { choice, flag, pattern as form, text, wholeNumber } from './values.ts'
import { expects, type Reporter, report, rule, strict } from './words.ts'

export const CONDITION = 'a condition, such as amount > 1000 && amount > 10 * small.amount'

/** Looked at when the names of all stages are known. */
export const expression = (what: string) => text(what).transform((source) => source.trim())

export const contiguity = () =>
  choice('strict', 'relaxed', 'relaxedAny')
    .prefault('relaxed')
    .transform((value): Contiguity => value)

const TIMES = `a number of records from 1 to ${JOB_LIMITS.patternTimes}, or { least: 2, most: 4 }`
const times = () => wholeNumber(TIMES, 1, JOB_LIMITS.patternTimes)

/** A number, or two bounds. */
export const repeats = () =>
  z.union(
    [
      times().transform((count) => ({ least: count, most: count as number | undefined })),
      strict('least and most, such as { least: 2, most: 4 }', {
        least: times().prefault(1),
        most: times().optional(),
      }),
    ],
    expects(TIMES),
  )

const STAGE = 'a stage such as { name: large, where: amount > 1000 }'

const shape = () =>
  strict(STAGE, {
    name: form('a name of letters, digits and "_" that begins with a letter', /^[A-Za-z]\w{0,63}$/).meta({
      description: 'What later stages and select call its records.',
    }),
    where: expression(CONDITION).optional().meta({ description: 'Which records it takes; every record if absent.' }),
    contiguity: contiguity().meta({
      description:
        'To the stage before: the very next record (strict), the next that fits (relaxed), or any that fits (relaxedAny).',
    }),
    times: repeats()
      .optional()
      .meta({ description: 'How many records it takes, one after the other.', examples: [3, { least: 2 }] }),
    oneOrMore: flag().prefault(false).meta({ description: 'It takes one record, or as many as there are.' }),
    inner: contiguity().meta({ description: 'Between the records of a stage that takes several.' }),
    until: expression(CONDITION)
      .optional()
      .meta({ description: 'Where this is true, a stage that takes as many as there are takes no more.' }),
    optional: flag().prefault(false).meta({ description: 'It may be missing.' }),
    greedy: flag().prefault(false).meta({ description: 'No later stage takes a record that this one can take.' }),
    negated: flag().prefault(false).meta({
      description: 'No such record may come: next (contiguity strict), or before the stage behind it takes one.',
    }),
  })

export const stage = () =>
  shape().check(
    rule(['times', 'oneOrMore', 'inner', 'until', 'optional', 'greedy', 'negated', 'contiguity'], checkStage),
  )

export type StageShape = z.output<ReturnType<typeof shape>>

function checkStage(stage: Omit<StageShape, 'name' | 'where'>, reporter: Reporter): void {
  const told = (name: string, sentence: string) =>
    report(reporter, [name], 'another stage', { sentence, suggestion: `leave ${name} out`, atName: true })
  const { times, oneOrMore, inner, until, optional, greedy, negated, contiguity } = stage
  if (times !== undefined && oneOrMore) told('times', 'oneOrMore says already how many records the stage takes')
  checkRepeats(times, reporter)
  if (until !== undefined && !oneOrMore && (times === undefined || times.most !== undefined)) {
    told('until', 'until ends a stage that takes as many records as there are, and this one takes so many')
  }
  const several = oneOrMore || (times !== undefined && times.most !== times.least)
  if (greedy && !several && !optional)
    told('greedy', 'greedy is for a stage that takes several records or may be missing')
  if (greedy && inner === 'relaxedAny') told('greedy', 'a stage that may pass over records leaves them to others')
  if (!negated) return
  if (times !== undefined) told('times', 'a negated stage takes no record')
  if (oneOrMore) told('oneOrMore', 'a negated stage takes no record')
  if (optional) told('optional', 'a negated stage takes no record')
  if (contiguity === 'relaxedAny') {
    report(reporter, ['contiguity'], '"strict" or "relaxed" for a negated stage')
  }
}

export function checkRepeats(times: z.output<ReturnType<typeof repeats>> | undefined, reporter: Reporter): void {
  if (times?.most === undefined || times.most >= times.least) return
  report(reporter, ['times', 'most'], `at least ${times.least}, as many as least`)
}

export function stagePlan(
  { name, where, contiguity, times, oneOrMore, inner, until, optional, greedy, negated }: StageShape,
  planOf: (source: string, name: string) => ExpressionPlan,
): PatternStagePlan {
  const least = times?.least ?? 1
  const most = times === undefined ? (oneOrMore ? undefined : 1) : times.most
  return {
    name,
    ...(where === undefined ? {} : { where: planOf(where, 'where') }),
    contiguity,
    negated,
    optional,
    least,
    ...(most === undefined ? {} : { most }),
    inner,
    ...(until === undefined ? {} : { until: planOf(until, 'until') }),
    ...(greedy ? { greedy } : {}),
  }
}
