/** Patterns of records: stages in order, how far apart they may be, what must not come, and what a match says. */
import { z } from 'zod'
import { type ExpressionPlan, outermostFirst, type PatternPlan } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'
import { expressionErrorIn, findingFor } from './expressions.ts'
import { checkGroups, group, groupPlan } from './pattern-group.ts'
import { CONDITION, expression, stage, stagePlan } from './pattern-stage.ts'
import { duration, fieldName, text } from './values.ts'
import { expects, type Reporter, report, requires, rule, strict } from './words.ts'

const SKIPS = ['skipPastLast', 'skipToNext', 'noSkip'] as const
const AFTER = 'skipPastLast, skipToNext, noSkip, { skipToFirst: NAME } or { skipToLast: NAME }'

const skipTo = () =>
  strict(AFTER, {
    skipToFirst: text('the name of a stage').optional(),
    skipToLast: text('the name of a stage').optional(),
  }).transform(({ skipToFirst, skipToLast }, reporter): PatternPlan['afterMatch'] => {
    if ((skipToFirst === undefined) === (skipToLast === undefined)) report(reporter, [], AFTER)
    return skipToFirst === undefined
      ? { strategy: 'toLast', stage: skipToLast ?? '' }
      : { strategy: 'toFirst', stage: skipToFirst }
  })

const afterMatch = () =>
  z
    .union(
      [
        text(AFTER)
          .check(z.regex(/^(skipPastLast|skipToNext|noSkip)$/, expects(AFTER)))
          .meta({ enum: [...SKIPS] })
          .transform((word): PatternPlan['afterMatch'] => {
            if (word === 'noSkip') return { strategy: 'noSkip' }
            return { strategy: word === 'skipToNext' ? 'toNext' : 'pastLast' }
          }),
        skipTo(),
      ],
      expects(AFTER),
    )
    .prefault('noSkip')
    .meta({
      description:
        'Which matches come after one that shares records with them: none that begins within it, none that begins with its first record, all, or none that begins before the first or last record of a stage.',
      examples: ['skipPastLast', { skipToLast: 'large' }],
    })

const WHAT = 'stages in order, such as { stages: [{ name: small, where: amount < 10 }], within: 1m }'
const STAGES = `a list of 1 to ${JOB_LIMITS.patternStages} stages`

const GROUPS = `a list of 1 to ${JOB_LIMITS.patternStages} groups`

const shape = () =>
  strict(WHAT, {
    stages: z
      .array(stage(), requires(STAGES))
      .min(1, expects(STAGES))
      .max(JOB_LIMITS.patternStages, expects(STAGES))
      .meta({ description: 'What comes one after the other.' }),
    groups: z
      .array(group(), requires(GROUPS))
      .min(1, expects(GROUPS))
      .max(JOB_LIMITS.patternStages, expects(GROUPS))
      .optional()
      .meta({
        description: 'Stages that come together, several times one after the other.',
        examples: [[{ from: 'small', to: 'large', oneOrMore: true }]],
      }),
    within: duration({ least: '1ms', most: '520w' })
      .optional()
      .meta({ description: 'From the first record of a match to its last it is less than this.', examples: ['1m'] }),
    afterMatch: afterMatch(),
    select: z
      .record(fieldName(), expression('an expression, such as small.amount'), expects('fields by name'))
      .optional()
      .meta({
        description: 'What a row says of its match; the records of each stage if absent.',
        examples: [{ first: 'first(small).amount', charges: 'count(small)', total: 'large.amount' }],
      }),
  })

export const pattern = () => shape().check(rule(['stages', 'groups', 'within', 'afterMatch', 'select'], checkWhole))

type PatternShape = z.output<ReturnType<typeof shape>>

