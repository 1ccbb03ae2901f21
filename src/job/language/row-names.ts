/**
 * The names that expressions on the rows of aggregates can use. All of them are known from the document, so a wrong one is told when
 * the job is submitted: at run time it would only give null.
 */
import { keyNames, ownMembers } from '../../../operators/index.ts'
import { suggest } from '../../suggest.ts'
import type { RoundDocument } from '../document.ts'
import { atName, readIn } from './record-names.ts'
import type { Finding } from './words.ts'

/** Names that no field of a row can have: rows of windows have them already. */
export const TAKEN: readonly string[] = [...ownMembers(undefined), 'removed'].sort()

const EDGES = ['window.start', 'window.end']

export class RowNames {
  readonly fields: ReadonlySet<string>
  readonly #own: readonly string[]
  readonly #always: ReadonlySet<string>

  /**
   * @param own what every row has
   * @param keys the names of the parts of its key
   */
  constructor(fields: Iterable<string>, own: readonly string[], keys: Iterable<string>) {
    this.fields = new Set(fields)
    this.#own = own
    this.#always = new Set([...own, ...keys])
  }

  /** Of rows as the aggregates make them. */
  static of({ keyBy, aggregates, ordered }: RoundDocument): RowNames {
    const fields = aggregates.map(({ name }) => name)
    const own = ownMembers(ordered?.kind)
    const names = keyNames(keyBy, [...fields, ...own]).filter((name) => name !== '')
    return new RowNames(fields, own, names)
  }

  with(fields: Iterable<string>): RowNames {
    return new RowNames(fields, this.#own, this.#always)
  }

  /** Every row has it already, or may have. */
  isTaken(name: string): boolean {
    return this.#own.includes(name) || TAKEN.includes(name)
  }

  /** What is wrong with the first name that an expression reads and no row has. */
  unknownIn(source: string): Finding | undefined {
    const path = readIn(source).find((each) => !this.has(each))
    return path === undefined ? undefined : atName(this.missing(path.join('.')), path, source)
  }

  /** Of a name that no row has. */
  missing(name: string): Finding {
    const always = [...this.#always].flatMap((each) => (each === 'window' ? EDGES : [each])).sort()
    const known = [...[...this.fields].sort(), ...always]
    const near = suggest(name, known)
    const sentence = `the rows here have no "${name}"; they have ${known.join(', ')}`
    return near === undefined ? { sentence } : { sentence, suggestion: `did you mean ${near}?` }
  }

  /** Whether rows have what a path leads to, as far as that is known. */
  has([head = '', ...rest]: readonly string[]): boolean {
    if (this.fields.has(head)) return true
    if (head === 'window' && this.#always.has(head))
      return rest.length === 0 || EDGES.includes(`window.${rest.join('.')}`)
    return this.#always.has(head)
  }
}
