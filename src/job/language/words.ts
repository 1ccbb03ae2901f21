/**
 * How the schema speaks. The message of an issue says what was expected; what was found, and where, is added from the tree
 * (faults.ts). An issue that needs more than that carries a `Finding`.
 */
import { z } from 'zod'

export interface Finding {
  /** A whole sentence in place of "expected …; found …". */
  readonly sentence?: string
  readonly suggestion?: string
  /** Index of the wrong character in a text. */
  readonly character?: number
  /** The fault is with the name, not with its value. */
  readonly atName?: boolean
}

/** For the `error` of a schema or check. */
export const expects = (what: string): { readonly error: () => string } => ({ error: () => what })

/** As `expects`, and what comes after it in the schema does not look at the value any more. */
export const requires = (what: string): { readonly error: () => string; readonly abort: true } => ({
  error: () => what,
  abort: true,
})

/** The part of zod's context that findings are told through. */
export interface Reporter {
  addIssue(issue: {
    code: 'custom'
    message: string
    path?: PropertyKey[]
    params: { finding: Finding }
    continue?: boolean
  }): void
}

/** Tells that something else was expected at a path below the value; the value can still be looked at by other checks. */
export function report(
  reporter: Reporter,
  path: readonly PropertyKey[],
  expected: string,
  finding: Finding = {},
): void {
  reporter.addIssue({ code: 'custom', message: expected, path: [...path], params: { finding } })
}

/** The finding of a custom issue; an empty one for others. */
export function findingOf(issue: { readonly code: string; readonly params?: unknown }): Finding {
  const params = issue.code === 'custom' ? (issue.params as { finding?: Finding } | undefined) : undefined
  return params?.finding ?? {}
}

/** An object with these fields and no others. An unknown name is told with the known ones. */
export function strict<Shape extends z.core.$ZodLooseShape>(what: string, shape: Shape) {
  const known = Object.keys(shape).filter((name) => !name.startsWith('$'))
  return z.strictObject(shape, { error: ({ code }) => (code === 'unrecognized_keys' ? known.join(', ') : what) })
}

/** An object with exactly one of these fields, and any of those that may stand beside it. */
export function oneOf<
  Shape extends Record<string, z.ZodOptional>,
  Beside extends Record<string, z.ZodOptional> = Record<never, never>,
>(what: string, shape: Shape, beside?: Beside) {
  const check = (value: object, reporter: Reporter): void => {
    const names = Object.keys(value).filter((name) => beside === undefined || !Object.hasOwn(beside, name))
    if (names.length === 1) return
    const sentence = `expected ${what}; found ${names.length === 0 ? 'none' : names.join(' and ')}`
    report(reporter, [], what, { sentence })
  }
  // An unknown name is most likely the one that is missing.
  const when = ({ value, issues }: z.core.ParsePayload) =>
    isObject(value) && !issues.some(({ code, path }) => code === 'unrecognized_keys' && (path ?? []).length === 0)
  return strict(what, { ...shape, ...(beside ?? ({} as Beside)) })
    .meta({ minProperties: 1, maxProperties: 1 + Object.keys(beside ?? {}).length })
    .check(z.superRefine((value, reporter) => check(value, reporter), { when }))
}

/** A check that looks at some fields of an object, and runs when those are sound whatever the others are. */
export function rule<Value>(
  fields: readonly string[],
  check: (value: Value, reporter: Reporter) => void,
): z.core.$ZodCheck<Value> {
  const when = ({ value, issues }: z.core.ParsePayload) =>
    isObject(value) && !issues.some(({ path }) => fields.includes(String(path?.[0])))
  return z.superRefine<Value>((value, reporter) => check(value, reporter), { when })
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
