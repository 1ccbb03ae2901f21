/**
 * The one byte form of what is hashed or signed: JSON with sorted keys, no spaces, UTF-8. Slow next to a binary codec,
 * and right: it is readable in a dispute, it has one form per value, and it runs once per cut, not once per record.
 */
import { hash } from 'node:crypto'
import { assert } from '../errors.ts'
import type { Digest } from '../ids.ts'

/** Values without a canonical form (NaN, Infinity, functions) are programmer errors. `undefined` fields are left out. */
export function canonicalText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      // The text of a finite number is that of JSON, and -0 is told as 0.
      return Number.isFinite(value) ? `${value}` : unsignable(`a signed number is finite, got ${value}`)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? arrayText(value) : objectText(value as Readonly<Record<string, unknown>>)
    default:
      return unsignable(`a signed value is plain data, got ${typeof value}`)
  }
}

/** Texts of what goes wrong are made only then: this runs for every field of what is signed. */
function unsignable(what: string): never {
  assert(false, what)
}

function arrayText(items: readonly unknown[]): string {
  let text = ''
  for (let index = 0; index < items.length; index++) text += `${index === 0 ? '' : ','}${canonicalText(items[index])}`
  return `[${text}]`
}

function objectText(fields: Readonly<Record<string, unknown>>): string {
  let text = ''
  for (const key of sortedNames(fields)) {
    const field = fields[key]
    if (field !== undefined) text += `${text === '' ? '' : ','}${quotedName(key)}${canonicalText(field)}`
  }
  return `{${text}}`
}

/** By insertion: objects have a few fields, and most have them nearly in order. */
const FEW_NAMES = 24

function sortedNames(fields: Readonly<Record<string, unknown>>): readonly string[] {
  const sorted = Object.keys(fields)
  if (sorted.length > FEW_NAMES) return sorted.sort()
  for (let next = 1; next < sorted.length; next++) {
    const name = sorted[next] as string
    let place = next
    for (; place > 0 && (sorted[place - 1] as string) > name; place--) sorted[place] = sorted[place - 1] as string
    sorted[place] = name
  }
  return sorted
}

/** Names of fields as they stand in a text. What is signed has few; beyond these, names are quoted anew each time. */
const MOST_NAMES = 512
const names = new Map<string, string>()

function quotedName(name: string): string {
  const known = names.get(name)
  if (known !== undefined) return known
  const quoted = `${JSON.stringify(name)}:`
  if (names.size < MOST_NAMES) names.set(name, quoted)
  return quoted
}

export function sha256(bytes: Uint8Array | string): Digest {
  return hash('sha256', bytes) as Digest
}

/** Digest of a plain object in its canonical form, prefixed by what it is, so that no two kinds can be confused. */
export function digestOf(kind: string, value: unknown): Digest {
  return sha256(`quorate-${kind}-1\n${canonicalText(value)}`)
}
