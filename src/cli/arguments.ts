/** Arguments of a verb, parsed by its tables; what is not understood is a usage error with the nearest known word. */
import { parseArgs } from 'node:util'
import { QuorateError } from '../errors.ts'
import { suggest } from '../suggest.ts'
import { COMMON_OPTIONS } from './common-options.ts'
import type { Verb, VerbOptions } from './verb.ts'

export interface ParsedArguments {
  readonly args: readonly (string | undefined)[]
  readonly options: VerbOptions
}

export function parseArguments(name: string, verb: Verb, rest: readonly string[]): ParsedArguments {
  const known = { ...COMMON_OPTIONS, ...verb.options }
  const options = Object.fromEntries(
    Object.entries(known).map(([option, { type, short, multiple }]) => [
      option,
      { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) },
    ]),
  )
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({ args: [...rest], options, allowPositionals: true })
  } catch (error) {
    throw usage(name, explain(error, Object.keys(known)))
  }
  const { positionals, values } = parsed
  // Asking for help needs no arguments.
  if (values.help !== true) checkCount(name, verb, positionals)
  return {
    args: takesMany(verb) ? positionals : verb.args.map((_, index) => positionals[index]),
    options: {
      string: (option) => single(values[option]),
      flag: (option) => values[option] === true,
      list: (option) => listOf(values[option]),
    },
  }
}

type Value = string | boolean | (string | boolean)[] | undefined

const single = (value: Value): string | undefined => (typeof value === 'string' ? value : undefined)

const listOf = (value: Value): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []

function checkCount(name: string, verb: Verb, positionals: readonly string[]): void {
  const missing = verb.args.slice(positionals.length).find((argument) => argument.required)
  if (missing !== undefined) throw usage(name, `${missing.name} is missing: ${missing.help}`)
  if (takesMany(verb)) return
  const extra = positionals[verb.args.length]
  if (extra !== undefined) throw usage(name, `unexpected argument "${extra}"`)
}

const takesMany = (verb: Verb): boolean => verb.args.at(-1)?.many === true

function explain(error: unknown, known: readonly string[]): string {
  const { code, message } = error as { code?: string; message: string }
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const [, option = ''] = /'(--?[^' =]+)/.exec(message) ?? []
    const near = suggest(option.replace(/^--?/, ''), known)
    return `unknown option ${option}${near === undefined ? '' : `; did you mean --${near}?`}`
  }
  // Node's own text says which option lacks a value, or has one that it does not take.
  return message.split('\n')[0] ?? message
}

function usage(name: string, message: string): QuorateError {
  return new QuorateError('QRT_USAGE', `${message}. See: quorate ${name} --help`)
}
