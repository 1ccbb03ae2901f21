/** Completion for bash: one function, which falls back to files. */
import { type CompletedVerb, valued } from './table.ts'

export function bashCompletion(verbs: readonly CompletedVerb[]): string {
  return `# Completion of quorate for bash: source <(quorate completion bash)
_quorate() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" verb="\${COMP_WORDS[1]}" words=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='${verbs.map(({ name }) => name).join(' ')} help'
  else
    case "$verb $before" in
${verbs.flatMap(valueCases).join('\n')}
    *)
      case "$verb" in
${verbs.map(verbCase).join('\n')}
      esac
      ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _quorate quorate
`
}

const valueCases = (verb: CompletedVerb): readonly string[] =>
  valued(verb).map(({ flags, values }) => {
    const patterns = flags.map((flag) => `'${verb.name} ${flag}'`).join(' | ')
    return `    ${patterns}) words='${values.join(' ')}' ;;`
  })

/** Options once a dash is typed; before that the values of the argument, or files. */
function verbCase({ name, options, values }: CompletedVerb): string {
  const flags = options.map((option) => `--${option.name}`).join(' ')
  return `      ${name}) if [ "\${word:0:1}" = - ]; then words='${flags}'; else words='${values.join(' ')}'; fi ;;`
}
