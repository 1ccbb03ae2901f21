/** Types that a field can be cast to. Null stays null: it is the value that says there is none. */
import { BAD_CAST, EvaluationError } from './errors.ts'
import { toDouble, toInteger } from './expression/arithmetic.ts'
import { canonicalJson, type Value } from './json.ts'
import type { CastType } from './plan.ts'

/** @throws EvaluationError QRT_RECORD_CAST, when the value cannot have the type */
export function castTo(type: CastType, value: Value): Value {
  if (value === null) return null
  switch (type) {
    case 'text':
      if (typeof value === 'string') return value
      if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
        return canonicalJson(value)
      }
      throw BAD_CAST
    case 'boolean':
      if (typeof value === 'boolean') return value
      if (value === 'true' || value === 1) return true
      if (value === 'false' || value === 0) return false
      throw BAD_CAST
    case 'integer':
      // Other than int(), nothing is cut off: 1.5 is no integer.
      if (typeof value === 'number' && !Number.isInteger(value)) throw BAD_CAST
      return inRange(toInteger, value)
    case 'number':
      // An integer is a number already; as a double it could lose digits.
      return typeof value === 'bigint' ? value : inRange(toDouble, value)
  }
}

function inRange(convert: (value: Value) => Value, value: Value): Value {
  try {
    return convert(value)
  } catch (error) {
    throw error instanceof EvaluationError ? BAD_CAST : error
  }
}
