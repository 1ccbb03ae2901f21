/**
 * Functions of the people who run the peers. They are known by the hash of the module that they came from, and an expression says
 * which module it means: so two replicas either run the same code, or one of them does not run at all.
 */
import { EvaluationError, OVERFLOW, WRONG_TYPE } from '../errors.ts'
import { narrow, type Value } from '../json.ts'
import type { UserAggregate } from './user-aggregates.ts'
import { boundText } from './work.ts'

export type FunctionType = 'number' | 'integer' | 'text' | 'boolean' | 'json'

/** As a module has it. Nothing of it is trusted before it was checked. */
export interface UserFunction {
  readonly args: readonly FunctionType[]
  readonly returns: FunctionType
  /** Nulls are given to it; otherwise a null among its arguments makes its result null. */
  readonly nulls?: boolean
  // biome-ignore lint/suspicious/noExplicitAny: each function has parameters of its own types.
  readonly call: (...args: any[]) => unknown
}

export interface FunctionModule {
  /** SHA-256 of its text, in hexadecimal digits. */
  readonly hash: string
  readonly functions: ReadonlyMap<string, UserFunction>
  readonly aggregates: ReadonlyMap<string, UserAggregate>
}

interface Registry {
  readonly modules: Map<string, FunctionModule>
  /** Functions are found by name alone, while a document is checked. */
  checking: boolean
}

const KEY = Symbol.for('quorate.functions')

/** One a thread, whatever copies of this package there are. Filled before the first job, and never changed while one runs. */
const registry = sharedRegistry()

function sharedRegistry(): Registry {
  const shared = globalThis as unknown as Record<symbol, Registry | undefined>
  const known = shared[KEY] ?? { modules: new Map(), checking: false }
  shared[KEY] = known
  return known
}

/** From now on expressions may call its functions. Of a name that several modules have, new jobs get that of the last. */
export function provideFunctions(module: FunctionModule): void {
  registry.modules.delete(module.hash)
  registry.modules.set(module.hash, module)
}

/** While a document is checked its expressions do not say yet which module they mean. */
export function whileChecking<Result>(check: () => Result): Result {
  const before = registry.checking
  registry.checking = true
  try {
    return check()
  } finally {
    registry.checking = before
  }
}

export interface FoundFunction {
  readonly hash: string
  readonly function: UserFunction
}

/**
 * The module of a hash; while a document is checked, where there is none, the last one that has what is looked for.
 * @param hash of the module that the expression means; undefined where it means none
 */
export function findModule(
  hash: string | undefined,
  has: (module: FunctionModule) => boolean,
): FunctionModule | undefined {
  if (hash !== undefined) return registry.modules.get(hash)
  return registry.checking ? [...registry.modules.values()].findLast(has) : undefined
}

export function findFunction(name: string, hash: string | undefined): FoundFunction | undefined {
  const module = findModule(hash, ({ functions }) => functions.has(name))
  const found = module?.functions.get(name)
  return module === undefined || found === undefined ? undefined : { hash: module.hash, function: found }
}

/** Whether the module is here. */
export const hasFunctions = (hash: string): boolean => registry.modules.has(hash)

export const knownFunctions = (): string[] => [
  ...new Set([...registry.modules.values()].flatMap(({ functions }) => [...functions.keys()])),
]

/** Of aggregates. */
export const knownAggregates = (): string[] => [
  ...new Set([...registry.modules.values()].flatMap(({ aggregates }) => [...aggregates.keys()])),
]

const FAILED = new EvaluationError('QRT_EXPR_FUNCTION')
const MAX_DEPTH = 64

/** @throws EvaluationError where an argument, or what it gives, is not of its type; or where it throws */
export function callFunction({ args, returns, nulls, call }: UserFunction, values: readonly Value[]): Value {
  if (nulls !== true && values.includes(null)) return null
  const given = args.map((type, i) => toFunction(type, values[i]))
  let result: unknown
  try {
    result = call(...given)
  } catch {
    // Its message could differ between machines, and would be part of certified bytes.
    throw FAILED
  }
  return fromFunction(returns, result)
}

/** @throws EvaluationError QRT_EXPR_TYPE */
export function toFunction(type: FunctionType, value: Value): unknown {
  if (value === null) return null
  switch (type) {
    case 'number':
      if (typeof value === 'number') return value
      break
    case 'integer':
      if (typeof value === 'bigint') return value
      if (Number.isSafeInteger(value)) return BigInt(value as number)
      break
    case 'text':
      if (typeof value === 'string') return value
      break
    case 'boolean':
      if (typeof value === 'boolean') return value
      break
    case 'json':
      return plain(value)
  }
  throw WRONG_TYPE
}

/** A copy as the language has it, so that nothing that a function does to it is seen. */
export function plain(value: Value): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, field]) => [name, plain(field)]))
  return value
}

/** What the code gives, as a value of its type. @throws EvaluationError where it is none */
export function fromFunction(type: FunctionType, result: unknown): Value {
  if (result === null) return null
  switch (type) {
    case 'number':
      if (typeof result === 'number') return finite(result)
      break
    case 'integer':
      if (typeof result === 'bigint') return bounded(result)
      if (Number.isSafeInteger(result)) return (result as number) + 0
      break
    case 'text':
      if (typeof result === 'string') return whole(result)
      break
    case 'boolean':
      if (typeof result === 'boolean') return result
      break
    case 'json':
      return jsonValue(result, 1)
  }
  throw WRONG_TYPE
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw OVERFLOW
  return value + 0
}

/** Integers end where doubles do. */
function bounded(value: bigint): Value {
  finite(Number(value))
  return narrow(value)
}

function whole(text: string): string {
  if (!text.isWellFormed()) throw WRONG_TYPE
  boundText(text.length)
  return text
}

function jsonValue(value: unknown, depth: number): Value {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return finite(value)
  if (typeof value === 'bigint') return bounded(value)
  if (typeof value === 'string') return whole(value)
  if (depth > MAX_DEPTH || typeof value !== 'object') throw WRONG_TYPE
  if (Array.isArray(value)) return value.map((item) => jsonValue(item, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw WRONG_TYPE
  return new Map(Object.entries(value).map(([name, field]) => [whole(name), jsonValue(field, depth + 1)]))
}
