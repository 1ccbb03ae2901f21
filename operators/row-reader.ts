/**
 * A result row as something that expressions read: its members by their names, the bounds of its window as epoch milliseconds,
 * and the parts of its key by the names that they are grouped by. An expression without a value gives null here, and a
 * condition without one does not hold: a row is made of what is certain, and there is no record to make a dead letter of.
 */
import { FieldSet } from './fields.ts'
import type { Value } from './json.ts'
import type { Scope } from './pipeline-steps.ts'
import type { ExpressionPlan } from './plan.ts'
import { compileScanner, type Scanner } from './scan.ts'
import type { WindowBounds } from './window.ts'

const WINDOW_MEMBERS: readonly string[] = ['final', 'key', 'revision', 'window']
const ROLLING_MEMBERS: readonly string[] = ['key', 'time']

/** What every row has besides its aggregates. @param ordered what stands in place of a window */
export const ownMembers = (ordered: string | undefined): readonly string[] =>
  ordered === 'rolling' ? ROLLING_MEMBERS : WINDOW_MEMBERS

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** The names by which parts of a key can be read: those of the fields that it is made of, where no member of the row has them. */
export function keyNames(keyBy: readonly ExpressionPlan[] | undefined, members: readonly string[]): readonly string[] {
  const taken = new Set(members)
  return (keyBy ?? []).map(({ source }) => (NAME.test(source) && !taken.has(source) ? source : ''))
}

type Fill = (window: WindowBounds) => Value

const NO_WINDOW: WindowBounds = { start: 0, end: 0 }

/** Epoch milliseconds, in place of the texts of the row. */
function boundsOf([, edge, ...deeper]: readonly string[]): Fill {
  if (edge === undefined) return ({ start, end }) => new Map([['start', start] as const, ['end', end] as const])
  if (deeper.length > 0) return () => undefined
  return edge === 'start' ? ({ start }) => start : edge === 'end' ? ({ end }) => end : () => undefined
}

export class RowReader {
  readonly scope: Scope
  readonly #keyNames: readonly string[]
  readonly #keySlot: number
  #scanner: Scanner | undefined
  #filled: readonly (readonly [slot: number, fill: Fill, ofWindow: boolean])[] = []

  /**
   * @param own what every row has
   * @param keyNames of the parts of the key; an empty one is read by no name
   */
  constructor(own: readonly string[], keyNames: readonly string[]) {
    const named = keyNames.filter((name) => name !== '')
    const always = [...own, ...named]
    this.scope = { fields: new FieldSet(), slots: [], row: { always } }
    this.#keyNames = keyNames
    this.#keySlot = named.length > 0 ? this.scope.fields.slotOf(['key']) : -1
  }

  /** To be called when every expression on the scope is compiled. */
  link(): void {
    const { fields } = this.scope
    this.#scanner = compileScanner(fields)
    this.#filled = fields.paths.flatMap((path, slot) => {
      const fill = path[0] === 'window' ? boundsOf(path) : this.#keyPart(path)
      return fill === undefined ? [] : [[slot, fill, path[0] === 'window'] as const]
    })
  }

  /** Fills the slots of the scope with a row's value; `window`: of a row of one. */
  read(value: Uint8Array, window: WindowBounds | undefined): void {
    const { slots } = this.scope
    if (this.#scanner?.scan(value, slots) !== undefined) slots.fill(undefined)
    for (const [slot, fill, ofWindow] of this.#filled) {
      if (window !== undefined) slots[slot] = fill(window)
      else if (!ofWindow) slots[slot] = fill(NO_WINDOW)
    }
  }

  #keyPart([head = '', ...rest]: readonly string[]): Fill | undefined {
    const part = head === '' ? -1 : this.#keyNames.indexOf(head)
    if (part < 0) return undefined
    const { slots } = this.scope
    return () => {
      const key = slots[this.#keySlot]
      let value = this.#keyNames.length === 1 ? key : Array.isArray(key) ? (key[part] as Value) : undefined
      for (const name of rest) value = value instanceof Map ? value.get(name) : undefined
      return value
    }
  }
}
