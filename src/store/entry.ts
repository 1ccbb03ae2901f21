/**
 * How an entry lies in a table. A key is kept as UTF-16 in big-endian order, because SQLite compares blobs byte by byte
 * and only in this form is that the code-unit order that the Store promises (UTF-8 sorts U+FFFD before a surrogate
 * pair, code units sort it after). The checksum covers table and key too, so a value that turns up under another key
 * is found like any other damage.
 */
import { crc32 } from 'node:zlib'
import type { StoreTable } from './store.ts'

export function keyBytes(key: string): Uint8Array {
  return Buffer.from(key, 'utf16le').swap16()
}

export function keyText(bytes: Uint8Array): string {
  // A damaged key can have an odd length; its last byte then stands for no character.
  const whole = Buffer.from(bytes.subarray(0, bytes.length & ~1))
  return whole.swap16().toString('utf16le')
}

/** CRC-32 of table, key and value; the lengths in front keep one from running into the next. */
export function checksumOf(table: StoreTable, key: Uint8Array, value: Uint8Array): number {
  return crc32(value, crc32(key, crc32(`${table}:${key.length}:${value.length}:`)))
}
