/**
 * LZ4 frames, decoded (lz4_Frame_format.md and lz4_Block_format.md of the LZ4 project, version 1.6.4). Kafka's batches
 * hold one frame; several in a row are read too. Its checksums are not looked at: the batch's own covers the same bytes.
 *
 *   frame = u32 0x184d2204 | u8 flags | u8 sizes | [u64 content size] | [u32 dictionary] | u8 header checksum
 *         | blocks | u32 0 | [u32 content checksum]
 *   block = u32 size, top bit: stored as it is | bytes | [u32 checksum]
 *   bytes = sequences: token (4 bits literals, 4 bits match − 4) | [more] | literals | u16 distance | [more]
 */
import { Output } from './output.ts'

const FRAME = 0x184d2204
const BLOCK_CHECKSUM = 16
const CONTENT_SIZE = 8
const CONTENT_CHECKSUM = 4
const DICTIONARY = 1
const STORED = 0x80000000
const LEAST_MATCH = 4

/** @throws RangeError when the bytes are no such frames or expand to more than `maxBytes` */
export function decompressLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const output = new Output(bytes.length * 4, maxBytes)
  let at = 0
  while (at < bytes.length) at = readFrame(view, bytes, at, output)
  return output.done()
}

function readFrame(view: DataView, bytes: Uint8Array, from: number, output: Output): number {
  if (view.getUint32(from, true) !== FRAME) throw new RangeError('it is no LZ4 frame')
  const flags = view.getUint8(from + 4)
  if (flags >> 6 !== 1 || (flags & DICTIONARY) !== 0) throw new RangeError(`an LZ4 frame with flags ${flags}`)
  let at = from + 6 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8) + 1
  for (;;) {
    const size = view.getUint32(at, true)
    at += 4
    if (size === 0) return at + ((flags & CONTENT_CHECKSUM) === 0 ? 0 : 4)
    const length = size % STORED
    if (at + length > bytes.length) throw new RangeError('an LZ4 block ends beyond its frame')
    if (size >= STORED) output.literal(bytes, at, length)
    else readBlock(bytes, at, at + length, output)
    at += length + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4)
  }
}

function readBlock(bytes: Uint8Array, from: number, to: number, output: Output): void {
  let at = from
  while (at < to) {
    const token = bytes[at++] as number
    let literals = token >> 4
    if (literals === 15) {
      let more: number
      do {
        more = byteAt(bytes, at++, to)
        literals += more
      } while (more === 255)
    }
    if (at + literals > to) throw new RangeError('LZ4 literals end beyond their block')
    output.literal(bytes, at, literals)
    at += literals
    // The last sequence has literals only.
    if (at >= to) return
    const distance = byteAt(bytes, at, to) | (byteAt(bytes, at + 1, to) << 8)
    at += 2
    let match = token & 15
    if (match === 15) {
      let more: number
      do {
        more = byteAt(bytes, at++, to)
        match += more
      } while (more === 255)
    }
    output.copy(distance, match + LEAST_MATCH)
  }
}

function byteAt(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to) throw new RangeError('an LZ4 block ends in the middle of a sequence')
  return bytes[at] as number
}
