/** Functions of single values. Those over many records are in aggregate.ts. */
import type { FuncCall, Node } from 'libpg-query'
import { suggest } from '../suggest.ts'
import { SqlFault } from './fault.ts'
import { AGGREGATES, WINDOWS } from './names.ts'
import { grouped, type SqlType, type SqlValue, strict } from './value.ts'

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
  if (AGGREGATES.includes(name)) {
    throw new SqlFault(
      location,
      `${name}() is over the records of a window, and stands alone in a column: ${name}(…) AS name`,
    )
  }
  if (WINDOWS.includes(name)) throw new SqlFault(location, `${name}() stands alone in GROUP BY`)
  const known = FUNCTIONS[name]
  if (known === undefined) {
    const near = suggest(name, [...Object.keys(FUNCTIONS), ...AGGREGATES, ...WINDOWS])
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
  return strict(result, known.text(...values.map(({ text }) => text)), ...values)
}

const fits = (type: SqlType, parameter: SqlType): boolean =>
  type === parameter || type === 'any' || type === 'null' || (type === 'integer' && parameter === 'number')