function checkWhole({ stages, groups = [], within, afterMatch, select }: PatternShape, reporter: Reporter): void {
  const told = (path: readonly PropertyKey[], sentence: string, suggestion: string) =>
    report(reporter, path, 'another pattern', { sentence, suggestion })
  const names = stages.map(({ name }) => name)
  names.forEach((name, i) => {
    if (names.indexOf(name) !== i) told(['stages', i, 'name'], `"${name}" is a stage already`, 'choose another name')
  })
  const last = stages.length - 1
  if (stages[0]?.negated === true) {
    told(['stages', 0, 'negated'], 'a pattern begins with a record that comes', 'put a stage before it')
  } else if (stages[last]?.negated === true) {
    const { contiguity } = stages[last]
    if (contiguity === 'strict') {
      told(
        ['stages', last, 'contiguity'],
        'what must not come at the end is looked for until the time is over',
        'write relaxed',
      )
    }
    if (within === undefined) {
      told(
        ['stages', last],
        'a pattern that ends with what must not come needs a time for that',
        'add within: 1m to the pattern',
      )
    }
  }
  checkGroups(groups, stages, reporter)
  const taking = stages.filter(({ negated }) => !negated).map(({ name }) => name)
  const end = stages.findLastIndex(({ negated }) => !negated)
  const again = groups.some(
    ({ to, times, oneOrMore }) => to === stages[end]?.name && (oneOrMore || times !== undefined),
  )
  if (stages[end]?.greedy === true && !again) {
    const sentence = 'no stage comes behind it that could take its records'
    report(reporter, ['stages', end, 'greedy'], 'another stage', {
      sentence,
      suggestion: 'leave greedy out',
      atName: true,
    })
  }
  if ('stage' in afterMatch && !taking.includes(afterMatch.stage)) {
    told(['afterMatch'], `"${afterMatch.stage}" is no stage that takes records`, `name one of ${taking.join(', ')}`)
  }
  if (taking.length === 0) return
  const check = (path: readonly PropertyKey[], source: string | undefined) => {
    if (source === undefined) return
    const error = expressionErrorIn({ ordered: bare(taking, source) })
    if (error !== undefined) report(reporter, path, CONDITION, findingFor(error, source))
  }
  stages.forEach(({ where, until }, i) => {
    check(['stages', i, 'where'], where)
    check(['stages', i, 'until'], until)
  })
  for (const [name, source] of Object.entries(select ?? {})) check(['select', name], source)
  const fields = Object.keys(select ?? {}).length
  if (select !== undefined && (fields === 0 || fields > JOB_LIMITS.fields)) {
    report(reporter, ['select'], `1 to ${JOB_LIMITS.fields} fields`)
  }
}

/** A pattern that takes everything, to compile one expression in. */
function bare(names: readonly string[], source: string): PatternPlan {
  const stage = { contiguity: 'relaxed', inner: 'relaxed', negated: false, optional: false, least: 1, most: 1 } as const
  const stages = names.map((name) => ({ ...stage, name }))
  return { kind: 'pattern', stages, afterMatch: { strategy: 'noSkip' }, select: { one: { source, pointer: '' } } }
}

export function patternPlan(
  { stages, groups, within, afterMatch, select }: PatternShape,
  planOf: (source: string, ...names: readonly (string | number)[]) => ExpressionPlan,
): PatternPlan {
  const selected = Object.entries(select ?? {}).map(([name, source]) => [name, planOf(source, 'select', name)] as const)
  return {
    kind: 'pattern',
    stages: stages.map((stage, i) => stagePlan(stage, (source, name) => planOf(source, 'stages', i, name))),
    ...(groups === undefined ? {} : { groups: groups.map((group) => groupPlan(group, stages)).sort(outermostFirst) }),
    ...(within === undefined ? {} : { withinMs: within }),
    afterMatch,
    ...(select === undefined ? {} : { select: Object.fromEntries(selected) }),
  }
}

/** All expressions. */
export const patternTexts = ({ stages, select }: PatternPlan): readonly string[] =>
  [...stages.flatMap(({ where, until }) => [where, until]), ...Object.values(select ?? {})].map(
    (plan) => plan?.source ?? '',
  )
