import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decompress } from '../../../src/log/records/compression.ts'
import { decompressLz4 } from '../../../src/log/records/lz4.ts'
import { decompressSnappy } from '../../../src/log/records/snappy.ts'
import { RecordsUnreadable } from '../../../src/log/records/unreadable.ts'
import { writeUnsigned } from '../../../src/log/records/varint.ts'

const MAX = 1 << 20

/** What an encoder found: bytes as they are, or a repetition of earlier ones. */
type Element = { readonly literal: Uint8Array } | { readonly distance: number; readonly length: number }

/** Elements that mean something after what was written before them, and what they mean. */
const anyElements = fc
  .array(
    fc.oneof(
      fc.record({ literal: fc.uint8Array({ minLength: 1, maxLength: 300 }) }),
      fc.record({ distance: fc.integer({ min: 1, max: 400 }), length: fc.integer({ min: 4, max: 600 }) }),
    ),
    { minLength: 1, maxLength: 30 },
  )
  .map((wishes) => {
    const elements: Element[] = []
    const written: number[] = []
    for (const wish of wishes) {
      if ('literal' in wish) {
        elements.push(wish)
        written.push(...wish.literal)
      } else if (written.length > 0) {
        const distance = Math.min(wish.distance, written.length)
        elements.push({ distance, length: wish.length })
        for (let i = 0; i < wish.length; i++) written.push(written[written.length - distance]!)
      }
    }
    return { elements, expected: Uint8Array.from(written) }
  })

const varint = (value: number): number[] => {
  const bytes = new Uint8Array(10)
  return [...bytes.subarray(0, writeUnsigned(bytes, 0, value))]
}

function snappyBlock(elements: readonly Element[], length: number): Uint8Array {
  const bytes = varint(length)
  for (const element of elements) {
    if ('literal' in element) {
      const { length: count } = element.literal
      if (count <= 60) bytes.push((count - 1) << 2)
      else bytes.push(61 << 2, (count - 1) & 255, (count - 1) >> 8)
      bytes.push(...element.literal)
      continue
    }
    for (let left = element.length; left > 0; ) {
      const { distance } = element
      const count = Math.min(left, 64)
      if (count >= 4 && count <= 11 && distance < 2_048) {
        bytes.push(1 | ((count - 4) << 2) | ((distance >> 8) << 5), distance & 255)
      } else if (count % 2 === 0) bytes.push(2 | ((count - 1) << 2), distance & 255, distance >> 8)
      else bytes.push(3 | ((count - 1) << 2), distance & 255, distance >> 8, 0, 0)
      left -= count
    }
  }
  return Uint8Array.from(bytes)
}

const int32 = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >> shift) & 255)

const xerial = (blocks: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from([
    ...[0x82, ...Buffer.from('SNAPPY'), 0, ...int32(1), ...int32(1)],
    ...blocks.flatMap((block) => [...int32(block.length), ...block]),
  ])

function lz4Block(elements: readonly Element[]): Uint8Array {
  const bytes: number[] = []
  const more = (value: number) => {
    let left = value - 15
    for (; left >= 255; left -= 255) bytes.push(255)
    bytes.push(left)
  }
  let literals: number[] = []
  const sequence = (distance: number, length: number) => {
    const [first, second] = [Math.min(literals.length, 15), length === 0 ? 0 : Math.min(length - 4, 15)]
    bytes.push((first << 4) | second)
    if (first === 15) more(literals.length)
    bytes.push(...literals)
    literals = []
    if (length === 0) return
    bytes.push(distance & 255, distance >> 8)
    if (second === 15) more(length - 4)
  }
  for (const element of elements) {
    if ('literal' in element) literals.push(...element.literal)
    else sequence(element.distance, element.length)
  }
  sequence(0, 0)
  return Uint8Array.from(bytes)
}

const little = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255)

interface Frame {
  readonly blocks: readonly { readonly bytes: Uint8Array; readonly stored: boolean }[]
  readonly flags: number
}

const lz4Frame = ({ blocks, flags }: Frame): Uint8Array =>
  Uint8Array.from([
    ...little(0x184d2204),
    ...[0x40 | flags, 0x40],
    ...((flags & 8) === 0 ? [] : Array.from({ length: 8 }, () => 0)),
    0,
    ...blocks.flatMap(({ bytes, stored }) => [
      ...little(bytes.length | (stored ? 0x80000000 : 0)),
      ...bytes,
      ...((flags & 16) === 0 ? [] : [1, 2, 3, 4]),
    ]),
    ...little(0),
    ...((flags & 4) === 0 ? [] : [1, 2, 3, 4]),
  ])

