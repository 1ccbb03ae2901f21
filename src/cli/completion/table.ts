/** What can be completed: verbs, their options and the values of those, out of the tables that parse them. */
import { COMMON_OPTIONS } from '../common-options.ts'
import type { Verb, VerbOption } from '../verb.ts'
import { VERBS } from '../verbs.ts'

export interface CompletedOption {
  readonly name: string
  readonly short: string | undefined
  readonly help: string
  readonly takesValue: boolean
  /** All that its value can be; empty: anything, and a shell offers files. */
  readonly values: readonly string[]
}

export interface CompletedVerb {
  readonly name: string
  readonly summary: string
  readonly options: readonly CompletedOption[]
  /** All that its first argument can be; empty as above. */
  readonly values: readonly string[]
}

export async function completionTable(): Promise<readonly CompletedVerb[]> {
  return Promise.all(
    Object.entries(VERBS).map(async ([name, { summary, load }]) => ({
      name,
      summary,
      ...completed((await load()).verb),
    })),
  )
}

const completed = ({ args, options }: Verb): Pick<CompletedVerb, 'options' | 'values'> => ({
  options: Object.entries({ ...options, ...COMMON_OPTIONS }).map(([name, option]) => ({
    name,
    short: option.short,
    help: option.help,
    takesValue: option.type === 'string',
    values: valuesOf(option),
  })),
  values: words(args[0]?.name ?? ''),
})

const valuesOf = ({ placeholder = '' }: VerbOption): readonly string[] => words(placeholder)

/** `text|json|jsonl` are three words; a name such as FILE, or a form such as DURATION|never, is none. */
const words = (placeholder: string): readonly string[] =>
  /^[a-z0-9-]+(?:\|[a-z0-9-]+)+$/.test(placeholder) ? placeholder.split('|') : []

/** As one word of a shell, whatever it holds. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The options whose values are known, as each is typed. */
export function valued({
  options,
}: CompletedVerb): readonly { readonly flags: readonly string[]; readonly values: readonly string[] }[] {
  return options
    .filter(({ values }) => values.length > 0)
    .map(({ name, short, values }) => ({
      flags: short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`],
      values,
    }))
}
