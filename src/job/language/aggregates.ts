/** Aggregates of a window: calls such as `count(delay > 15)`, or the long form with a condition of its own. */
import { z } from 'zod'
import { type AggregateCall, ExpressionError, knownAggregates, parseAggregateCall } from '../../../operators/index.ts'
import { suggest } from '../../suggest.ts'
import { JOB_LIMITS } from '../limits.ts'
import { shorten } from '../text/tree.ts'
import { formOf, type Kind, LIST, NAMES, type Name, nameOf, OTHER_NAMES, QUANTILE } from './aggregate-forms.ts'
import { checkExpression, expression, findingFor } from './expressions.ts'
import { isOwn, type OwnAggregate, ownAggregate, wrongOwnCall } from './own-aggregates.ts'
import { TAKEN } from './row-names.ts'
import { fieldName, text, wholeNumber } from './values.ts'
import { expects, type Finding, type Reporter, report, requires, rule, strict } from './words.ts'

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
  /** Of a module: its arguments are in `of`. */
  readonly own?: OwnAggregate
  /** Written as an object, its expressions each in a field. */
  readonly long: boolean
}

const CALL = 'a call such as count(), count(delay > 15), sum(x), avg(x), min(x) or max(x)'

const call = () =>
  text(CALL).transform((value, reporter): Aggregate => {
    const parsed = parse(value, reporter)
    if (parsed !== undefined && isOwn(parsed)) return { ...ownAggregate(parsed), long: false }
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
    for (const source of parsed.args.slice(0, expressionsIn(parsed))) {
      from = value.indexOf(source, from)
      checkExpression(reporter, source, from)
      from += source.length
    }
  }
  return parsed
}

const expressionsIn = (call: AggregateCall): number =>
  isOwn(call) ? call.args.length : expressionsOf(nameOf(call.name) ?? 'count')

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

function wrongCall(call: AggregateCall, value: string): Finding | undefined {
  if (isOwn(call)) return wrongOwnCall(call)
  const { name, args } = call
  const known = nameOf(name)
  if (known === undefined) {
    const found = shorten(name)
    const own = knownAggregates()
    const near = OTHER_NAMES.get(found.toLowerCase()) ?? suggest(found, [...NAMES, ...own])
    const sentence = `expected one of ${[LIST, ...own].join(', ')}; found "${found}"`
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
    call: call().optional().meta({
      description: 'An aggregate of a module, such as spread(delay), where a condition is to stand beside it.',
    }),
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
      rule<LongShape>([...NAMES, 'call'], (value, reporter) => {
        const found = [...NAMES, 'call' as const].filter((name) => value[name] !== undefined)
        if (found.length === 1) return
        const names = found.length === 0 ? 'none' : found.join(' and ')
        report(reporter, [], LONG, { sentence: `expected one of ${LIST} in an aggregate; found ${names}` })
      }),
      rule<LongShape>([...NAMES, 'by', 'at', 'limit'], checkParameter),
      rule<LongShape>(['call', 'by', 'at', 'limit'], checkCall),
    )
    .transform((value): Aggregate => {
      if (value.call !== undefined) {
        return { ...value.call, long: true, ...(value.where === undefined ? {} : { where: value.where }) }
      }
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
  call?: Aggregate | undefined
  at?: number | undefined
  limit?: number | undefined
}

/** `call` is for what has no name of its own here. */
function checkCall(value: LongShape, reporter: Reporter): void {
  const { call } = value
  if (call === undefined) return
  if (call.own === undefined) {
    const sentence = `call is for aggregates of modules, and ${call.name} is none`
    report(reporter, ['call'], 'an aggregate of a module', { sentence, suggestion: `write it as ${call.name}: …` })
  }
  for (const field of ['by', 'at', 'limit'] as const) {
    if (value[field] === undefined) continue
    const sentence = `call has its arguments in brackets; leave ${field} out`
    report(reporter, [field], 'nothing', { sentence, atName: true })
  }
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
