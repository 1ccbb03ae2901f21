/**
 * Result rows of windows: `{"window":{"end":...,"start":...},"key":...,<aggregates>,"revision":n,"final":...}` with its members
 * in canonical (sorted) order.
 */
import { type AggregateSlot, resultOf } from './aggregate.ts'
import { encodeUtf8 } from './json.ts'
import { ownMembers } from './row-reader.ts'
import { TextBytes } from './text-bytes.ts'
import { formatInstant } from './time.ts'
import type { WindowBounds } from './window.ts'
import { type GroupTable, ROWS } from './window-table.ts'

export class RowFormat {
  readonly #slots: readonly AggregateSlot[]
  /** Sorted; `slot` is -1 for the row's own members. */
  readonly #members: readonly { readonly name: string; readonly lead: string; readonly slot: number }[]
  readonly #bytes = new TextBytes()
  #windowStart = Number.NaN
  #windowEnd = Number.NaN
  #windowText = ''

  constructor(names: readonly string[], slots: readonly AggregateSlot[]) {
    const own = ownMembers(undefined)
    const all = [...names, ...own]
    if (new Set(all).size < all.length) {
      throw new RangeError(`aggregates need distinct names other than ${own.join(', ')}; they are: ${names.join(', ')}`)
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

  #window({ start, end }: WindowBounds): string {
    if (start !== this.#windowStart || end !== this.#windowEnd) {
      this.#windowStart = start
      this.#windowEnd = end
      this.#windowText = boundsText({ start, end })
    }
    return this.#windowText
  }
}

const boundsText = ({ start, end }: WindowBounds): string =>
  `{"end":"${formatInstant(end)}","start":"${formatInstant(start)}"}`

/** What takes back the rows of a window. */
export function removalOf(window: WindowBounds, keyText: string, revision: number, final: boolean): Uint8Array {
  const key = keyText === '' ? 'null' : keyText
  const text = `{"final":${final},"key":${key},"removed":true,"revision":${revision},"window":${boundsText(window)}}`
  return encodeUtf8(text)
}
