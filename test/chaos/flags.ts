/** The flags of a script: its own, with their defaults, and `-o json`, which each of them has. */
import { parseArgs } from 'node:util'

export interface Flags<Name extends string> {
  readonly json: boolean
  readonly text: Readonly<Record<Name, string>>
  /** @throws RangeError where it is no number above zero: of no run at all, all would be well */
  number(name: Name): number
}

/** @throws TypeError for a flag that is none */
export function flagsOf<Name extends string>(
  argv: readonly string[],
  defaults: Readonly<Record<Name, string>>,
): Flags<Name> {
  const own = Object.entries<string>(defaults).map(([name, text]) => [name, { type: 'string', default: text }] as const)
  const { values } = parseArgs({
    args: [...argv],
    options: { ...Object.fromEntries(own), output: { type: 'string', short: 'o', default: 'text' } },
  })
  const text = values as unknown as Record<Name, string>
  return {
    json: values.output === 'json',
    text,
    number(name) {
      const number = Number(text[name])
      if (number > 0) return number
      throw new RangeError(`--${name}: expected a number above 0, found "${text[name]}"`)
    },
  }
}
