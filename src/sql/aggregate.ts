/** Aggregates in the columns of a query, in the long form of a document. NULLs are left out of all of them, as in SQL. */
import type { FuncCall, Node } from 'libpg-query'
import { findAggregate, type UserAggregate } from '../../operators/index.ts'
import { truth } from './condition.ts'
import { type Scope, valueAt } from './expression.ts'
import { expectOnly, SqlFault } from './fault.ts'
import { fits, nameOf, typeOfModule } from './function.ts'
import { AGGREGATES } from './names.ts'
import { present, type SqlType, type SqlValue, whole } from './value.ts'

export type AggregateDocument = string | Readonly<Record<string, string | number>>

/** Other names in a document. */
const KINDS: Readonly<Record<string, string>> = { var_samp: 'variance', stddev_samp: 'stddev', topk: 'topK' }
/** Those whose second argument is a number, with the name that it has in a document. */
const PARAMETERS: Readonly<Record<string, 'at' | 'limit'>> = { quantile: 'at', topk: 'limit', collect: 'limit' }
const OF_ANYTHING = ['first', 'last', 'collect']

/** The call of an aggregate that a node is; undefined when it is something else. */
export const aggregateIn = (node: Node): FuncCall | undefined =>
  'FuncCall' in node && isAggregate(nameOf(node.FuncCall)) ? node.FuncCall : undefined

const isAggregate = (name: string): boolean => AGGREGATES.includes(name) || ofModule(name) !== undefined

/** One that peers are started with; those of the language come first. */
const ofModule = (name: string): UserAggregate | undefined =>
  AGGREGATES.includes(name) ? undefined : findAggregate(name, undefined)?.aggregate

/** An aggregate, and the type of what it gives. */
export interface Aggregate {
  readonly document: AggregateDocument
  readonly type: SqlType
  /** What it is over may be NULL in all records of a group: how many are not. */
  readonly counted?: AggregateDocument
}

export function aggregateOf(call: FuncCall, scope: Scope): Aggregate {
  const { args = [], agg_star, agg_distinct, agg_filter, location } = call
  const name = nameOf(call)
  const known = ['funcname', 'args', 'agg_star', 'agg_distinct', 'agg_filter', 'funcformat', 'location']
  expectOnly(call, known, location, 'an aggregate')
  const where = agg_filter === undefined ? {} : { where: truth(agg_filter, scope).yes }
  if (agg_star === true) {
    return { type: 'integer', document: agg_filter === undefined ? 'count()' : { count: where.where ?? 'true' } }
  }
  const own = ofModule(name)
  if (own !== undefined) {
    if (agg_distinct === true) throw new SqlFault(location, `DISTINCT is known in count() alone; found it in ${name}()`)
    const call = ownCall(name, own, args, scope, location)
    return { type: typeOfModule(own.returns), document: { call, ...where } }
  }
  const [of, parameter, more] = args
  if (of === undefined || more !== undefined)
    throw new SqlFault(location, `expected a value in the brackets of ${name}`)
  const value = valueAt(of, scope)
  if (name === 'count') {
    const count = agg_distinct === true ? { countDistinct: whole(value) } : { count: present(value) }
    return { type: 'integer', document: { ...count, ...where } }
  }
  if (agg_distinct === true) throw new SqlFault(location, `DISTINCT is known in count() alone; found it in ${name}()`)
  if (!OF_ANYTHING.includes(name) && (value.type === 'text' || value.type === 'boolean')) {
    throw new SqlFault(location, `${name}() is of numbers; found a value of type ${value.type}`)
  }
  const document = { [KINDS[name] ?? name]: whole(value), ...parameterOf(name, parameter, location), ...where }
  const type = typeOf(name, value)
  // With a condition of its own it may be over no record at all.
  const sums = name === 'sum' && (value.missing !== undefined || agg_filter !== undefined)
  return sums ? { document, type, counted: { count: present(value), ...where } } : { document, type }
}

function ownCall(
  name: string,
  { args: expected }: UserAggregate,
  args: readonly Node[],
  scope: Scope,
  byte: number | undefined,
): string {
  if (args.length !== expected.length) {
    throw new SqlFault(byte, `expected ${expected.length} values in the brackets of ${name}; found ${args.length}`)
  }
  const values = args.map((arg, i) => {
    const value = valueAt(arg, scope)
    const type = typeOfModule(expected[i] ?? 'json')
    if (fits(value.type, type)) return whole(value)
    throw new SqlFault(byte, `expected a value of type ${type} in ${name}(); found one of type ${value.type}`)
  })
  return `${name}(${values.join(', ')})`
}

function typeOf(name: string, { type }: SqlValue): SqlType {
  if (name === 'sum' || name === 'min' || name === 'max' || name === 'first' || name === 'last') return type
  return name === 'topk' || name === 'collect' ? 'any' : 'number'
}

function parameterOf(name: string, node: Node | undefined, byte: number | undefined): Record<string, number> {
  const field = PARAMETERS[name]
  if (node === undefined) {
    if (field === undefined || name === 'collect') return {}
    throw new SqlFault(
      byte,
      `${name}() needs a number beside the value`,
      `write ${name}(x, ${field === 'at' ? 0.99 : 3})`,
    )
  }
  if (field === undefined) throw new SqlFault(byte, `expected one value in the brackets of ${name}; found two`)
  const { ival, fval } = 'A_Const' in node ? node.A_Const : {}
  const number = ival !== undefined ? (ival.ival ?? 0) : Number(fval?.fval ?? Number.NaN)
  if (Number.isNaN(number)) throw new SqlFault(byte, `expected a number after the comma in ${name}()`)
  return { [field]: number }
}
