/** A part of a row that is not as the format of a sink says. */
export class Misfit extends Error {}

const SHOWN = 60

/** @param path of the part within the row */
export function misfit(path: readonly string[], expected: string, found: unknown): Misfit {
  return new Misfit(`${path.join('.') || 'the row'}: expected ${expected}, found ${textOf(found)}`)
}

/** What was found, for people. */
export const textOf = (value: unknown): string =>
  value === undefined
    ? 'nothing'
    : typeof value === 'bigint'
      ? String(value)
      : JSON.stringify(value, digits).slice(0, SHOWN)

const digits = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)
