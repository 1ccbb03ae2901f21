/**
 * The names that expressions on records can use, as far as the document says: those of a schema, and those that steps make or take
 * away. A wrong one would make every record a dead letter, so it is told when the job is submitted.
 */
import {
  ANY_FIELDS,
  ExpressionError,
  type FieldNames,
  type FormatPlan,
  fieldNames,
  pathsIn,
  type StepPlan,
} from '../../../operators/index.ts'
import { suggest } from '../../suggest.ts'
import type { Finding } from './words.ts'

/** At most so many names are told. */
const TOLD = 12

export class RecordNames {
  /** Of the source's records. */
  readonly #below: FieldNames
  /** Name now, and where it stands in the source's record; undefined for what a step computed. */
  readonly #known: ReadonlyMap<string, string | undefined>
  /** Other fields may be there as well, but not these. */
  readonly #gone: ReadonlySet<string> | undefined

  private constructor(
    below: FieldNames,
    known: ReadonlyMap<string, string | undefined>,
    gone: ReadonlySet<string> | undefined,
  ) {
    this.#below = below
    this.#known = known
    this.#gone = gone
  }

  static of(format: FormatPlan): RecordNames {
    const below = fieldNames(format)
    const names = below([])
    return new RecordNames(below, new Map((names ?? []).map((name) => [name, name])), names ? undefined : new Set())
  }

  /** These and no others, whatever they hold. */
  static selected(names: readonly string[]): RecordNames {
    return new RecordNames(ANY_FIELDS, new Map(names.map((name) => [name, undefined])), undefined)
  }

  /** What is wrong with the first name that an expression reads and no record has. */
  unknownIn(source: string): Finding | undefined {
    for (const path of readIn(source)) {
      const finding = this.unknown(path)
      if (finding !== undefined) return atName(finding, path, source)
    }
    return undefined
  }

  /** What is wrong with a path. */
  unknown([head, ...rest]: readonly string[]): Finding | undefined {
    if (head === undefined) return undefined
    if (!this.#known.has(head)) {
      if (this.#gone === undefined) return missing(head, [...this.#known.keys()])
      return this.#gone.has(head) ? { sentence: `an earlier step took "${head}" away` } : undefined
    }
    const from = this.#known.get(head)
    if (from === undefined) return undefined
    for (let depth = 0; depth < rest.length; depth++) {
      const above = [head, ...rest.slice(0, depth)]
      const names = this.#below([from, ...rest.slice(0, depth)])
      if (names === undefined) return undefined
      const name = rest[depth] as string
      if (!names.includes(name)) return missing(name, names, above.join('.'))
    }
    return undefined
  }

  /** The names behind a step. */
  after(step: StepPlan): RecordNames {
    switch (step.kind) {
      case 'filter':
      case 'cast':
        return this
      case 'map': {
        const made = Object.keys(step.fields).map((name) => [name, undefined] as const)
        return step.keep ? this.#with(made, []) : new RecordNames(this.#below, new Map(made), undefined)
      }
      case 'project':
        return new RecordNames(
          this.#below,
          new Map(step.fields.map((name) => [name, this.#known.get(name)])),
          undefined,
        )
      case 'drop':
        return this.#with([], step.fields)
      case 'rename': {
        const made = Object.entries(step.fields).map(([name, old]) => [name, this.#known.get(old)] as const)
        return this.#with(made, Object.values(step.fields))
      }
      case 'explode':
        return this.#with(
          [step.as, ...(step.index === undefined ? [] : [step.index])].map((name) => [name, undefined] as const),
          [],
        )
    }
  }

  /** Names that are gone, and then some that are new. */
  #with(made: readonly (readonly [string, string | undefined])[], gone: readonly string[]): RecordNames {
    const left = [...this.#known].filter(([name]) => !gone.includes(name))
    const names = new Map([...left, ...made])
    const away = this.#gone && new Set([...this.#gone, ...gone].filter((name) => !names.has(name)))
    return new RecordNames(this.#below, names, away)
  }
}

function missing(name: string, known: readonly string[], above?: string): Finding {
  const where = above === undefined ? 'the records here have' : `${above} has`
  if (known.length === 0) return { sentence: `${where} no "${name}"; ${above ?? 'a record'} is no object with fields` }
  const told =
    known.length > TOLD ? `${known.slice(0, TOLD).join(', ')} and ${known.length - TOLD} more` : known.join(', ')
  // Of a letter or two any name is near.
  const near = name.length < 3 ? undefined : suggest(name, known)
  const sentence = `${where} no "${name}"; ${above === undefined ? 'they have' : 'it has'} ${told}`
  return near === undefined ? { sentence } : { sentence, suggestion: `did you mean ${near}?` }
}

/** The finding about a name, at the character of the expression where it stands first. */
export function atName(finding: Finding, [head = '']: readonly string[], source: string): Finding {
  const character = source.search(new RegExp(`\\b${head.replace(/\W/g, '\\$&')}\\b`))
  return character < 0 ? finding : { ...finding, character }
}

/** Nothing of an expression that is wrong, which is told elsewhere. */
export function readIn(source: string): readonly (readonly string[])[] {
  try {
    return pathsIn(source)
  } catch (error) {
    if (error instanceof ExpressionError) return []
    throw error
  }
}
