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
import { TAKEN } from './row-names.ts'
import { fieldName, text, wholeNumber } from './values.ts'
import { expects, type Finding, type Reporter, report, requires, rule, strict } from './words.ts'

type Kind = AggregatePlan['kind']

/** What stands beside the expression: in a call as its second argument, in the long form as a field of this name. */
interface Parameter {
  readonly field: 'limit' | 'at'
  readonly what: string
  readonly accepts: (value: number) => boolean
  /** Where there is none it has to be written. */
  readonly otherwise?: number
}

const limit = (most: number): Parameter => ({
  field: 'limit',
  what: `a whole number from 1 to ${most}`,
  accepts: (value) => Number.isInteger(value) && value >= 1 && value <= most,
})

const QUANTILE: Parameter = { field: 'at', what: 'a number from 0 to 1', accepts: (value) => value >= 0 && value <= 1 }

interface Form {
  readonly kind: Kind
  readonly parameter?: Parameter
  /** Of a kind that has one, where the name says it. */
  readonly fixed?: number
  /** A second expression says what values rank by. */
  readonly ranks?: true
}

const FORMS = {
  count: { kind: 'count' },
  sum: { kind: 'sum' },
  avg: { kind: 'avg' },
  min: { kind: 'min' },
  max: { kind: 'max' },
  variance: { kind: 'variance' },
  stddev: { kind: 'stddev' },
  median: { kind: 'quantile', fixed: 0.5 },
  quantile: { kind: 'quantile', parameter: QUANTILE },
  topK: { kind: 'topK', parameter: limit(JOB_LIMITS.top) },
  first: { kind: 'first' },
  last: { kind: 'last' },
  collect: { kind: 'collect', parameter: { ...limit(JOB_LIMITS.collected), otherwise: 100 } },
  countDistinct: { kind: 'countDistinct' },
  maxBy: { kind: 'maxBy', ranks: true },
  minBy: { kind: 'minBy', ranks: true },
  topBy: { kind: 'topBy', ranks: true, parameter: limit(JOB_LIMITS.top) },
} as const satisfies Readonly<Record<string, Form>>

type Name = keyof typeof FORMS

const NAMES = Object.keys(FORMS) as readonly Name[]
const LIST = NAMES.join(', ')
const nameOf = (text: string | undefined): Name | undefined => NAMES.find((known) => known === text)
const formOf = (name: Name): Form => FORMS[name]

/** What they are called elsewhere. */
const OTHER_NAMES: ReadonlyMap<string, Name> = new Map([
  ['arg_max', 'maxBy'],
  ['arg_min', 'minBy'],
  ['approx_count_distinct', 'countDistinct'],
  ['array_agg', 'collect'],
  ['average', 'avg'],
  ['count_distinct', 'countDistinct'],
  ['distinct', 'countDistinct'],
  ['earliest', 'first'],
  ['latest', 'last'],
  ['max_by', 'maxBy'],
  ['maximum', 'max'],
  ['mean', 'avg'],
  ['min_by', 'minBy'],
  ['minimum', 'min'],
  ['percentile', 'quantile'],
  ['stdev', 'stddev'],
  ['top', 'topK'],
  ['total', 'sum'],
])

/** Before its expressions have pointers. */
export interface Aggregate {
  readonly kind: Kind
  /** The name that it is written with. */
  readonly name: string
  readonly of?: string
  /** What it ranks by. */
  readonly by?: string
  readonly parameter?: number
  readonly where?: string
  /** Written as an object, its expressions each in a field. */
  readonly long: boolean
}

const CALL = 'a call such as count(), count(delay > 15), sum(x), avg(x), min(x) or max(x)'

