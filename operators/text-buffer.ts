/**
 * The bytes of a row's text, written piece by piece: strings that grow by concatenation are copied once more when their characters
 * are looked at, and a cut may have hundreds of thousands of rows.
 */
import { encodeUtf8 } from './json.ts'

/** A call of the engine's copy costs as much as so many bytes. */
const LONG = 48

export class TextBuffer {
  #bytes = new Uint8Array(1024)
  #length = 0

  reset(): void {
    this.#length = 0
  }

  /** Valid until the next reset. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  bytes(piece: Uint8Array): void {
    const { length } = piece
    this.#reserve(length)
    const bytes = this.#bytes
    let at = this.#length
    if (length > LONG) bytes.set(piece, at)
    else for (let i = 0; i < length; i++) bytes[at++] = piece[i] as number
    this.#length += length
  }

  text(piece: string): void {
    const { length } = piece
    this.#reserve(length)
    const bytes = this.#bytes
    const from = this.#length
    for (let i = 0; i < length; i++) {
      const code = piece.charCodeAt(i)
      if (code >= 0x80) {
        this.bytes(encodeUtf8(piece))
        return
      }
      bytes[from + i] = code
    }
    this.#length = from + length
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = new Uint8Array(2 * (this.#length + more))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
