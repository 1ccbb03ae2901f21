/**
 * Result rows of windows: `{"window":{"end":...,"start":...},"key":...,<aggregates>,"revision":n,"final":...}` with its members
 * in canonical (sorted) order.
 */
import { type AggregateSlot, resultOf } from './aggregate.ts'
import { TextBytes } from './text-bytes.ts'
import { formatInstant } from './time.ts'
import type { WindowBounds } from './window.ts'
import { type GroupTable, ROWS } from './window-table.ts'

const OWN_MEMBERS = ['final', 'key', 'revision', 'window']

export class RowFormat {
  readonly #slots: readonly AggregateSlot[]
  /** Sorted; `slot` is -1 for the row's own members. */
  readonly #members: readonly { readonly name: string; readonly lead: string; readonly slot: number }[]
  readonly #bytes = new TextBytes()
  #windowStart = Number.NaN
  #windowEnd = Number.NaN
  #windowText = ''

  constructor(names: readonly string[], slots: readonly AggregateSlot[]) {
    const all = [...names, ...OWN_MEMBERS]
    if (new Set(all).size < all.length) {
      throw new RangeError(
        `aggregates need distinct names other than ${OWN_MEMBERS.join(', ')}; they are: ${names.join(', ')}`,
      )
    }
    this.#slots = slots
    this.#members = [...all]
      .sort()
      .map((name, i) => ({ name, lead: `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`, slot: names.indexOf(name) }))
  }

  /** The row of the group at `base`; valid until the next call. */
  value(window: WindowBounds, table: GroupTable, base: number, keyText: string, final: boolean): Uint8Array {
    let text = ''
    for (const { name, lead, slot } of this.#members) {
      text += lead
      if (slot >= 0) {
        // Doubles, integers and null print canonically; results are never -0.
        text += String(resultOf(this.#slots[slot] as AggregateSlot, table, base))
      } else if (name === 'key') text += keyText === '' ? 'null' : keyText
      else if (name === 'window') text += this.#window(window)
      else text += name === 'final' ? final : (table.cells[base + ROWS] as number)
    }
    return this.#bytes.of(`${text}}`)
  }

  /** What takes back the rows of a window; valid until the next call. */
  removal(window: WindowBounds, keyText: string, revision: number): Uint8Array {
    const key = keyText === '' ? 'null' : keyText
    const bounds = this.#window(window)
    return this.#bytes.of(`{"final":true,"key":${key},"removed":true,"revision":${revision},"window":${bounds}}`)
  }

  #window({ start, end }: WindowBounds): string {
    if (start !== this.#windowStart || end !== this.#windowEnd) {
      this.#windowStart = start
      this.#windowEnd = end
      this.#windowText = `{"end":"${formatInstant(end)}","start":"${formatInstant(start)}"}`
    }
    return this.#windowText
  }
}
