/**
 * UTF-8 of short texts without an allocation of their own: a cut may have hundreds of thousands of rows, nearly all ASCII, and
 * TextEncoder costs more than the rest of a row.
 */
import { encodeUtf8 } from './json.ts'

export class TextBytes {
  #bytes = new Uint8Array(1024)

  /** Valid until the next call. */
  of(text: string): Uint8Array {
    const { length } = text
    if (length > this.#bytes.length) this.#bytes = new Uint8Array(2 * length)
    const bytes = this.#bytes
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80) return encodeUtf8(text)
      bytes[i] = code
    }
    return bytes.subarray(0, length)
  }
}
