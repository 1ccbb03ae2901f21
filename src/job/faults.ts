/**
 * From what the schema found to what a person reads: every issue with the place of the value, or of the name, that is wrong, and
 * with what stands there.
 */
import type { z } from 'zod'
import type { Fault } from '../http/problems.ts'
import { suggest } from '../suggest.ts'
import { type Finding, findingOf } from './language/words.ts'
import { JOB_LIMITS } from './limits.ts'
import { type Path, placeOf, pointerOf, positionsIn } from './text/read.ts'
import { type Node, shorten, type TextFault } from './text/tree.ts'

interface Placed extends TextFault {
  /** Of a name that is missing, and of the missing name that an unknown one most likely means. */
  readonly missing?: string
  readonly meant?: string
}

type Issue = z.core.$ZodIssue

/** All faults of a document in the order of its text. */
export function faultsOf(text: string, root: Node, faults: readonly TextFault[], issues: readonly Issue[]): Fault[] {
  const found = issues.flatMap((issue) => placed(root, issue, []))
  const meant = new Set(found.map((fault) => fault.meant))
  const told = found.filter(({ missing }) => missing === undefined || !meant.has(missing))
  return locate(text, [...faults, ...told])
}

/** Faults with lines and columns in place of offsets. */
export function locate(text: string, faults: readonly TextFault[]): Fault[] {
  const positionOf = positionsIn(text)
  return faults
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, pointer, message, suggestion }) => ({
      ...(pointer === undefined ? {} : { pointer }),
      ...positionOf(offset),
      message: shorten(message, JOB_LIMITS.messageCharacters),
      ...(suggestion === undefined ? {} : { suggestion }),
    }))
}

function placed(root: Node, issue: Issue, above: Path): Placed[] {
  const path = [...above, ...issue.path]
  switch (issue.code) {
    case 'invalid_union':
      return ofBestBranch(issue).flatMap((inner) =>
        inner === undefined ? ofValue(root, path, issue.message, {}) : placed(root, inner, path),
      )
    case 'unrecognized_keys':
      return issue.keys.map((name) => ofUnknownName(root, [...path, name], issue.message))
    case 'invalid_key':
      return issue.issues.flatMap((inner) => ofValue(root, path, inner.message, { ...findingOf(inner), atName: true }))
    default:
      return ofValue(root, path, issue.message, findingOf(issue))
  }
}

/**
 * Of the ways in which a value could have been meant, the one with the fewest faults; `undefined` stands for the union itself,
 * where the value is of a type that no branch takes.
 */
function ofBestBranch(issue: z.core.$ZodIssueInvalidUnion): readonly (Issue | undefined)[] {
  const ofRightType = issue.errors.filter(
    (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  )
  const [best] = ofRightType.toSorted((a, b) => weight(a) - weight(b))
  return best ?? [undefined]
}

const weight = (issues: readonly Issue[]): number =>
  issues.reduce(
    (sum, issue) =>
      // A name that is nearly a known one speaks for the branch that knows it.
      sum +
      (issue.code === 'unrecognized_keys'
        ? issue.keys.length - issue.keys.filter(isNear(issue.message)).length / 2
        : 1),
    0,
  )

const isNear = (known: string) => (name: string) => nearTo(name, known) !== undefined

/** Of the known names the one that is meant. A very long name is no misspelling, and would cost its length for each of them. */
const nearTo = (name: string, known: string): string | undefined =>
  name.length > JOB_LIMITS.foundCharacters ? undefined : suggest(name, known.split(', '))

function ofValue(root: Node, path: Path, expected: string, finding: Finding): Placed[] {
  const { node, key, found } = placeOf(root, path)
  const { sentence, suggestion, character, atName } = finding
  const common = { pointer: pointerOf(path), ...(suggestion === undefined ? {} : { suggestion }) }
  // What was left out is told already, and may be what is missing.
  if (node.kind === 'map' && node.incomplete) return []
  if (!found) {
    const message = `"${String(path.at(-1))}" is missing; expected ${expected}`
    return [{ ...common, offset: key ?? node.start, message, missing: common.pointer }]
  }
  if (atName === true) {
    const message = sentence ?? `expected ${expected}; found "${shorten(String(path.at(-1)))}"`
    return [{ ...common, offset: key ?? node.start, message }]
  }
  const inside = node.kind === 'scalar' ? node.characters : undefined
  const offset = inside === undefined || character === undefined ? node.start : inside + character
  return [{ ...common, offset, message: sentence ?? `expected ${expected}; found ${describe(node)}` }]
}

/** @param known the names that the object may have, as `strict` gives them */
function ofUnknownName(root: Node, path: Path, known: string): Placed {
  const name = String(path.at(-1))
  const { key, node } = placeOf(root, path)
  const near = nearTo(name, known)
  return {
    pointer: pointerOf(path),
    offset: key ?? node.start,
    message: `unknown name "${shorten(name)}"; known here: ${known}`,
    ...(near === undefined
      ? {}
      : { suggestion: `did you mean "${near}"?`, meant: pointerOf([...path.slice(0, -1), near]) }),
  }
}

function describe(node: Node): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'an object'
  const { value } = node
  if (value === null) return 'nothing'
  if (value instanceof Date) return 'a date without quotes'
  return typeof value === 'string' ? `"${shorten(value)}"` : String(value)
}
