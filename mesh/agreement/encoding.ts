/**
 * The one byte form of what is hashed or signed: JSON with sorted keys, no spaces, UTF-8. Slow next to a binary codec,
 * and right: it is readable in a dispute, it has one form per value, and it runs once per cut, not once per record.
 */
import { hash } from 'node:crypto'
import { assert } from '../errors.ts'
import type { Digest } from '../ids.ts'

/** Values without a canonical form (NaN, Infinity, functions) are programmer errors. `undefined` fields are left out. */
export function canonicalText(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    assert(Number.isFinite(value), `a signed number is finite, got ${value}`)
    return Object.is(value, -0) ? '0' : JSON.stringify(value)
  }
  if (Array.isArray(value)) {
    let items = ''
    for (const [index, item] of value.entries()) items += `${index === 0 ? '' : ','}${canonicalText(item)}`
    return `[${items}]`
  }
  assert(typeof value === 'object', `a signed value is plain data, got ${typeof value}`)
  const fields = value as Record<string, unknown>
  let text = ''
  for (const key of Object.keys(fields).sort()) {
    const field = fields[key]
    if (field !== undefined) text += `${text === '' ? '' : ','}${quotedName(key)}${canonicalText(field)}`
  }
  return `{${text}}`
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
