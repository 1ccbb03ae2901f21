/** Completion for fish: a line for each verb and option, with what it does. */
import { type CompletedOption, type CompletedVerb, quoted } from './table.ts'

export function fishCompletion(verbs: readonly CompletedVerb[]): string {
  return [
    '# Completion of quorate for fish: quorate completion fish | source',
    // Files are no verbs.
    'complete -c quorate -n __fish_use_subcommand -f',
    ...verbs.flatMap(verbLines),
    '',
  ].join('\n')
}

function verbLines({ name, summary, options, values }: CompletedVerb): readonly string[] {
  const within = `complete -c quorate -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`
  return [
    `complete -c quorate -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...(values.length === 0 ? [] : [`${within} -f -a ${quoted(values.join(' '))}`]),
    ...options.map((option) => `${within} ${optionText(option)}`),
  ]
}

function optionText({ name, short, help, takesValue, values }: CompletedOption): string {
  const flags = short === undefined ? `-l ${name}` : `-l ${name} -s ${short}`
  const value = values.length > 0 ? ` -x -a ${quoted(values.join(' '))}` : takesValue ? ' -r' : ''
  return `${flags}${value} -d ${quoted(help)}`
}
