/**
 * A cut's rows, split into parts of bounded size: whole rows, in the order they were added, bodies and dead letters of a part
 * together at most `partBytes` (a single larger row makes a part of its own).
 */
import { RowWriter } from './rows.ts'
import type { CutPart } from './stage.ts'

/** A frame without its key and value. */
const FRAME_BYTES = 30

export class PartBuilder {
  readonly #partBytes: number
  readonly #bodies: readonly RowWriter[]
  readonly #deadLetters = new RowWriter(256)
  #parts: CutPart[] = []
  #bytes = 0

  constructor(destinations: number, partBytes: number) {
    this.#partBytes = partBytes
    this.#bodies = Array.from({ length: destinations }, () => new RowWriter(1024))
  }

  /** Rows were added since the last `take`. */
  get filled(): boolean {
    return this.#bytes > 0 || this.#parts.length > 0
  }

  /** Adds a frame to the body of `destination`, or to the dead letters where that is -1. */
  add(
    destination: number,
    kind: number,
    flags: number,
    a: number,
    b: number,
    revision: number,
    key: Uint8Array,
    value: Uint8Array,
  ): void {
    const bytes = FRAME_BYTES + key.length + value.length
    if (this.#bytes > 0 && this.#bytes + bytes > this.#partBytes) this.#endPart()
    this.#bytes += bytes
    const writer = destination < 0 ? this.#deadLetters : this.#bodies[destination]
    if (writer === undefined) throw new RangeError(`destination ${destination} of ${this.#bodies.length}`)
    writer.append(kind, flags, a, b, revision, key, value)
  }

  /** At least one part; the builder starts again empty. */
  take(): readonly CutPart[] {
    if (this.#bytes > 0 || this.#parts.length === 0) this.#endPart()
    const parts = this.#parts
    this.#parts = []
    return parts
  }

  #endPart(): void {
    this.#parts.push({ bodies: this.#bodies.map((body) => body.take()), deadLetters: this.#deadLetters.take() })
    this.#bytes = 0
  }
}
