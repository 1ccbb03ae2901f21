/**
 * Which parts of a record are wanted, as a tree. A reader of a binary format builds those and passes over the rest, which it
 * still validates: whether a record is valid never depends on what a job reads.
 */
import type { FieldSet } from '../fields.ts'
import type { Value } from '../json.ts'

export interface Want {
  /** The whole value, and so all fields below. */
  readonly all: boolean
  readonly fields: ReadonlyMap<string, Want>
}

export const WANT_ALL: Want = { all: true, fields: new Map() }

export function wantOf(paths: readonly (readonly string[])[]): Want {
  if (paths.some(({ length }) => length === 0)) return WANT_ALL
  const names = new Set(paths.map(([name]) => name as string))
  const below = (name: string) => paths.filter(([head]) => head === name).map((path) => path.slice(1))
  return { all: false, fields: new Map([...names].map((name) => [name, wantOf(below(name))])) }
}

/** What is wanted of a field; undefined: nothing. */
export const wantedField = (want: Want, name: string): Want | undefined => (want.all ? want : want.fields.get(name))

/** Fills the slots of the paths from what was built of a record. */
export function fillSlots({ paths }: FieldSet, value: Value, slots: Value[]): void {
  for (let slot = 0; slot < paths.length; slot++) {
    let at = value
    for (const name of paths[slot] as readonly string[]) at = at instanceof Map ? at.get(name) : undefined
    slots[slot] = at
  }
}
