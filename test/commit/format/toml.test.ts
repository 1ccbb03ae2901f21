/** Rows in TOML: what the source format of the same name, and another reader, find in them, and what TOML cannot say. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Digest } from '../../../mesh/index.ts'
import { readToml as readRecord } from '../../../operators/format/toml.ts'
import { ROW_RECORD, RowWriter } from '../../../operators/index.ts'
import type { Value } from '../../../operators/json.ts'
import { valueEncoder } from '../../../src/commit/format/encode.ts'
import { rowsFile } from '../../../src/commit/format/file.ts'
import { exactJson } from '../../../src/commit/format/row.ts'
import { bodyOf, row } from '../../contract/sink-batches.ts'
import { propertyRuns } from '../../operators/property-runs.ts'
import { narrowed, readToml } from './readers.ts'

const encoder = valueEncoder('toml', 'kafka:rows')
const document = (text: string): Uint8Array => encoder(Buffer.from(text))
const file = (body: Uint8Array): Uint8Array => rowsFile('toml', 'file:rows').encode(body, '00'.repeat(32) as Digest)

/** What a source makes of a record. */
const taken = (bytes: Uint8Array): unknown => plain(readRecord(bytes))
const plain = (value: Value): unknown =>
  value instanceof Map
    ? Object.fromEntries([...value].map(([name, inner]) => [name, plain(inner)]))
    : Array.isArray(value)
      ? value.map(plain)
      : value

/** What TOML leaves of a value: no fields that are null; undefined where a list has a null. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls)
    return value.includes(null) || items.includes(undefined) ? undefined : items
  }
  // Beyond 64 bits it is a double that is the same number.
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : Number(value)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([, field]) => field !== null)
  const kept = fields.map(([name, field]) => [name, withoutNulls(field)] as const)
  return kept.some(([, field]) => field === undefined) ? undefined : Object.fromEntries(kept)
}

/** Names and texts of all kinds; nothing deeper than a record may be. */
const objects = fc
  .dictionary(fc.string({ unit: 'binary', maxLength: 8 }), fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }))
  .map((fields) => JSON.stringify(fields))

const RUNS = propertyRuns(500)

describe('a value in TOML', () => {
  it('is a document that a source takes for the same value, without the fields that are null', () => {
    let refused = 0
    fc.assert(
      fc.property(objects, (text) => {
        const kept = withoutNulls(exactJson(Buffer.from(text)))
        if (kept === undefined) {
          refused += 1
          assert.throws(() => document(text), { code: 'QRT_SINK_REFUSED', message: /no null within a list/ })
          return
        }
        assert.deepEqual(taken(document(text)), narrowed(kept))
      }),
      { seed: 20_261_127, numRuns: RUNS },
    )
    assert.ok(refused > RUNS / 50 && refused < (RUNS * 9) / 10, `${refused} of ${RUNS} had lists with nulls`)
  })

  it('has its fields in lines, and what is below them in place', () => {
    assert.equal(
      Buffer.from(document('{"a b":1,"key":"SFO\\n","mean":null,"worst":[{"by":1.5},{}]}')).toString(),
      '"a b" = 1\nkey = "SFO\\n"\nworst = [{ by = 1.5 }, {}]\n',
    )
    assert.equal(document('{"mean":null}').length, 0)
  })

  it('has integers of 64 bits, and doubles with a point or an exponent', () => {
    const shown = (n: string): string => Buffer.from(document(`{"n":${n}}`)).toString()
    assert.equal(shown('9007199254740993'), 'n = 9007199254740993\n')
    assert.equal(shown('-9223372036854775808'), 'n = -9223372036854775808\n')
    assert.equal(shown('100000000000000000000'), 'n = 100000000000000000000.0\n')
    assert.equal(shown('1e+21'), 'n = 1e+21\n')
    assert.equal(shown('1e-7'), 'n = 1e-7\n')
    assert.deepEqual(taken(document('{"n":100000000000000000000}')), { n: 1e20 })
    assert.throws(() => document(`{"n":${2n ** 80n + 1n}}`), {
      code: 'QRT_SINK_REFUSED',
      message: /TOML: n: expected an integer of 64 bits, found 1208925819614629174706177/,
    })
  })

  it('that is no object, or has half of a character, is refused', () => {
    for (const text of ['null', '1', '[{"a":1}]']) {
      assert.throws(() => document(text), { code: 'QRT_SINK_REFUSED', message: /TOML: the row: expected an object/ })
    }
    assert.throws(() => document('{"a":["\\ud800"]}'), {
      message: /a\.0: expected Unicode text, found half of a surrog/,
    })
    assert.throws(() => document('{"\\ud800":1}'), { message: /expected Unicode text/ })
    assert.throws(() => document('{"a":{"b":[1,null]}}'), { message: /a\.b\.1: expected no null within a list/ })
  })
})

describe('a file in TOML', () => {
  it('is one array of tables, whatever else JSON says than null', () => {
    const writer = new RowWriter()
    fc.assert(
      fc.property(fc.array(objects, { maxLength: 4 }), (texts) => {
        const kept = texts.map((text) => withoutNulls(exactJson(Buffer.from(text))))
        fc.pre(!kept.includes(undefined))
        texts.forEach((text, i) => {
          writer.append(ROW_RECORD, 0, 0, i, 0, Buffer.from('"a"'), Buffer.from(text))
        })
        const rows = kept.map((value, i) => ({ key: 'a', source: { partition: 0, offset: i, index: 0 }, value }))
        const bytes = file(writer.take())
        assert.deepEqual(readToml(bytes), narrowed(rows))
        assert.deepEqual(taken(bytes), rows.length === 0 ? {} : { row: narrowed(rows) })
      }),
      { seed: 20_261_128, numRuns: RUNS },
    )
  })

  it('has what a line of JSON says of a row, its value in a table of its own', () => {
    const body = bodyOf([row(0, '"SFO"', '{"flights":3,"mean":null}'), row(1, 'null', '7')])
    assert.equal(
      Buffer.from(file(body)).toString(),
      `[[row]]
key = "SFO"
window = { start = "2001-01-01T00:00:00.000Z", end = "2001-01-01T01:00:00.000Z" }
revision = 0
final = true

[row.value]
flights = 3

[[row]]
window = { start = "2001-01-01T01:00:00.000Z", end = "2001-01-01T02:00:00.000Z" }
revision = 0
final = true
value = 7

`,
    )
  })
})
