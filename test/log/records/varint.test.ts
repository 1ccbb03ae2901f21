import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { signedSize, VarintReader, writeSigned, writeUnsigned } from '../../../src/log/records/varint.ts'

/** With BigInt, as the definition reads. */
function slowSigned(value: number): number[] {
  let left = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  const bytes: number[] = []
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return [...bytes, Number(left)]
}

const anyInteger = fc.oneof(
  fc.integer({ min: -200, max: 200 }),
  fc.integer(),
  fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
  fc.constantFrom(2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 30, -(2 ** 30) - 1),
)

test('signed numbers are written as the definition says, and read back', () => {
  fc.assert(
    fc.property(anyInteger, (value) => {
      const bytes = new Uint8Array(10)
      const end = writeSigned(bytes, 0, value)
      assert.deepEqual([...bytes.subarray(0, end)], slowSigned(value))
      assert.equal(signedSize(value), end)
      const reader = new VarintReader(bytes)
      assert.equal(reader.signed(), value)
      assert.equal(reader.at, end)
    }),
    { seed: 20_260_727, numRuns: 1_000 },
  )
})

test('unsigned numbers are read back', () => {
  for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    const bytes = new Uint8Array(10)
    const end = writeUnsigned(bytes, 0, value)
    assert.equal(new VarintReader(bytes.subarray(0, end)).unsigned(), value)
  }
})

test('a number that does not end is refused', () => {
  assert.throws(() => new VarintReader(new Uint8Array()).signed(), RangeError)
  assert.throws(() => new VarintReader(new Uint8Array([0x80, 0xff])).signed(), RangeError)
  assert.throws(() => new VarintReader(new Uint8Array(20).fill(0xff)).signed(), RangeError)
})
