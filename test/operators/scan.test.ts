/** The scanner's verdict and values are those of JSON.parse over strictly decoded UTF-8, whatever fields are wanted. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FieldSet } from '../../operators/fields.ts'
import type { Value } from '../../operators/json.ts'
import { compileScanner } from '../../operators/scan.ts'
import { propertyRuns } from './property-runs.ts'

const SEED = 20_010_101

function scan(record: string | Uint8Array, ...paths: string[][]) {
  const fields = new FieldSet()
  const wanted = paths.map((path) => fields.slotOf(path))
  const slots: Value[] = []
  const error = compileScanner(fields).scan(typeof record === 'string' ? Buffer.from(record) : record, slots)
  return error ?? wanted.map((slot) => slots[slot])
}

describe('a record', () => {
  it('gives the wanted fields, and undefined for those it lacks', () => {
    assert.deepEqual(scan('{"a": 1, "b": {"c": "x", "d": null}}', ['a'], ['b', 'c'], ['b', 'd'], ['b', 'e'], ['f']), [
      1,
      'x',
      null,
      undefined,
      undefined,
    ])
  })

  it('gives an object and a field of it at once', () => {
    assert.deepEqual(scan('{"a":{"b":[1,true]}}', ['a'], ['a', 'b']), [new Map([['b', [1, true]]]), [1, true]])
  })

  it('gives the whole record for the empty path, be it an object or not', () => {
    assert.deepEqual(scan('{"a":1}', [], ['a']), [new Map([['a', 1]]), 1])
    assert.deepEqual(scan(' [1] ', [], ['a']), [[1], undefined])
    assert.deepEqual(scan('7', ['a']), [undefined])
  })

  it('takes the last of a repeated name, and nothing of the ones before', () => {
    assert.deepEqual(scan('{"a":1,"a":"x"}', ['a']), ['x'])
    assert.deepEqual(scan('{"a":{"b":1,"c":2},"a":{"c":3}}', ['a', 'b'], ['a', 'c']), [undefined, 3])
    assert.deepEqual(scan('{"a":{"b":1},"a":12}', ['a', 'b'], ['a']), [undefined, 12])
    assert.deepEqual(scan('{"a":{"b":1},"a":12}', ['a', 'b']), [undefined])
  })

  it('finds names that are written with escapes or beyond ASCII, and keeps those of prototypes apart', () => {
    assert.deepEqual(scan('{"\\u0061":1,"größe":2,"__proto__":{"x":3}}', ['a'], ['größe'], ['__proto__', 'x'], ['x']), [
      1,
      2,
      3,
      undefined,
    ])
    assert.deepEqual(scan('{"\\ud800":1}', ['\ufffd'], ['\ud800']), [undefined, 1])
    assert.deepEqual(scan('{}', ['constructor'], ['toString']), [undefined, undefined])
  })

  it('is read alike after a record with other names in another order', () => {
    const fields = new FieldSet()
    const [a, b] = [fields.slotOf(['a']), fields.slotOf(['bb'])]
    const scanner = compileScanner(fields)
    const slots: Value[] = []
    const read = (text: string) => [scanner.scan(Buffer.from(text), slots), slots[a], slots[b]]
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(read('{"a":1,"bb":2,"c":3}'), [undefined, 1, 2])
      assert.deepEqual(read('{"bb":4,"a":5}'), [undefined, 5, 4])
      assert.deepEqual(read('{ "a" : 6 , "c":0, "bb":7}'), [undefined, 6, 7])
      assert.deepEqual(read('{"a":1,"bb"'), ['QRT_RECORD_SYNTAX', 1, undefined])
      assert.deepEqual(read('{"a":8}'), [undefined, 8, undefined])
    }
  })
})

describe('numbers', () => {
  const cases: [string, Value][] = [
    ['0', 0],
    ['-0', 0],
    ['-0.0', 0],
    ['-0e5', 0],
    ['1234567890', 1_234_567_890],
    ['123456789', 123_456_789],
    ['-1700000000000', -1_700_000_000_000],
    ['999999999999999', 999_999_999_999_999],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['-9007199254740993', -9_007_199_254_740_993n],
    ['9007199254740993.0', 9_007_199_254_740_992],
    ['0.1', 0.1],
    ['-12.75', -12.75],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['5e-324', 5e-324],
    ['1e-999', 0],
    ['1E+2', 100],
  ]
  for (const [text, value] of cases) {
    it(`reads ${text}`, () => {
      const [found] = scan(`{"a":${text}}`, ['a']) as Value[]
      assert.ok(Object.is(found, value), `found ${String(found)}`)
    })
  }

  it('refuses what exceeds the doubles, wanted or not', () => {
    for (const text of ['1e309', '-1e999', '9'.repeat(400), `${'9'.repeat(400)}.5`]) {
      assert.equal(scan(`{"a":${text}}`, ['a']), 'QRT_RECORD_NUMBER')
      assert.equal(scan(`{"a":${text}}`, ['b']), 'QRT_RECORD_NUMBER')
      assert.equal(scan(`{"a":[{"b":${text}}]}`, ['b']), 'QRT_RECORD_NUMBER')
    }
  })
})

describe('a bad record', () => {
  it('has a code for what is wrong with it', () => {
    assert.equal(scan(''), 'QRT_RECORD_EMPTY')
    assert.equal(scan(' '), 'QRT_RECORD_SYNTAX')
    assert.equal(scan('{"a":1} x'), 'QRT_RECORD_SYNTAX')
    assert.equal(scan('\ufeff{}'), 'QRT_RECORD_SYNTAX')
    assert.equal(scan(Buffer.from([0x22, 0xc3, 0x28, 0x22])), 'QRT_RECORD_ENCODING')
    assert.equal(scan(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), 'QRT_RECORD_ENCODING')
  })

  it('is one with a control character in a text, wherever it stands', () => {
    for (let control = 0; control < 0x20; control++) {
      for (const before of ['', 'x', 'xx', 'xxx', 'xxxxxx']) {
        const text = `"${before}${String.fromCharCode(control)}yyyy"`
        for (const record of [text, `{"a":${text}}`, `{"b":${text}}`, `{${text}:1}`]) {
          assert.equal(scan(record, ['a']), 'QRT_RECORD_SYNTAX', JSON.stringify(record))
        }
      }
    }
  })

  it('is refused again when it comes again', () => {
    const fields = new FieldSet()
    fields.slotOf(['a'])
    const scanner = compileScanner(fields)
    const record = Buffer.concat([Buffer.from('{"'), Buffer.of(0xff), Buffer.from('name":1,"a":2}')])
    for (let round = 0; round < 3; round++) assert.equal(scanner.scan(record, []), 'QRT_RECORD_ENCODING')
  })

  it('is one that nests deeper than 64', () => {
    assert.notEqual(scan('['.repeat(64) + ']'.repeat(64)), 'QRT_RECORD_DEPTH')
    assert.equal(scan('['.repeat(65) + ']'.repeat(65)), 'QRT_RECORD_DEPTH')
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
    for (const wanted of [[], ['a'], ['a', 'a', 'a'], ['b']]) {
      assert.notEqual(scan(deep(64), wanted), 'QRT_RECORD_DEPTH')
      assert.equal(scan(deep(65), wanted), 'QRT_RECORD_DEPTH')
    }
    assert.equal(scan('['.repeat(1_000_000)), 'QRT_RECORD_DEPTH')
  })
})

const space = fc.constantFrom('', '', '', ' ', '\n\t', '\r ')
const name = fc.constantFrom('"a"', '"b"', '"c"', '"\\u0061"', '"é"', '"long name of a field"', '""')
const scalar = fc.oneof(
  fc.constantFrom('true', 'false', 'null', '""', '"\\ud83d\\ude00"', '"\\ud800"', '"😀é"', '"\\"\\\\\\/\\b"', '1e400'),
  fc.constantFrom('01', '-', '1.', '.5', '1e', '+1', 'nul', 'tru', '"\\x"', '"\\u12g4"', '"\t"', '"a', "'a'", 'NaN'),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
  fc.tuple(fc.integer(), fc.nat(999_999)).map(([whole, part]) => `${whole}.${part}`),
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text)),
)
const { text } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc
      .array(fc.tuple(space, name, space, space, tie('text'), space), { maxLength: 6 })
      .map((fields) => `{${fields.map(([a, key, b, c, value, d]) => `${a}${key}${b}:${c}${value}${d}`).join(',')}}`),
    fc.array(tie('text'), { maxLength: 4 }).map((items) => `[ ${items.join(' ,')}]`),
  ),
}))
const INTERESTING = Buffer.from('{}[]",:\\/0123456789-+.eEtfnu \n\t\u0000\u007f')
const mutation = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('replace', 'insert', 'remove'),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(...INTERESTING)),
})
const record = fc
  .tuple(
    fc.oneof(
      text,
      text.map((value) => `{"a":${value},"b":{"a":1}}`),
    ),
    fc.array(mutation, { maxLength: 2 }),
  )
  .map(([source, mutations]) => {
    const bytes = [...Buffer.from(source)]
    for (const { at, kind, byte } of mutations) {
      const place = at % (bytes.length + 1)
      bytes.splice(place, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [byte]))
    }
    return Uint8Array.from(bytes)
  })

/** The obvious twin: JSON.parse with the literal of each number, and the bounds checked on the text. */
function parsed(bytes: Uint8Array): { value: Value } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value = JSON.parse(text, ((_: string, value: unknown, context: { source?: string }) =>
      fromJson(value, context.source)) as (key: string, value: unknown) => unknown)
    const bare = text.replace(/"(?:[^"\\]|\\.)*"/gs, '')
    const numbers = bare.match(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g) ?? []
    return numbers.every((number) => Number.isFinite(Number(number))) ? { value } : undefined
  } catch {
    return undefined
  }
}

