/**
 * Aggregates of the people who run the peers, from the same modules as their functions. A record becomes a state of its own,
 * `add(init(), …)`, and states are merged: so whatever fails for a record fails for it alone, before anything is changed, and a
 * window, a pane, a session and a shuffle all do the same. A state is a JSON value in one form after each step, so that one that was
 * written and read again is the very same to the code of the module.
 */
import { EvaluationError, OVERFLOW, TOO_MUCH_WORK, WRONG_TYPE } from '../errors.ts'
import { narrow, type Value } from '../json.ts'
import { type FunctionType, findModule, fromFunction, plain, toFunction } from './user-functions.ts'

/** As a module has it. Nothing of it is trusted before it was checked. */
export interface UserAggregate {
  readonly args: readonly FunctionType[]
  readonly returns: FunctionType
  /** Nulls are given to it; otherwise a record with a null among its arguments is left out. */
  readonly nulls?: boolean
  readonly init: () => unknown
  // biome-ignore lint/suspicious/noExplicitAny: each has a state and parameters of its own types.
  readonly add: (state: any, ...args: any[]) => unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly merge: (a: any, b: any) => unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly result: (state: any) => unknown
}

/** Characters of the texts and names in a state, and eight for each of its values. */
export const MOST_STATE = 64 * 1024
const VALUE_SIZE = 8
const MAX_DEPTH = 32

/** A state in its one form: plain objects with sorted names, integers as numbers where they are safe, zero without a sign. */
export interface OwnState {
  readonly plain: unknown
  readonly size: number
}

const FAILED = new EvaluationError('QRT_EXPR_FUNCTION')

/** @param hash of the module; undefined while a document is checked */
export function findAggregate(name: string, hash: string | undefined) {
  const module = findModule(hash, ({ aggregates }) => aggregates.has(name))
  const aggregate = module?.aggregates.get(name)
  return module === undefined || aggregate === undefined ? undefined : { hash: module.hash, aggregate }
}

/** The state of nothing. @throws EvaluationError */
export const emptyState = ({ init }: UserAggregate): OwnState => called(() => init())

/**
 * The state of one record; undefined where it is left out.
 * @throws EvaluationError where an argument is not of its type, the state is none, or the code throws
 */
export function stateOfRecord(own: UserAggregate, values: readonly Value[]): OwnState | undefined {
  if (own.nulls !== true && values.includes(null)) return undefined
  const given = own.args.map((type, i) => toFunction(type, values[i]))
  const { plain: empty } = emptyState(own)
  return called(() => own.add(empty, ...given))
}

/** Neither of the two may be used after this: the code may have changed them. @throws EvaluationError */
export const mergedState = ({ merge }: UserAggregate, a: OwnState, b: OwnState): OwnState =>
  called(() => merge(a.plain, b.plain))

/** @throws EvaluationError */
export function resultOfState({ returns, result }: UserAggregate, state: OwnState): Value {
  // A copy: a row of an open window is not its last one.
  const { plain: copy } = stateOf(state.plain)
  return fromFunction(
    returns,
    raw(() => result(copy)),
  )
}

export const stateOfValue = (value: Value): OwnState => stateOf(plain(value))
export const valueOfState = ({ plain: state }: OwnState): Value => fromFunction('json', state)

const called = (call: () => unknown): OwnState => stateOf(raw(call))

function raw(call: () => unknown): unknown {
  try {
    return call()
  } catch {
    // Its message could differ between machines, and would be part of certified bytes.
    throw FAILED
  }
}

function stateOf(value: unknown): OwnState {
  const room = { left: MOST_STATE }
  return { plain: normal(value, room, 1), size: MOST_STATE - room.left }
}

function normal(value: unknown, room: { left: number }, depth: number): unknown {
  take(room, VALUE_SIZE)
  switch (typeof value) {
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value)) throw OVERFLOW
      return value + 0
    case 'bigint':
      if (!Number.isFinite(Number(value))) throw OVERFLOW
      return narrow(value)
    case 'string':
      return text(value, room)
    case 'object':
      break
    default:
      throw WRONG_TYPE
  }
  if (value === null) return null
  if (depth > MAX_DEPTH) throw WRONG_TYPE
  return Array.isArray(value) ? normalList(value, room, depth + 1) : normalObject(value, room, depth + 1)
}

/** By index: what is not there is undefined, which is no value. */
function normalList(items: readonly unknown[], room: { left: number }, depth: number): unknown[] {
  const made: unknown[] = []
  for (let i = 0; i < items.length; i++) made.push(normal(items[i], room, depth))
  return made
}

function normalObject(value: object, room: { left: number }, depth: number): Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw WRONG_TYPE
  const fields = value as Readonly<Record<string, unknown>>
  const names = Object.keys(fields)
  // They mostly are: this comes after each record.
  if (!isSorted(names)) names.sort()
  const made: Record<string, unknown> = {}
  for (let i = 0; i < names.length; i++) {
    const name = text(names[i] as string, room)
    const field = normal(fields[name], room, depth)
    if (name !== '__proto__') made[name] = field
    else Object.defineProperty(made, name, { value: field, enumerable: true, configurable: true, writable: true })
  }
  return made
}

function isSorted(names: readonly string[]): boolean {
  for (let i = 1; i < names.length; i++) if ((names[i - 1] as string) > (names[i] as string)) return false
  return true
}

function text(value: string, room: { left: number }): string {
  take(room, value.length)
  if (!value.isWellFormed()) throw WRONG_TYPE
  return value
}

function take(room: { left: number }, size: number): void {
  room.left -= size
  if (room.left < 0) throw TOO_MUCH_WORK
}
