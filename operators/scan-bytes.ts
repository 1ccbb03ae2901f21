/** Kinds of bytes in a JSON text, and the two things that are done with many bytes at once. */

/** 1 for the bytes that stand for themselves in a text: ASCII without controls, quote and backslash. */
const PLAIN = new Uint8Array(256)
for (let byte = 0x20; byte < 0x80; byte++) PLAIN[byte] = byte === 0x22 || byte === 0x5c ? 0 : 1

/**
 * Where the run of plain bytes that begins at `at` ends, four bytes at a time: a byte is not plain where subtracting
 * borrows from its top bit, or where that bit is set (Warren, "Hacker's Delight", 6-1).
 */
export function skipPlain(bytes: Uint8Array, view: DataView, base: number, at: number): number {
  const { length } = bytes
  let end = at
  while (end + 4 <= length) {
    const word = view.getInt32(base + end, true)
    const quote = word ^ 0x22222222
    const backslash = word ^ 0x5c5c5c5c
    const odd = ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash) | (word - 0x20202020) | word
    if ((odd & 0x80808080) !== 0) break
    end += 4
  }
  while (end < length && PLAIN[bytes[end] as number] === 1) end += 1
  return end
}

export const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39
export const isHex = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)
export const isEscape = (byte: number): boolean =>
  byte === 0x22 ||
  byte === 0x5c ||
  byte === 0x2f ||
  byte === 0x62 ||
  byte === 0x66 ||
  byte === 0x6e ||
  byte === 0x72 ||
  byte === 0x74

const latin1Slice = (
  Buffer.prototype as unknown as { latin1Slice: (this: Uint8Array, start: number, end: number) => string }
).latin1Slice
export const latin1 = (bytes: Uint8Array, start: number, end: number): string => latin1Slice.call(bytes, start, end)
