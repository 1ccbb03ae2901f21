/** The types of a module of functions: `export default { … } satisfies Functions`. */

export type FunctionType = 'number' | 'integer' | 'text' | 'boolean' | 'json'

export interface OwnFunction {
  readonly args: readonly [FunctionType, ...FunctionType[]]
  readonly returns: FunctionType
  /** Nulls are given to it; otherwise a null among its arguments makes its result null. */
  readonly nulls?: boolean
  /** Arguments, and what the function gives for them. Each peer tries them at start. */
  readonly samples: readonly (readonly [args: readonly unknown[], result: unknown])[]
  /** An `integer` is a bigint, and comes back as one or as a number. */
  // biome-ignore lint/suspicious/noExplicitAny: each function has parameters of its own types.
  readonly call: (...args: any[]) => unknown
}

/** By the names that expressions call them by. */
export type Functions = Readonly<Record<string, OwnFunction>>
