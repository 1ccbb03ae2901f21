/** Whether what a module exports are functions, and whether they give what their samples say: twice, and on this machine. */
import { z } from 'zod'
import { builtinNames, callFunction, canonicalJson, type UserFunction, type Value } from '../../operators/index.ts'

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/
const MOST_ARGUMENTS = 8

const type = z.enum(['number', 'integer', 'text', 'boolean', 'json'])

const shape = z.strictObject({
  args: z.array(type).min(1).max(MOST_ARGUMENTS),
  returns: type,
  nulls: z.boolean().optional(),
  /** Arguments, and what the function gives for them. */
  samples: z.array(z.tuple([z.array(z.unknown()), z.unknown()])).min(1),
  call: z.custom<UserFunction['call']>((value) => typeof value === 'function', 'expected a function'),
})

const EXAMPLE = "{ double: { args: ['number'], returns: 'number', samples: [[[2], 4]], call: (x) => x * 2 } }"

export function checkFunctions(exported: unknown, invalid: (what: string) => Error): ReadonlyMap<string, UserFunction> {
  if (typeof exported !== 'object' || exported === null || Object.keys(exported).length === 0) {
    throw invalid(`expected functions by name as the default export, such as ${EXAMPLE}`)
  }
  const functions = new Map<string, UserFunction>()
  for (const [name, given] of Object.entries(exported)) {
    if (!NAME.test(name)) throw invalid(`expected a name of letters, digits and "_"; found "${name}"`)
    if (builtinNames.has(name)) throw invalid(`${name}() is a function of the language already; choose another name`)
    const { data, error } = shape.safeParse(given)
    if (data === undefined) {
      const [issue] = error.issues
      throw invalid(
        `${[name, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'not as expected'}; expected ${EXAMPLE}`,
      )
    }
    const { args, returns, nulls, call, samples } = data
    const checked: UserFunction = { args, returns, ...(nulls === undefined ? {} : { nulls }), call }
    for (const [values, expected] of samples) checkSample(name, checked, values, expected, invalid)
    functions.set(name, checked)
  }
  return functions
}

function checkSample(
  name: string,
  own: UserFunction,
  values: readonly unknown[],
  expected: unknown,
  invalid: (what: string) => Error,
): void {
  const shown = `${name}(${values.map(textOf).join(', ')})`
  if (values.length !== own.args.length) throw invalid(`expected ${own.args.length} arguments in the sample ${shown}`)
  const results = [1, 2].map(() => {
    try {
      return canonicalJson(callFunction(own, values.map(valueFrom)))
    } catch (error) {
      const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : error
      throw invalid(
        `the sample ${shown} fails with ${String(code)}: an argument or the result is not of its type, or it throws`,
      )
    }
  })
  const wanted = textOf(expected)
  const wrong = results.find((result) => result !== wanted)
  if (wrong !== undefined) throw invalid(`expected the sample ${shown} to give ${wanted}; found ${wrong}`)
}

const textOf = (value: unknown): string => canonicalJson(valueFrom(value))

/** As a record has it. */
function valueFrom(value: unknown): Value {
  if (Array.isArray(value)) return value.map(valueFrom)
  if (typeof value !== 'object' || value === null) return value as Value
  return new Map(Object.entries(value).map(([field, inner]) => [field, valueFrom(inner)]))
}
