/** Completion for zsh: with what each verb and option does beside it. To be sourced, or a file `_quorate` in the fpath. */
import { type CompletedVerb, quoted, valued } from './table.ts'

export function zshCompletion(verbs: readonly CompletedVerb[]): string {
  return `#compdef quorate
# Completion of quorate for zsh: source <(quorate completion zsh)
_quorate() {
  local -a found
  if (( CURRENT == 2 )); then
    found=(
${verbs.map(({ name, summary }) => `      ${described(name, summary)}`).join('\n')}
    )
    _describe verb found
    return
  fi
  case "$words[2] $words[CURRENT-1]" in
${verbs.flatMap(valueCases).join('\n')}
  esac
  if [[ $words[CURRENT] != -* ]]; then
    case $words[2] in
${verbs.flatMap(argumentCase).join('\n')}
    *) _files ;;
    esac
    return
  fi
  case $words[2] in
${verbs.map(optionCase).join('\n')}
  esac
  _describe -o option found
}
if [ "$funcstack[1]" = _quorate ]; then _quorate "$@"; else compdef _quorate quorate; fi
`
}

/** A colon ends the name. */
const described = (name: string, help: string): string => quoted(`${name.replaceAll(':', '\\:')}:${help}`)

const valueCases = (verb: CompletedVerb): readonly string[] =>
  valued(verb).map(({ flags, values }) => {
    const patterns = flags.map((flag) => `'${verb.name} ${flag}'`).join(' | ')
    return `  ${patterns}) compadd ${values.join(' ')}; return ;;`
  })

const argumentCase = ({ name, values }: CompletedVerb): readonly string[] =>
  values.length === 0 ? [] : [`    ${name}) compadd ${values.join(' ')} ;;`]

const optionCase = ({ name, options }: CompletedVerb): string =>
  `  ${name}) found=(${options.map((option) => described(`--${option.name}`, option.help)).join(' ')}) ;;`
