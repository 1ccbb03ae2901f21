/**
 * SQL's values and truths as text in CEL. In SQL an operation on NULL is NULL and a condition may be unknown; in CEL null is a
 * value like others, and a comparison with it an error. So a value is kept as two texts: what it is when it is not NULL, and when it is
 * NULL; and a condition as two: when it is true, and when it is false. What is neither is unknown. None of them ever fails for NULL.
 */

export type SqlType = 'integer' | 'number' | 'text' | 'boolean' | 'any' | 'null'

export interface SqlValue {
  readonly type: SqlType
  /** What it is, where it is not NULL. */
  readonly text: string
  /** When it is NULL; undefined: never. */
  readonly missing: string | undefined
}

export interface Truth {
  readonly yes: string
  readonly no: string
  /** It is never unknown. */
  readonly total?: boolean
}

export const NULL: SqlValue = { type: 'null', text: 'null', missing: 'true' }

/** In brackets, unless nothing could tear it apart. */
export const grouped = (text: string): string =>
  /^(?:[\w.]+|"(?:[^"\\]|\\.)*")$/.test(text) || /^[\w.]+\([^()]*\)$/.test(text) ? text : `(${text})`

export function all(...conditions: readonly (string | undefined)[]): string {
  const given = unique(conditions).filter((text) => text !== 'true')
  if (given.includes('false')) return 'false'
  return given.length === 0 ? 'true' : given.length === 1 ? String(given[0]) : given.map(grouped).join(' && ')
}

export function any(...conditions: readonly (string | undefined)[]): string {
  const given = unique(conditions).filter((text) => text !== 'false')
  if (given.includes('true')) return 'true'
  return given.length === 0 ? 'false' : given.length === 1 ? String(given[0]) : given.map(grouped).join(' || ')
}

const unique = (texts: readonly (string | undefined)[]): string[] => [
  ...new Set(texts.filter((text): text is string => text !== undefined)),
]

export function not(text: string): string {
  if (text === 'true') return 'false'
  if (text === 'false') return 'true'
  const [, known] = /^(\S+) == null$/.exec(text) ?? []
  if (known !== undefined) return `${known} != null`
  const [, path] = /^!has\((.+)\) \|\| \1 == null$/.exec(text) ?? []
  return path === undefined ? `!${grouped(text)}` : `has(${path}) && ${path} != null`
}

/** True where it is not NULL. */
export const present = ({ missing }: SqlValue): string => (missing === undefined ? 'true' : not(missing))

/** The value with its NULL, as one expression. */
export function whole({ text, missing }: SqlValue): string {
  if (missing === undefined || missing === `${text} == null`) return text
  return missing === 'true' ? 'null' : `${grouped(missing)} ? null : ${grouped(text)}`
}

/** An operation that is NULL when one of its parts is. */
export function strict(type: SqlType, text: string, ...parts: readonly SqlValue[]): SqlValue {
  const missing = any(...parts.map((part) => part.missing))
  return { type, text, missing: missing === 'false' ? undefined : missing }
}

export const negated = ({ yes, no, ...rest }: Truth): Truth => ({ yes: no, no: yes, ...rest })

export const both = (...truths: readonly Truth[]): Truth => ({
  yes: all(...truths.map(({ yes }) => yes)),
  no: any(...truths.map(({ no }) => no)),
  total: truths.every(({ total }) => total === true),
})

export const either = (...truths: readonly Truth[]): Truth => negated(both(...truths.map(negated)))

/** A condition as a value: true, false or NULL. */
export function valueOfTruth({ yes, no, total }: Truth): SqlValue {
  return { type: 'boolean', text: yes, missing: total === true ? undefined : all(not(yes), not(no)) }
}

/** A boolean value as a condition. */
export function truthOf(value: SqlValue): Truth {
  const text = grouped(value.text)
  if (value.text === 'true' || value.text === 'false') return { yes: value.text, no: not(value.text), total: true }
  if (value.type === 'null') return { yes: 'false', no: 'false' }
  return {
    yes: all(present(value), `${text} == true`),
    no: all(present(value), `${text} == false`),
    total: value.missing === undefined,
  }
}

export const literal = (text: string): string => JSON.stringify(text)
