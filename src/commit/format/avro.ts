/** Rows in Avro, by the schema of the sink: fields that it has, with integers exact up to 64 bits. */
import avsc from 'avsc'
import { Misfit, misfit, textOf } from './misfit.ts'
import { doubleOf } from './row.ts'

/** Integers beyond 2^53 are bigints here; a row has both. */
const exactLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: number | bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) =>
    typeof value === 'bigint' ? value >= -(2n ** 63n) && value < 2n ** 63n : Number.isSafeInteger(value),
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

/** @throws Error with what is wrong with the schema */
export function avroType(schema: string): avsc.Type {
  const parsed: unknown = JSON.parse(schema)
  const type = avsc.Type.forSchema(parsed as avsc.Schema, { registry: { long: exactLong }, wrapUnions: false })
  if (type.typeName !== 'record') throw new Error(`expected a record; found ${type.typeName}`)
  return type
}

/** Rows by a schema. What is given to the result throws a Misfit where it is not as the schema says. */
export function avroWriter(schema: string): (row: unknown) => Uint8Array {
  const type = avroType(schema)
  return (row) => {
    const value = fitted(type, row, [])
    if (!type.isValid(value)) throw new Misfit(misfits(type, value))
    return type.toBuffer(value)
  }
}

/**
 * A number that JSON writes in digits alone may be an integer or a double; the schema says which it is meant to be. A copy, without
 * bigints where doubles are that are the same number: an integer that would be rounded stays one, and does not fit.
 * @throws Misfit of a number beyond the range of a float, which the library would write as infinite
 */
function fitted(type: avsc.Type, given: unknown, path: readonly string[]): unknown {
  const value = typeof given === 'bigint' && takes(type, 'double', 'float') ? (doubleOf(given) ?? given) : given
  if (typeof value === 'number' && !Number.isFinite(Math.fround(value)) && takes(type, 'float')) {
    throw misfit(path, 'float', given)
  }
  if (typeof value !== 'object' || value === null) return value
  if (avsc.Type.isType(type, 'union')) {
    const branches = (type as avsc.types.UnwrappedUnionType).types
    const branch = branches.find(({ typeName }) =>
      Array.isArray(value) ? typeName === 'array' : /^(?:record|map)$/.test(typeName),
    )
    return branch === undefined ? value : fitted(branch, value, path)
  }
  if (Array.isArray(value)) {
    return avsc.Type.isType(type, 'array')
      ? value.map((item, i) => fitted((type as avsc.types.ArrayType).itemsType, item, [...path, String(i)]))
      : value
  }
  const fields = Object.entries(value)
  if (avsc.Type.isType(type, 'map')) {
    const { valuesType } = type as avsc.types.MapType
    return Object.fromEntries(fields.map(([name, field]) => [name, fitted(valuesType, field, [...path, name])]))
  }
  if (!avsc.Type.isType(type, 'record')) return value
  const types = new Map((type as avsc.types.RecordType).fields.map((field) => [field.name, field.type]))
  return Object.fromEntries(
    fields.flatMap(([name, field]) => {
      const fieldType = types.get(name)
      return fieldType === undefined ? [] : [[name, fitted(fieldType, field, [...path, name])] as const]
    }),
  )
}

function takes(type: avsc.Type, ...names: readonly string[]): boolean {
  const types = avsc.Type.isType(type, 'union') ? (type as avsc.types.UnwrappedUnionType).types : [type]
  return types.some(({ typeName }) => names.includes(typeName))
}

/** What of a value is not as the schema says, in words. */
function misfits(type: avsc.Type, value: unknown): string {
  const found: string[] = []
  type.isValid(value, {
    errorHook: (path, part, expected) => {
      found.push(`${path.join('.') || 'the row'}: expected ${expected}, found ${textOf(part)}`)
    },
  })
  return found.slice(0, 3).join('; ')
}
