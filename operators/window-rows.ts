/**
 * Result rows of windows: `{"window":{"end":...,"start":...},"key":...,<aggregates>,"revision":n,"final":...}` with its members
 * in canonical (sorted) order.
 */
import { type AggregateSlot, resultOf } from './aggregate.ts'
import { encodeUtf8 } from './json.ts'
import { ownMembers } from './row-reader.ts'
import { TextBuffer } from './text-buffer.ts'
import { formatInstant } from './time.ts'
import type { WindowBounds } from './window.ts'
import { type GroupTable, ROWS } from './window-table.ts'

interface Member {
  /** Its name, with what stands before it. */
  readonly lead: Uint8Array
  /** Undefined for one of the row's own. */
  readonly slot: AggregateSlot | undefined
  readonly own: string
}

export class RowFormat {
  /** Sorted. */
  readonly #members: readonly Member[]
  readonly #buffer = new TextBuffer()
  #windowStart = Number.NaN
  #windowEnd = Number.NaN
  #windowText: Uint8Array = new Uint8Array()

  constructor(names: readonly string[], slots: readonly AggregateSlot[]) {
    const own = ownMembers(undefined)
    const all = [...names, ...own]
    if (new Set(all).size < all.length) {
      throw new RangeError(`aggregates need distinct names other than ${own.join(', ')}; they are: ${names.join(', ')}`)
    }
    this.#members = [...all].sort().map((name, i) => ({
      lead: encodeUtf8(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`),
      slot: slots[names.indexOf(name)],
      own: name,
    }))
  }

  /** The row of the group at `base`; valid until the next call. */
  value(window: WindowBounds, table: GroupTable, base: number, keyText: string, final: boolean): Uint8Array {
    const buffer = this.#buffer
    buffer.reset()
    for (let i = 0; i < this.#members.length; i++) {
      const { lead, slot, own } = this.#members[i] as Member
      buffer.bytes(lead)
      // Doubles, integers and null print canonically; results are never -0.
      if (slot !== undefined) buffer.text(String(resultOf(slot, table, base)))
      else if (own === 'key') buffer.text(keyText === '' ? 'null' : keyText)
      else if (own === 'window') buffer.bytes(this.#window(window))
      else buffer.text(own === 'final' ? String(final) : String(table.cells[base + ROWS]))
    }
    buffer.text('}')
    return buffer.written()
  }

  #window({ start, end }: WindowBounds): Uint8Array {
    if (start !== this.#windowStart || end !== this.#windowEnd) {
      this.#windowStart = start
      this.#windowEnd = end
      this.#windowText = encodeUtf8(boundsText({ start, end }))
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