const call = () =>
  text(CALL).transform((value, reporter): Aggregate => {
    const parsed = parse(value, reporter)
    const name = nameOf(parsed?.name) ?? 'count'
    const { kind, fixed, ranks, parameter: rule } = formOf(name)
    const [of, ...others] = parsed?.args ?? []
    const by = ranks ? others.shift() : undefined
    const [last] = others
    const parameter = fixed ?? (last === undefined ? rule?.otherwise : Number(last))
    return {
      kind,
      name,
      long: false,
      ...(of === undefined ? {} : { of }),
      ...(by === undefined ? {} : { by }),
      ...(parameter === undefined ? {} : { parameter }),
    }
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
  const finding = parsed === undefined ? notACall(value) : wrongCall(parsed, value)
  if (finding !== undefined) report(reporter, [], CALL, finding)
  if (finding === undefined && parsed !== undefined) {
    let from = value.indexOf('(') + 1
    for (const source of parsed.args.slice(0, expressionsOf(nameOf(parsed.name) ?? 'count'))) {
      from = value.indexOf(source, from)
      checkExpression(reporter, source, from)
      from += source.length
    }
  }
  return parsed
}

/** How many of the values in brackets are expressions, at most. */
const expressionsOf = (name: Name): 1 | 2 => (formOf(name).ranks ? 2 : 1)

function notACall(value: string): Finding {
  const name = nameOf(value.trim())
  return name === undefined ? {} : { suggestion: `write ${exampleOf(name)}` }
}

function exampleOf(name: Name): string {
  const { parameter, ranks } = formOf(name)
  if (name === 'count') return 'count()'
  const x = ranks ? 'x, rank' : 'x'
  if (parameter === undefined || parameter.otherwise !== undefined) return `${name}(${x})`
  return `${name}(${x}, ${parameter.field === 'at' ? 0.99 : 3})`
}

function wrongCall({ name, args }: AggregateCall, value: string): Finding | undefined {
  const known = nameOf(name)
  if (known === undefined) {
    const found = shorten(name)
    const near = OTHER_NAMES.get(found.toLowerCase()) ?? suggest(found, NAMES)
    const sentence = `expected one of ${LIST}; found "${found}"`
    return near === undefined ? { sentence } : { sentence, suggestion: `did you mean ${near}?` }
  }
  const { parameter, ranks } = formOf(known)
  const expressions = expressionsOf(known)
  const second = args[expressions]
  const most = expressions + (parameter === undefined ? 0 : 1)
  const least = known === 'count' ? 0 : parameter?.otherwise === undefined ? most : expressions
  if (args.length < least || args.length > most) {
    const what = ranks
      ? 'an expression and what it ranks by'
      : parameter === undefined
        ? 'one expression'
        : 'an expression'
    const all = parameter === undefined ? what : `${what} and ${parameter.what}`
    const expected = known === 'count' ? 'a condition or nothing' : all
    const found = args.length === 0 ? 'nothing' : args.length === 1 ? 'one expression' : `${args.length} expressions`
    const sentence = `expected ${expected} in the brackets of ${known}; found ${found}`
    return most === 1 ? { sentence } : { sentence, suggestion: `write ${exampleOf(known)}` }
  }
  if (second === undefined || parameter === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(second) && parameter.accepts(Number(second))) return undefined
  const character = value.lastIndexOf(second)
  return {
    sentence: `expected ${parameter.what} after the ${expressions === 1 ? '' : 'second '}comma in ${known}; found "${shorten(second)}"`,
    character,
  }
}

const LONG = 'an aggregate such as { max: delay, where: cancelled == false }'

const longForm = () =>
  strict(LONG, {
    count: expression('the condition of what to count').optional(),
    sum: expression().optional(),
    avg: expression().optional(),
    min: expression().optional(),
    max: expression().optional(),
    variance: expression().optional(),
    stddev: expression().optional(),
    median: expression().optional(),
    quantile: expression().optional(),
    topK: expression().optional(),
    first: expression().optional(),
    last: expression().optional(),
    collect: expression().optional(),
    countDistinct: expression().optional(),
    maxBy: expression().optional(),
    minBy: expression().optional(),
    topBy: expression().optional(),
    by: expression('what values rank by')
      .optional()
      .meta({ description: 'Of which the record has the greatest or least whose value maxBy, minBy and topBy keep.' }),
    at: z
      .number(requires(QUANTILE.what))
      .min(0, expects(QUANTILE.what))
      .max(1, expects(QUANTILE.what))
      .optional()
      .meta({ description: 'Which quantile: 0.5 is the median, 0.99 what one number in a hundred exceeds.' }),
    limit: wholeNumber(`a whole number from 1 to ${JOB_LIMITS.collected}`, 1, JOB_LIMITS.collected)
      .optional()
      .meta({ description: 'How many values collect, topK or topBy keep.' }),
    where: expression('a condition')
      .optional()
      .meta({ description: 'Only records for which this is true are looked at.' }),
  })
    .check(
      rule<LongShape>(NAMES, (value, reporter) => {
        const found = NAMES.filter((name) => value[name] !== undefined)
        if (found.length === 1) return
        const names = found.length === 0 ? 'none' : found.join(' and ')
        report(reporter, [], LONG, { sentence: `expected one of ${LIST} in an aggregate; found ${names}` })
      }),
      rule<LongShape>([...NAMES, 'by', 'at', 'limit'], checkParameter),
    )
    .transform((value): Aggregate => {
      const name = NAMES.find((known) => value[known] !== undefined) ?? 'count'
      const { [name]: of, by, where } = value
      const { kind, fixed, parameter: rule } = formOf(name)
      const parameter = fixed ?? (rule === undefined ? undefined : (value[rule.field] ?? rule.otherwise))
      return {
        kind,
        name,
        long: true,
        ...(of === undefined ? {} : { of }),
        ...(by === undefined ? {} : { by }),
        ...(parameter === undefined ? {} : { parameter }),
        ...(where === undefined ? {} : { where }),
      }
    })

type LongShape = { [name in Name | 'by']?: string | undefined } & {
  at?: number | undefined
  limit?: number | undefined
}

/** `by`, `at` and `limit` stand where they mean something, and where they have to. */
function checkParameter(value: LongShape, reporter: Reporter): void {
  const [name, ...others] = NAMES.filter((known) => value[known] !== undefined)
  if (name === undefined || others.length > 0) return
  const { parameter, ranks } = formOf(name)
  if (ranks && value.by === undefined) {
    report(reporter, [name], 'by', {
      sentence: `${name} needs by beside it`,
      suggestion: 'add by: and what values rank by',
      atName: true,
    })
  } else if (!ranks && value.by !== undefined) {
    report(reporter, ['by'], 'nothing', { sentence: `${name} has no by; leave it out`, atName: true })
  }
  for (const field of ['at', 'limit'] as const) {
    const given = value[field]
    if (field !== parameter?.field) {
      if (given === undefined) continue
      const sentence = `${name} has no ${field}; leave it out`
      report(reporter, [field], 'nothing', { sentence, atName: true })
    } else if (given !== undefined) {
      if (!parameter.accepts(given)) report(reporter, [field], parameter.what)
    } else if (parameter.otherwise === undefined) {
      report(reporter, [name], parameter.what, {
        sentence: `${name} needs ${field} beside it: ${parameter.what}`,
        suggestion: `add ${field}: ${field === 'at' ? 0.99 : 3}`,
        atName: true,
      })
    }
  }
}

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
