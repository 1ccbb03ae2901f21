import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readHeaders } from '../../../src/log/records/headers.ts'

/** Zigzag of small numbers. */
const signed = (value: number): number => value * 2

const headersOf = (...bytes: readonly (number | string)[]): Record<string, string> | undefined => {
  const all = Buffer.concat(bytes.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))))
  const headers = readHeaders(all, 0)
  return headers && Object.fromEntries([...headers].map(([name, value]) => [name, Buffer.from(value).toString()]))
}

describe('headers of a record', () => {
  it('are there by name, of several with one name the last', () => {
    const pair = (name: string, value: string) => [signed(name.length), name, signed(value.length), value]
    assert.deepEqual(headersOf(signed(3), ...pair('a', '1'), ...pair('b', ''), ...pair('a', '2')), { a: '2', b: '' })
    assert.deepEqual(headersOf(0), {})
  })

  it('leave out a null value', () => {
    assert.deepEqual(headersOf(signed(1), signed(1), 'a', 1), {})
  })

  it('are none where the bytes are none', () => {
    assert.equal(headersOf(), undefined)
    assert.equal(headersOf(1), undefined)
    assert.equal(headersOf(signed(1)), undefined)
    assert.equal(headersOf(signed(1), signed(5), 'a'), undefined)
    assert.equal(headersOf(signed(1), 1), undefined)
    assert.equal(headersOf(0xff, 0xff, 0xff, 0xff, 0x0f), undefined)
  })
})
