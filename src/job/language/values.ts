/** The small values of the language: durations, names and whole numbers. Patterns also reach editors, through the JSON Schema. */
import { z } from 'zod'
import { ExpressionError, parseDuration } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'
import { expects, type Finding, report, requires } from './words.ts'

/** Any text, to be looked at further; `what` is told where something else stands. */
export const text = (what: string) => z.string(requires(what))

/** A text of a form that a pattern describes. */
export const pattern = (what: string, form: RegExp) => text(what).regex(form, requires(what))

export const wholeNumber = (what: string, least: number, most: number) =>
  z.int(requires(what)).min(least, requires(what)).max(most, requires(what))

export const flag = () => z.boolean(expects('true or false'))

/** One of some words. */
export const choice = <const Choices extends readonly [string, ...string[]]>(...choices: Choices) =>
  z.enum(choices, expects(choiceOf(choices)))

export function choiceOf(choices: readonly string[]): string {
  const list = choices.map((word) => `"${word}"`)
  return list.length === 1 ? String(list[0]) : `${list.slice(0, -1).join(', ')} or ${list.at(-1)}`
}

const DURATION = /^(?=\d)(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/
const EXAMPLE = 'a duration such as 10s, 1h30m or 1d'

export interface DurationBounds {
  readonly least?: string
  readonly most?: string
}

/** A duration as text; milliseconds after parsing. Bounds are part of the message. */
export function duration({ least, most }: DurationBounds = {}) {
  const bounds = `${least === undefined ? '' : `, at least ${least}`}${most === undefined ? '' : `, at most ${most}`}`
  const what = `${EXAMPLE}${bounds}`
  return durationText(what).transform((value, reporter): number => {
    const milliseconds = millisecondsOf(value)
    const small = least !== undefined && milliseconds < parseDuration(least)
    const large = milliseconds > (most === undefined ? Number.MAX_SAFE_INTEGER : parseDuration(most))
    if (small || large || Number.isNaN(milliseconds)) report(reporter, [], what)
    return milliseconds
  })
}

function durationText(what: string) {
  return text(what).check(
    z.superRefine((value, reporter) => {
      if (!DURATION.test(value)) report(reporter, [], what, helpWith(value))
    }),
    z.meta({ pattern: DURATION.source }),
  )
}

/** NaN beyond what the operators take. */
function millisecondsOf(value: string): number {
  try {
    return parseDuration(value)
  } catch (error) {
    if (error instanceof ExpressionError) return Number.NaN
    throw error
  }
}

const UNITS: readonly (readonly [form: RegExp, unit: string])[] = [
  [/^(ms|milli(second)?s?)$/i, 'ms'],
  [/^s(ec(ond)?s?)?$/i, 's'],
  [/^m(in(ute)?s?)?$/i, 'm'],
  [/^h((ou)?rs?)?$/i, 'h'],
  [/^d(ays?)?$/i, 'd'],
  [/^w(eeks?)?$/i, 'w'],
]

function helpWith(value: string): Finding {
  const [, amount, words = ''] = /^\s*(\d{1,15})\s*([a-z]{0,20})\s*$/i.exec(value) ?? []
  const [, unit] = UNITS.find(([form]) => form.test(words)) ?? []
  if (amount === undefined) return {}
  return { suggestion: unit === undefined ? 'add a unit: ms, s, m, h, d or w' : `write ${amount}${unit}` }
}

/** "forever" or a duration; -1 is forever. */
export function retention() {
  const what = `"forever", or ${EXAMPLE}`
  const check = (value: string): boolean => value === 'forever' || DURATION.test(value)
  return text(what)
    .check(
      z.superRefine((value, reporter) => {
        if (!check(value)) report(reporter, [], what, helpWith(value))
      }),
      z.meta({ pattern: `^forever$|${DURATION.source}` }),
    )
    .transform((value, reporter): number => {
      const milliseconds = value === 'forever' ? -1 : millisecondsOf(value)
      if (Number.isNaN(milliseconds)) report(reporter, [], what)
      return milliseconds
    })
}

export const jobName = () =>
  pattern(
    'a name of 1 to 63 lower-case letters, digits and hyphens that begins with a letter or digit',
    /^[a-z0-9][a-z0-9-]{0,62}$/,
  )

/** The name of a field that a step makes. Any text will do that has no control characters. */
export const fieldName = () =>
  pattern(
    `a field name of 1 to ${JOB_LIMITS.fieldNameCharacters} characters without control characters`,
    new RegExp(`^\\P{Cc}{1,${JOB_LIMITS.fieldNameCharacters}}$`, 'u'),
  )

/** Kafka's rules; what Quorate keeps for itself is left out. */
export const topicName = () =>
  text('the name of a topic').check(
    z.superRefine((value, reporter) => {
      if (!/^[a-zA-Z0-9._-]{1,249}$/.test(value) || /^\.\.?$/.test(value)) {
        report(reporter, [], 'a topic name of 1 to 249 letters, digits, ".", "_" and "-"')
      } else if (/^(quorate-|__)/.test(value)) {
        const sentence = `topics that begin with "quorate-" or "__" are internal; found "${value}"`
        report(reporter, [], 'a topic that is not internal', { sentence })
      }
    }),
    z.meta({ pattern: '^(?!quorate-|__|\\.{1,2}$)[a-zA-Z0-9._-]{1,249}$' }),
  )
