/** Aggregates of modules, as documents call them: by their names, with an expression for each argument. */
import { type AggregateCall, findAggregate } from '../../../operators/index.ts'
import { nameOf } from './aggregate-forms.ts'
import type { Finding } from './words.ts'

export interface OwnAggregate {
  readonly aggregate: string
}

/** The language's own names come first; a module cannot have them. */
export const isOwn = ({ name }: AggregateCall): boolean =>
  nameOf(name) === undefined && findAggregate(name, undefined) !== undefined

export function wrongOwnCall({ name, args }: AggregateCall): Finding | undefined {
  const expected = findAggregate(name, undefined)?.aggregate.args.length ?? 0
  if (args.length === expected) return undefined
  const [wanted, found] = [expected, args.length].map((count) => `${count} argument${count === 1 ? '' : 's'}`)
  return { sentence: `expected ${wanted} in the brackets of ${name}; found ${found}` }
}

export const ownAggregate = ({ name, args }: AggregateCall) => ({
  kind: 'own' as const,
  name,
  // On lines of their own, since each may end in a comment.
  of: `[${args.map((source) => `${source}\n`).join(', ')}]`,
  own: { aggregate: name },
})
