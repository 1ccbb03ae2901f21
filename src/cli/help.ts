/** Help texts: of the whole command line and of each verb, always with examples. */
import { COMMON_OPTIONS } from './common-options.ts'
import type { Verb, VerbArgument, VerbOption } from './verb.ts'
import { VERBS } from './verbs.ts'

export function generalHelp(): string {
  const width = Math.max(...Object.keys(VERBS).map((name) => name.length))
  const verbs = Object.entries(VERBS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return [
    'quorate: a leaderless stream processor. A result counts once W of N replicas signed it.',
    '',
    'Usage: quorate VERB [arguments] [options]',
    '',
    ...verbs,
    '',
    'Examples:',
    '  quorate demo                                   see it work: no Docker, no Kafka',
    '  quorate submit delays.yaml                     run a job on the cluster',
    '  quorate query flight-delays --key ORD          its windows for one key',
    '  quorate status                                 what is waiting, and for whom',
    '',
    '"quorate VERB --help" tells the options and examples of a verb.',
    'Exit codes: 0 fine, 1 failed, 2 usage, 3 invalid configuration or job, 4 unreachable or timed out, 5 quorum not met, 6 tests failed.',
  ].join('\n')
}

export function verbHelp(name: string, verb: Verb): string {
  const args = verb.args.map(argumentText).join(' ')
  const lines = [verb.summary, '', `Usage: quorate ${name}${args === '' ? '' : ` ${args}`} [options]`]
  if (verb.description !== undefined) lines.push('', verb.description)
  if (verb.args.length > 0) lines.push('', 'Arguments:', ...columns(verb.args.map(({ name, help }) => [name, help])))
  const own = Object.entries(verb.options)
  if (own.length > 0) lines.push('', 'Options:', ...columns(own.map(optionLine)))
  lines.push('', 'Common options:', ...columns(Object.entries(COMMON_OPTIONS).map(optionLine)))
  lines.push('', 'Examples:')
  for (const { command, what } of verb.examples) lines.push(`  # ${what}`, `  ${command}`)
  return lines.join('\n')
}

function argumentText({ name, required, many }: VerbArgument): string {
  const text = many === true ? `${name} …` : name
  return required ? text : `[${text}]`
}

function optionLine([name, { short, placeholder, help }]: [string, VerbOption]): [string, string] {
  const value = placeholder === undefined ? '' : ` ${placeholder}`
  return [`${short === undefined ? '    ' : `-${short}, `}--${name}${value}`, help]
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
