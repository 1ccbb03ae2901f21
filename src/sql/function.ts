/** Functions of single values. Those over many records are in aggregate.ts. */
import type { FuncCall, Node } from 'libpg-query'
import { type FunctionType, findFunction, knownAggregates, knownFunctions } from '../../operators/index.ts'
import { suggest } from '../suggest.ts'
import { SqlFault } from './fault.ts'
import { AGGREGATES, WINDOWS } from './names.ts'
import { grouped, type SqlType, type SqlValue, strict, whole } from './value.ts'

interface SqlFunction {
  readonly parameters: readonly SqlType[]
  readonly result: SqlType
  readonly text: (...args: readonly string[]) => string
}

const size = (text: string): string => `size(${text})`
const TEXT: Pick<SqlFunction, 'parameters' | 'result'> = { parameters: ['text'], result: 'text' }
const LENGTH: SqlFunction = { parameters: ['text'], result: 'integer', text: (a = '') => size(a) }

const FUNCTIONS: Readonly<Record<string, SqlFunction>> = {
  lower: { ...TEXT, text: (a = '') => `${grouped(a)}.lowerAscii()` },
  upper: { ...TEXT, text: (a = '') => `${grouped(a)}.upperAscii()` },
  length: LENGTH,
  char_length: LENGTH,
  character_length: LENGTH,
  starts_with: {
    parameters: ['text', 'text'],
    result: 'boolean',
    text: (a = '', b = '') => `${grouped(a)}.startsWith(${b})`,
  },
  abs: {
    parameters: ['number'],
    result: 'number',
    text: (a = '') => `${grouped(a)} < 0 ? -${grouped(a)} : ${grouped(a)}`,
  },
  mod: {
    parameters: ['integer', 'integer'],
    result: 'integer',
    text: (a = '', b = '') => `${grouped(a)} % ${grouped(b)}`,
  },
}

export const nameOf = ({ funcname = [] }: FuncCall): string => {
  const last = funcname.at(-1)
  return last !== undefined && 'String' in last ? (last.String.sval ?? '') : ''
}

export function functionValue(call: FuncCall, valueAt: (node: Node) => SqlValue): SqlValue {
  const { args = [], location } = call
  const name = nameOf(call)
  if (AGGREGATES.includes(name) || (ofModule(name) === undefined && knownAggregates().includes(name))) {
    throw new SqlFault(
      location,
      `${name}() is over the records of a window, and stands alone in a column: ${name}(…) AS name`,
    )
  }
  if (WINDOWS.includes(name)) throw new SqlFault(location, `${name}() stands alone in GROUP BY`)
  const own = FUNCTIONS[name]
  const known = own ?? ofModule(name)
  if (known === undefined) {
    const near = suggest(name, [
      ...Object.keys(FUNCTIONS),
      ...[...AGGREGATES, ...WINDOWS, ...knownFunctions(), ...knownAggregates()],
    ])
    const help = near === undefined ? undefined : `did you mean ${near}?`
    throw new SqlFault(location, `there is no function ${name}(); there are ${Object.keys(FUNCTIONS).join(', ')}`, help)
  }
  if (args.length !== known.parameters.length) {
    throw new SqlFault(
      location,
      `expected ${known.parameters.length} values in the brackets of ${name}; found ${args.length}`,
    )
  }
  const values = args.map(valueAt)
  values.forEach(({ type }, i) => {
    if (fits(type, known.parameters[i] ?? 'any')) return
    throw new SqlFault(
      location,
      `expected a value of type ${known.parameters[i]} in ${name}(); found one of type ${type}`,
    )
  })
  const result = name === 'abs' ? (values[0]?.type ?? known.result) : known.result
  const text = known.text(...values.map((value) => (own === undefined ? whole(value) : value.text)))
  if (own !== undefined) return strict(result, text, ...values)
  // A null among its values makes its result null, unless it takes nulls; and it may give null by itself.
  return { type: result, text, missing: `${text} == null` }
}

/** A function that peers are started with, as SQL sees it. */
function ofModule(name: string): SqlFunction | undefined {
  const found = findFunction(name, undefined)?.function
  if (found === undefined) return undefined
  const { args, returns } = found
  return {
    parameters: args.map(typeOfModule),
    result: typeOfModule(returns),
    text: (...texts) => `${name}(${texts.join(', ')})`,
  }
}

/** Types of modules as those of SQL. */
export const typeOfModule = (type: FunctionType): SqlType => (type === 'json' ? 'any' : type)

export const fits = (type: SqlType, parameter: SqlType): boolean =>
  type === parameter || type === 'any' || type === 'null' || (type === 'integer' && parameter === 'number')
