/** Aggregates of a window: calls such as `count(delay > 15)`, or the long form with a condition of its own. */
import { z } from 'zod'
import {
  type AggregateCall,
  type AggregatePlan,
  ExpressionError,
  parseAggregateCall,
} from '../../../operators/index.ts'
import { suggest } from '../../suggest.ts'
import { JOB_LIMITS } from '../limits.ts'
import { shorten } from '../text/tree.ts'
import { checkExpression, expression, findingFor } from './expressions.ts'
import { fieldName, text } from './values.ts'
import { expects, type Finding, type Reporter, report, rule, strict } from './words.ts'

type Kind = AggregatePlan['kind']

const KINDS: readonly Kind[] = ['count', 'sum', 'avg', 'min', 'max']
/** What they are called elsewhere. */
const OTHER_NAMES: ReadonlyMap<string, Kind> = new Map([
  ['average', 'avg'],
  ['maximum', 'max'],
  ['mean', 'avg'],
  ['minimum', 'min'],
  ['total', 'sum'],
])

/** Before its expressions have pointers. */
export interface Aggregate {
  readonly kind: Kind
  readonly of?: string
  readonly where?: string
  /** Written as an object, its expressions each in a field. */
  readonly long: boolean
}

const CALL = 'a call such as count(), count(delay > 15), sum(x), avg(x), min(x) or max(x)'

const call = () =>
  text(CALL).transform((value, reporter): Aggregate => {
    const parsed = parse(value, reporter)
    const kind = KINDS.find((known) => known === parsed?.name)
    const [of] = parsed?.args ?? []
    return { kind: kind ?? 'count', long: false, ...(of === undefined ? {} : { of }) }
  })

/** Reports what keeps a text from being a call of an aggregate. */
function parse(value: string, reporter: Reporter): AggregateCall | undefined {
  let parsed: AggregateCall | undefined
  try {
    parsed = parseAggregateCall(value)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    const { suggestion, ...finding } = findingFor(error, value)
    const help = /^\s*count\s*\(\s*\*\s*\)\s*$/.test(value) ? 'write count()' : suggestion
    report(reporter, [], CALL, help === undefined ? finding : { ...finding, suggestion: help })
    return undefined
  }
  const finding = parsed === undefined ? notACall(value) : wrongCall(parsed)
  if (finding !== undefined) report(reporter, [], CALL, finding)
  const [of] = parsed?.args ?? []
  if (finding === undefined && of !== undefined)
    checkExpression(reporter, of, value.indexOf(of, value.indexOf('(') + 1))
  return parsed
}

function notACall(value: string): Finding {
  const name = value.trim()
  if (!KINDS.some((kind) => kind === name)) return {}
  return { suggestion: `write ${name}(${name === 'count' ? '' : 'x'})` }
}

function wrongCall({ name, args }: AggregateCall): Finding | undefined {
  if (!KINDS.some((kind) => kind === name)) {
    const found = shorten(name)
    const near = OTHER_NAMES.get(found) ?? suggest(found, KINDS)
    const sentence = `expected one of ${KINDS.join(', ')}; found "${found}"`
    return near === undefined ? { sentence } : { sentence, suggestion: `did you mean ${near}?` }
  }
  if (args.length === 1 || (name === 'count' && args.length === 0)) return undefined
  const expected = name === 'count' ? 'a condition or nothing' : 'one expression'
  const found = args.length === 0 ? 'nothing' : `${args.length} expressions`
  return { sentence: `expected ${expected} in the brackets of ${name}; found ${found}` }
}

const LONG = 'an aggregate such as { max: delay, where: cancelled == false }'

const longForm = () =>
  strict(LONG, {
    count: expression('the condition of what to count').optional(),
    sum: expression().optional(),
    avg: expression().optional(),
    min: expression().optional(),
    max: expression().optional(),
    where: expression('a condition')
      .optional()
      .meta({ description: 'Only records for which this is true are looked at.' }),
  })
    .check(
      rule<{ [kind in Kind]?: string | undefined }>(KINDS, (value, reporter) => {
        const found = KINDS.filter((kind) => value[kind] !== undefined)
        if (found.length === 1) return
        const names = found.length === 0 ? 'none' : found.join(' and ')
        report(reporter, [], LONG, { sentence: `expected one of ${KINDS.join(', ')} in an aggregate; found ${names}` })
      }),
    )
    .transform((value): Aggregate => {
      const kind = KINDS.find((known) => value[known] !== undefined) ?? 'count'
      const { [kind]: of, where } = value
      return { kind, long: true, ...(of === undefined ? {} : { of }), ...(where === undefined ? {} : { where }) }
    })

/** What every result row has besides its aggregates. */
const TAKEN: readonly string[] = ['final', 'key', 'revision', 'window']

const name = () =>
  fieldName().check(
    z.superRefine((value, reporter) => {
      if (!TAKEN.includes(value)) return
      const sentence = `every result has a field "${value}" of its own; choose another name`
      report(reporter, [], 'a name of its own', { sentence })
    }),
  )

const SOME = 'aggregates by name, such as { flights: count() }'

export const aggregates = () =>
  z.record(name(), z.union([call(), longForm()], expects(CALL)), expects(SOME)).check(
    z.superRefine((value, reporter) => {
      const count = Object.keys(value).length
      if (count === 0) report(reporter, [], SOME)
      if (count > JOB_LIMITS.aggregates) report(reporter, [], `at most ${JOB_LIMITS.aggregates} aggregates`)
    }),
  )
