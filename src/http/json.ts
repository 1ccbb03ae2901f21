/**
 * JSON in and out without losing digits: integers beyond 2^53 leave as strings of digits (most readers would round the
 * number), and come in exactly.
 */
function portable(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

export const toJson = (value: unknown, indent = 0): string => JSON.stringify(value, portable, indent)

const INTEGER = /^-?\d+$/

/**
 * The value of a JSON text; an integer that a double would round is a BigInt.
 * @throws SyntaxError when the text is not JSON
 */
export function fromJson(text: string): unknown {
  // The third argument holds the source text of a primitive; TypeScript's library does not declare it yet.
  const exact = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    const source = context?.source
    return source !== undefined && INTEGER.test(source) ? BigInt(source) : value
  }
  return JSON.parse(text, exact)
}
