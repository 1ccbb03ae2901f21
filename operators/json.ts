/**
 * Values inside the operators, and their one text form. Objects are Maps: a field named `__proto__` is a field like any
 * other. A number stands for a double or a safe integer, a bigint for an integer beyond 2^53.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | undefined

const encoder = new TextEncoder()

export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text)

/**
 * Sorted keys (by code unit), no spaces, -0 as 0; an undefined field is left out. Doubles print as ECMA-262 prints them
 * (the shortest text that reads back the same), integers beyond 2^53 with all their digits.
 * @throws RangeError for NaN and infinities: no operator makes one, so it is a bug
 */
export function canonicalJson(value: Value): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      if (!Number.isFinite(value)) throw new RangeError(`${value} has no JSON form`)
      return Object.is(value, -0) ? '0' : String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'undefined':
      return 'null'
    default:
      break
  }
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const fields = value as ReadonlyMap<string, Value>
  const parts: string[] = []
  for (const name of [...fields.keys()].sort()) {
    const field = fields.get(name)
    if (field !== undefined) parts.push(`${JSON.stringify(name)}:${canonicalJson(field)}`)
  }
  return `{${parts.join(',')}}`
}

/** Text of an integer literal as a value: a number while safe, exact beyond. */
export function integerOf(text: string): number | bigint {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value
  return BigInt(text)
}

/** A bigint as a number where it is safe. */
export function narrow(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value
}
