/**
 * Rows of open windows that silence has shown, of windows whose bounds may still change. When more is known, a row is given again:
 * for the same bounds with a higher revision, or for others, and then the old one is taken back. Where nothing was shown
 * nothing is kept, and a final row has revision 0.
 */
import { compareTexts } from '../pipeline-key.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import type { OrderedOutput } from './output.ts'

/** A window of a key. Later windows of the key have a greater number and a greater end. */
export interface NumberedWindow {
  readonly key: string
  readonly number: number
  readonly start: number
  readonly end: number
}

export interface RowFormats {
  row(window: NumberedWindow, revision: number, final: boolean): Uint8Array
  removal(window: NumberedWindow, revision: number): Uint8Array
}

interface Bounds {
  readonly start: number
  readonly end: number
}

interface Shown extends Bounds {
  readonly revision: number
  /** The row as revision 0 would be, to see whether it has changed. */
  readonly text: string
}

interface OfKey {
  /** What stands, by number of the window. */
  readonly rows: Map<number, Shown>
  /** The last revision that was given for bounds which a window may still have. */
  revisions: (Bounds & { readonly revision: number })[]
}

const same = (a: Bounds, b: Bounds): boolean => a.start === b.start && a.end === b.end

export class ShownRows {
  readonly #keys = new Map<string, OfKey>()

  final(window: NumberedWindow, formats: RowFormats, output: OrderedOutput): void {
    const { key, number, start, end } = window
    const known = this.#keys.get(key)
    if (known === undefined) {
      output.window(start, end, key, 0, 'final', formats.row(window, 0, true))
      return
    }
    this.#replace(known, window, formats, output)
    const revision = nextRevision(known, window)
    output.window(start, end, key, revision, 'final', formats.row(window, revision, true))
    known.rows.delete(number)
    known.revisions = known.revisions.filter((each) => each.end > end)
    if (known.rows.size === 0 && known.revisions.length === 0) this.#keys.delete(key)
  }

  open(window: NumberedWindow, formats: RowFormats, output: OrderedOutput): void {
    const { key, number, start, end } = window
    const text = Buffer.from(formats.row(window, 0, false)).toString('utf8')
    const known = this.#keys.get(key) ?? { rows: new Map(), revisions: [] }
    this.#keys.set(key, known)
    const before = known.rows.get(number)
    if (before !== undefined && same(before, window) && before.text === text) return
    this.#replace(known, window, formats, output)
    const revision = nextRevision(known, window)
    output.window(start, end, key, revision, 'open', formats.row(window, revision, false))
    known.rows.set(number, { start, end, revision, text })
  }

  /** The revision that a row with these bounds would have. */
  revisionOf({ key, start, end }: NumberedWindow): number {
    const given = this.#keys.get(key)?.revisions.find((each) => same(each, { start, end }))
    return given === undefined ? 0 : given.revision + 1
  }

  /** Takes back what the window showed for other bounds; a row of another window at these bounds gives way. */
  #replace({ rows, revisions }: OfKey, window: NumberedWindow, formats: RowFormats, output: OrderedOutput): void {
    const { key, number } = window
    const before = rows.get(number)
    for (const [other, shown] of rows) if (same(shown, window)) rows.delete(other)
    if (before === undefined || same(before, window)) return
    rows.delete(number)
    const { start, end } = before
    const revision = before.revision + 1
    const value = formats.removal({ key, number, start, end }, revision)
    output.window(start, end, key, revision, 'removed', value)
    const at = revisions.findIndex((each) => same(each, before))
    revisions.splice(at, at < 0 ? 0 : 1, { start, end, revision })
  }

  write(writer: StateWriter): void {
    writer.varint(this.#keys.size)
    for (const [key, { rows, revisions }] of [...this.#keys].sort(([a], [b]) => compareTexts(a, b))) {
      writer.text(key)
      writer.varint(rows.size)
      for (const [number, { start, end, revision, text }] of [...rows].sort(([a], [b]) => a - b)) {
        writer.float(number)
        writer.float(start)
        writer.float(end)
        writer.varint(revision)
        writer.text(text)
      }
      writer.varint(revisions.length)
      for (const { start, end, revision } of revisions.toSorted((a, b) => a.end - b.end || a.start - b.start)) {
        writer.float(start)
        writer.float(end)
        writer.varint(revision)
      }
    }
  }

  read(reader: StateReader): void {
    this.#keys.clear()
    for (let left = reader.varint(); left > 0; left--) {
      const key = reader.text()
      const rows = new Map<number, Shown>()
      for (let shown = reader.varint(); shown > 0; shown--) {
        const number = reader.float()
        const bounds = { start: reader.float(), end: reader.float() }
        rows.set(number, { ...bounds, revision: reader.varint(), text: reader.text() })
      }
      const revisions: OfKey['revisions'] = []
      for (let given = reader.varint(); given > 0; given--) {
        revisions.push({ start: reader.float(), end: reader.float(), revision: reader.varint() })
      }
      this.#keys.set(key, { rows, revisions })
    }
  }
}

/** Counts one on. */
function nextRevision({ revisions }: OfKey, { start, end }: Bounds): number {
  const at = revisions.findIndex((each) => same(each, { start, end }))
  const revision = at < 0 ? 0 : (revisions[at] as { readonly revision: number }).revision + 1
  revisions.splice(at < 0 ? revisions.length : at, at < 0 ? 0 : 1, { start, end, revision })
  return revision
}
