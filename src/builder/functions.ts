/** The types of a module of functions: `export default { … } satisfies Functions`. */

export type FunctionType = 'number' | 'integer' | 'text' | 'boolean' | 'json'

interface Signature {
  readonly args: readonly [FunctionType, ...FunctionType[]]
  readonly returns: FunctionType
}

export interface OwnFunction extends Signature {
  /** Nulls are given to it; otherwise a null among its arguments makes its result null. */
  readonly nulls?: boolean
  /** Arguments, and what the function gives for them. Each peer tries them at start. */
  readonly samples: readonly (readonly [args: readonly unknown[], result: unknown])[]
  /** An `integer` is a bigint, and comes back as one or as a number. */
  // biome-ignore lint/suspicious/noExplicitAny: each function has parameters of its own types.
  readonly call: (...args: any[]) => unknown
}

/** A state is a JSON value, and may be changed in place; states are merged in any order and grouping. */
export interface OwnAggregate extends Signature {
  /** Records with nulls are given to it; otherwise one with a null among its arguments is left out. */
  readonly nulls?: boolean
  /** The arguments of each of some records, and what comes out for all of them. Each peer tries them at start. */
  readonly samples: readonly (readonly [records: readonly (readonly unknown[])[], result: unknown])[]
  /** The state of nothing. */
  readonly init: () => unknown
  // biome-ignore lint/suspicious/noExplicitAny: each has a state and parameters of its own types.
  readonly add: (state: any, ...args: any[]) => unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly merge: (a: any, b: any) => unknown
  /** What a row says. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly result: (state: any) => unknown
}

/** By the names that expressions, or `aggregate`, call them by. */
export type Functions = Readonly<Record<string, OwnFunction | OwnAggregate>>
