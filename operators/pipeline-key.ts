/**
 * Keys: any JSON value. Records are grouped by a raw number or string, so that no JSON is built per record; the canonical
 * text is made once per row. Codes tell what the raw key of a stage stands for.
 */
import { EvaluationError } from './errors.ts'
import { compileExpression } from './expression/compile.ts'
import type { FieldSet } from './fields.ts'
import { canonicalJson, type Value } from './json.ts'
import type { ExpressionPlan } from './plan.ts'
import type { GroupKey } from './window-table.ts'

const BAD_KEY = new EvaluationError('QRT_RECORD_KEY')

/** Begins a raw key that is the JSON text of a value other than a plain number or string. */
const ESCAPE = '\u0000'

export type KeyReader = (slots: readonly Value[]) => GroupKey

export interface KeyCode {
  /** The canonical JSON of a key; empty where a stage has no key. */
  textOf(key: GroupKey): string
  /** The raw key of a canonical text. */
  keyOf(text: string): GroupKey
}

/** Raw keys are the canonical texts themselves: stages without a key, with several, or fed by a shuffle. */
export const TEXT_KEYS: KeyCode = { textOf: String, keyOf: (text) => text }

/** Raw keys are plain numbers and strings, and escaped texts for the rest. */
export const VALUE_KEYS: KeyCode = {
  textOf(key) {
    if (typeof key === 'number') return String(key)
    return key.startsWith(ESCAPE) ? key.slice(1) : JSON.stringify(key)
  },
  keyOf(text) {
    if (text.startsWith('"')) return rawKey(JSON.parse(text) as string)
    const number = Number(text)
    return String(number) === text && plainNumber(number) ? number : ESCAPE + text
  },
}

/** A number beyond the safe integers has an exact twin, a bigint with the same text; both are kept as text. */
const plainNumber = (value: number): boolean =>
  Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value))

function rawKey(value: Value): GroupKey {
  if (typeof value === 'number' && plainNumber(value)) return value
  if (typeof value === 'string' && !value.startsWith(ESCAPE)) return value
  return ESCAPE + textOfKey(value)
}

function textOfKey(value: Value): string {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) throw BAD_KEY
  return canonicalJson(value)
}

export function compileKey(
  keyBy: readonly ExpressionPlan[] | undefined,
  fields: FieldSet,
): { readonly code: KeyCode; readonly read: KeyReader } {
  const parts = (keyBy ?? []).map((plan) => compileExpression(plan, fields))
  const [first] = parts
  if (first === undefined) return { code: TEXT_KEYS, read: () => '' }
  if (parts.length === 1) return { code: VALUE_KEYS, read: (slots) => rawKey(first(slots)) }
  return { code: TEXT_KEYS, read: (slots) => `[${parts.map((part) => textOfKey(part(slots))).join(',')}]` }
}

const SURROGATE = /[\ud800-\udfff]/

/** Sorts by the UTF-8 bytes of the texts; the order of UTF-16 agrees with that except beside surrogates. */
export function sortByText<Item extends { readonly text: string }>(items: Item[]): Item[] {
  if (items.some(({ text }) => SURROGATE.test(text))) {
    return items.sort((a, b) => Buffer.compare(Buffer.from(a.text), Buffer.from(b.text)))
  }
  return items.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
}

/** The order of the UTF-8 bytes of two texts. */
export const compareTexts = (a: string, b: string): number =>
  a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