describe('Snappy', () => {
  it('expands literals and copies, with and without the framing of snappy-java', () => {
    fc.assert(
      fc.property(anyElements, ({ elements, expected }) => {
        const block = snappyBlock(elements, expected.length)
        assert.deepEqual(Buffer.from(decompressSnappy(block, MAX)), Buffer.from(expected))
        const twice = Buffer.concat([expected, expected])
        assert.deepEqual(Buffer.from(decompressSnappy(xerial([block, block]), MAX)), twice)
      }),
      { seed: 20_260_727, numRuns: 300 },
    )
  })

  it('refuses what is cut off, and a length that is not so', () => {
    const block = snappyBlock([{ literal: Buffer.from('abcdef') }, { distance: 3, length: 9 }], 15)
    for (let length = 0; length < block.length; length++) {
      assert.throws(() => decompressSnappy(block.subarray(0, length), MAX), RangeError, `${length} bytes`)
    }
    assert.throws(() => decompressSnappy(snappyBlock([{ literal: Buffer.from('a') }], 2), MAX), RangeError)
  })
})

describe('LZ4', () => {
  it('expands frames with whatever is in their flags', () => {
    fc.assert(
      fc.property(anyElements, fc.constantFrom(0, 4, 8, 16, 32, 4 | 8 | 16), ({ elements, expected }, flags) => {
        const block = { bytes: lz4Block(elements), stored: false }
        const stored = { bytes: Uint8Array.from([7, 8, 9]), stored: true }
        const frame = lz4Frame({ blocks: [stored, block], flags })
        const whole = Buffer.from([7, 8, 9, ...expected])
        assert.deepEqual(Buffer.from(decompressLz4(frame, MAX)), whole)
        const frames = Uint8Array.from([...frame, ...frame])
        assert.deepEqual(Buffer.from(decompressLz4(frames, MAX)), Buffer.concat([whole, whole]))
      }),
      { seed: 20_260_727, numRuns: 300 },
    )
  })

  it('refuses what is cut off, other versions, and dictionaries', () => {
    const elements = [{ literal: Buffer.from('abcdefghijklmnopqrst') }, { distance: 3, length: 40 }]
    const frame = lz4Frame({ blocks: [{ bytes: lz4Block(elements), stored: false }], flags: 4 })
    // Without its content's checksum it is whole all the same.
    for (let length = 1; length < frame.length - 4; length++) {
      assert.throws(() => decompressLz4(frame.subarray(0, length), MAX), RangeError, `${length} bytes`)
    }
    assert.throws(() => decompressLz4(lz4Frame({ blocks: [], flags: 1 }), MAX), RangeError)
    assert.throws(() => decompressLz4(lz4Frame({ blocks: [], flags: 0x80 }), MAX), RangeError)
  })
})

describe('every codec', () => {
  it('ends on any bytes, in bounds', () => {
    const xerialStart = [0x82, ...Buffer.from('SNAPPY'), 0, ...int32(1), ...int32(1)]
    const start = fc.constantFrom<number[]>([], xerialStart, [...little(0x184d2204), 0x40, 0x40, 0])
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), start, fc.uint8Array({ maxLength: 300 }), (codec, first, bytes) => {
        try {
          decompress(codec, Uint8Array.from([...first, ...bytes]))
        } catch (error) {
          assert.ok(error instanceof RecordsUnreadable, String(error))
        }
      }),
      { seed: 20_260_727, numRuns: 2_000 },
    )
  })

  it('does not expand a little without bound', () => {
    const copies = Array.from({ length: 40_000 }, () => ({ distance: 1, length: 64 }))
    const elements = [{ literal: Uint8Array.of(0) }, ...copies]
    const size = 1 + 64 * copies.length
    assert.throws(() => decompressSnappy(snappyBlock(elements, size), MAX), /more than 1048576 bytes/)
    const frame = lz4Frame({ blocks: [{ bytes: lz4Block(elements), stored: false }], flags: 0 })
    assert.throws(() => decompressLz4(frame, MAX), /more than 1048576 bytes/)
  })
})
