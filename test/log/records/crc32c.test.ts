import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c } from '../../../src/log/records/crc32c.ts'

test('CRC-32C of what others publish', () => {
  const of = (bytes: Uint8Array) => crc32c(bytes, 0, bytes.length).toString(16).padStart(8, '0')
  assert.equal(of(Buffer.from('123456789')), 'e3069283')
  // RFC 3720, appendix B.4.
  assert.equal(of(new Uint8Array(32)), '8a9136aa')
  assert.equal(of(new Uint8Array(32).fill(0xff)), '62a8ab43')
  assert.equal(of(Uint8Array.from({ length: 32 }, (_, i) => i)), '46dd794e')
  assert.equal(of(new Uint8Array()), '00000000')
})

/** A bit at a time. */
function slowCrc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff
  for (let at = from; at < to; at++) {
    crc ^= bytes[at]!
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('CRC-32C of any part of any bytes, wherever they lie in their buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), fc.nat(7), (bytes, a, b, shift) => {
      const shifted = new Uint8Array(bytes.length + shift).subarray(shift)
      shifted.set(bytes)
      const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)]
      assert.equal(crc32c(shifted, from, to), slowCrc32c(bytes, from, to))
    }),
    { seed: 20_260_727, numRuns: 500 },
  )
})
