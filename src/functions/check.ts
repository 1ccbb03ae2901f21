/** Whether what a module exports are functions and aggregates, and whether they give what their samples say: on this machine. */
import { z } from 'zod'
import {
  builtinNames,
  callFunction,
  type FunctionModule,
  type UserAggregate,
  type UserFunction,
} from '../../operators/index.ts'
import { nameOf } from '../job/language/aggregate-forms.ts'
import { checkAggregate } from './check-aggregate.ts'
import { codeOf, textOf, valueFrom } from './sample.ts'

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/
const MOST_ARGUMENTS = 8

const type = z.enum(['number', 'integer', 'text', 'boolean', 'json'])
const code = z.custom<UserFunction['call']>((value) => typeof value === 'function', 'expected a function')

const signature = {
  args: z.array(type).min(1).max(MOST_ARGUMENTS),
  returns: type,
  nulls: z.boolean().optional(),
}

const functionShape = z.strictObject({
  ...signature,
  /** Arguments, and what the function gives for them. */
  samples: z.array(z.tuple([z.array(z.unknown()), z.unknown()])).min(1),
  call: code,
})

const aggregateShape = z.strictObject({
  ...signature,
  /** The arguments of each of some records, and what the aggregate gives for all of them. */
  samples: z.array(z.tuple([z.array(z.array(z.unknown())), z.unknown()])).min(1),
  init: code,
  add: code,
  merge: code,
  result: code,
})

const FUNCTION = "{ double: { args: ['number'], returns: 'number', samples: [[[2], 4]], call: (x) => x * 2 } }"
const AGGREGATE =
  "{ total: { args: ['number'], returns: 'number', samples: [[[[2], [3]], 5]], init: () => 0, add: (sum, x) => sum + x, merge: (a, b) => a + b, result: (sum) => sum } }"

type Invalid = (what: string) => Error

export function checkModule(exported: unknown, invalid: Invalid): Omit<FunctionModule, 'hash'> {
  if (typeof exported !== 'object' || exported === null || Object.keys(exported).length === 0) {
    throw invalid(`expected functions by name as the default export, such as ${FUNCTION}`)
  }
  const functions = new Map<string, UserFunction>()
  const aggregates = new Map<string, UserAggregate>()
  for (const [name, given] of Object.entries(exported)) {
    if (!NAME.test(name)) throw invalid(`expected a name of letters, digits and "_"; found "${name}"`)
    if (builtinNames.has(name)) throw invalid(`${name}() is a function of the language already; choose another name`)
    if (isAggregate(given)) aggregates.set(name, aggregateOf(name, given, invalid))
    else functions.set(name, functionOf(name, given, invalid))
  }
  return { functions, aggregates }
}

/** It has a part that no function has. */
const isAggregate = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && ['init', 'add', 'merge', 'result'].some((part) => part in given)

function aggregateOf(name: string, given: unknown, invalid: Invalid): UserAggregate {
  if (nameOf(name) !== undefined) {
    throw invalid(`${name}() is an aggregate of the language already; choose another name`)
  }
  const { nulls, samples, ...rest } = parsed(aggregateShape, name, given, AGGREGATE, invalid)
  const own: UserAggregate = { ...rest, ...(nulls === undefined ? {} : { nulls }) }
  checkAggregate(name, own, samples, invalid)
  return own
}

function functionOf(name: string, given: unknown, invalid: Invalid): UserFunction {
  const { nulls, samples, ...rest } = parsed(functionShape, name, given, FUNCTION, invalid)
  const own: UserFunction = { ...rest, ...(nulls === undefined ? {} : { nulls }) }
  for (const [values, expected] of samples) checkSample(name, own, values, expected, invalid)
  return own
}

function parsed<Shape extends z.ZodType>(
  shape: Shape,
  name: string,
  given: unknown,
  example: string,
  invalid: Invalid,
): z.output<Shape> {
  const { data, error } = shape.safeParse(given)
  if (data !== undefined) return data
  const [issue] = error?.issues ?? []
  throw invalid(
    `${[name, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'not as expected'}; expected ${example}`,
  )
}

function checkSample(
  name: string,
  own: UserFunction,
  values: readonly unknown[],
  expected: unknown,
  invalid: Invalid,
): void {
  const shown = `${name}(${values.map(textOf).join(', ')})`
  if (values.length !== own.args.length) throw invalid(`expected ${own.args.length} arguments in the sample ${shown}`)
  const results = [1, 2].map(() => {
    try {
      return textOf(callFunction(own, values.map(valueFrom)))
    } catch (error) {
      throw invalid(
        `the sample ${shown} fails with ${codeOf(error)}: an argument or the result is not of its type, or it throws`,
      )
    }
  })
  const wanted = textOf(expected)
  const wrong = results.find((result) => result !== wanted)
  if (wrong !== undefined) throw invalid(`expected the sample ${shown} to give ${wanted}; found ${wrong}`)
}
