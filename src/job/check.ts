/** A text against a schema: the value, or every fault with its place. Jobs and quorum files are read by it alike. */
import type { z } from 'zod'
import type { Fault } from '../http/problems.ts'
import { LIMITS } from '../limits.ts'
import type { JobFormat } from './document.ts'
import { faultsOf, locate } from './faults.ts'
import { readTree, unmarked } from './text/read.ts'
import { type Node, plainValue, type TextFault } from './text/tree.ts'

export interface Checked<Value> {
  /** As the offsets of the tree count; a byte order mark is left out. */
  readonly text: string
  /** Undefined when the text could not be read at all. */
  readonly root: Node | undefined
  /** Undefined when there are faults. */
  readonly value: Value | undefined
  readonly faults: readonly Fault[]
}

/** @param prepare puts what other files hold in its place in the tree, and tells what cannot be read */
export function check<Schema extends z.ZodType>(
  given: string,
  format: JobFormat,
  schema: Schema,
  prepare: (root: Node) => readonly TextFault[] = () => [],
): Checked<z.output<Schema>> {
  const text = unmarked(given)
  if (Buffer.byteLength(text) > LIMITS.documentBytes) {
    const message = `expected a document of at most ${LIMITS.documentBytes} bytes; found ${Buffer.byteLength(text)}`
    return { text, root: undefined, value: undefined, faults: locate(text, [{ offset: 0, message }]) }
  }
  const { root, faults } = readTree(text, format)
  if (root === undefined) return { text, root, value: undefined, faults: locate(text, faults) }
  const unprepared = prepare(root)
  const { data, error } = schema.safeParse(plainValue(root))
  const all = faultsOf(text, root, [...faults, ...unprepared], error?.issues ?? [])
  return { text, root, value: all.length === 0 ? data : undefined, faults: all }
}