function fromJson(value: unknown, source: string | undefined): Value {
  if (typeof value === 'number') {
    return !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '') ? BigInt(source as string) : value + 0
  }
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value as Value
  return new Map(Object.entries(value))
}

const PATHS = [['a'], ['b'], ['a', 'a'], ['a', 'b', 'c'], ['é'], ['long name of a field', 'a'], ['']]

describe('against JSON.parse', () => {
  // One scanner for all records, so that what it learnt from one is tried on the next.
  const fields = new FieldSet()
  const slots: Value[] = []
  for (const path of PATHS) fields.slotOf(path)
  const scanner = compileScanner(fields)
  const nothing = compileScanner(new FieldSet())
  const everything = new FieldSet()
  everything.slotOf([])
  const whole = compileScanner(everything)

  it('the verdict and every field are the same, for good and for damaged bytes', () => {
    let good = 0
    let bad = 0
    fc.assert(
      fc.property(record, (bytes) => {
        const expected = parsed(bytes)
        const error = scanner.scan(bytes, slots)
        assert.equal(nothing.scan(bytes, []), error)
        const all: Value[] = []
        assert.equal(whole.scan(bytes, all), error)
        assert.equal(error === undefined, expected !== undefined, `code ${error}`)
        if (expected === undefined) bad += 1
        else {
          good += 1
          assert.deepEqual(all[0], expected.value)
          for (const [i, path] of PATHS.entries()) {
            const value: Value = path.reduce<Value>(
              (at, key): Value => (at instanceof Map ? at.get(key) : undefined),
              expected.value,
            )
            assert.deepEqual(slots[i], value, path.join('.'))
          }
        }
      }),
      { seed: SEED, numRuns: propertyRuns(6000) },
    )
    assert.ok(good > 500 && bad > 500, `${good} good and ${bad} bad records`)
  })
})
