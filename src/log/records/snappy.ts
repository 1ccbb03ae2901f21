/**
 * Snappy, decoded (format_description.txt of the Snappy project), in the framing of Java's snappy-java ("xerial"), which
 * Kafka's Java client writes, or without one, as other clients do.
 *
 *   framed = 82 "SNAPPY" 00 | i32 version | i32 compatible version | { i32 length | block }
 *   block = varint length of what it expands to | elements
 *   element = tag, low two bits: 0 literal, 1–3 copy with a distance of 11, 16 or 32 bits
 */
import { Output } from './output.ts'
import { VarintReader } from './varint.ts'

const XERIAL = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
const XERIAL_HEADER_BYTES = 16

/** @throws RangeError when the bytes are not Snappy or expand to more than `maxBytes` */
export function decompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const output = new Output(bytes.length * 4, maxBytes)
  if (!XERIAL.every((byte, i) => bytes[i] === byte)) {
    readBlock(bytes, output)
    return output.done()
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const length = view.getInt32(at)
    at += 4
    if (length < 0 || at + length > bytes.length) throw new RangeError('a Snappy block ends beyond its frame')
    readBlock(bytes.subarray(at, at + length), output)
    at += length
  }
  return output.done()
}

function readBlock(bytes: Uint8Array, output: Output): void {
  const header = new VarintReader(bytes)
  const expected = output.length + header.unsigned()
  for (let { at } = header; at < bytes.length; ) {
    const tag = bytes[at++] as number
    const kind = tag & 3
    if (kind === 0) {
      let length = (tag >> 2) + 1
      if (length > 60) {
        const extra = length - 60
        length = littleEndian(bytes, at, extra) + 1
        at += extra
      }
      output.literal(bytes, at, length)
      at += length
    } else if (kind === 1) {
      output.copy(((tag >> 5) << 8) | littleEndian(bytes, at, 1), ((tag >> 2) & 7) + 4)
      at += 1
    } else {
      const width = kind === 2 ? 2 : 4
      output.copy(littleEndian(bytes, at, width), (tag >> 2) + 1)
      at += width
    }
  }
  if (output.length !== expected) throw new RangeError(`a Snappy block has ${output.length} bytes, not ${expected}`)
}

function littleEndian(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) throw new RangeError('a Snappy block ends in the middle of an element')
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number)
  return value
}
