/** YAML and TOML records: values as JSON would have them, several documents, and what is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { stringify as toToml } from 'smol-toml'
import { stringify as toYaml } from 'yaml'
import { bytes, read, readAll, SEED } from './formats.ts'
import { propertyRuns } from './property-runs.ts'

const name = fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom('a', 'true', '1', 'a.b', '- x', '#'))
const scalar = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
  fc.string(),
  fc.constantFrom('null', 'yes', '0x10', '1e3', '~', 'a: b', '2001-01-01', '\n', "'", ' x '),
  fc.boolean(),
)
const record = (values: fc.Arbitrary<unknown>) =>
  fc.dictionary(
    name.filter((each) => !['__proto__', '<<'].includes(each)),
    fc.oneof(
      { maxDepth: 3 },
      values,
      fc.array(values, { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('x', 'y y'), values, { maxKeys: 2, noNullPrototype: true }),
    ),
    { maxKeys: 4, noNullPrototype: true },
  )

describe('a YAML record', () => {
  it('is what was written, whatever that was', () => {
    const value = record(fc.oneof(scalar, fc.constant(null)))
    fc.assert(
      fc.property(value, (written) => {
        assert.deepEqual(read('yaml', toYaml(written)), written)
      }),
      { seed: SEED, numRuns: propertyRuns(300) },
    )
  })

  it('gives the wanted fields of every document', () => {
    const text = 'a: 1\nb: { c: x }\n---\na: 2\n...\n---\n- 3\n'
    assert.deepEqual(readAll('yaml', text, ['a'], ['b', 'c']), [
      [1, 'x'],
      [2, undefined],
      [undefined, undefined],
    ])
  })

  it('has the numbers of the core schema, integers exact', () => {
    assert.deepEqual(read('yaml', 'a: 9007199254740993\nb: 0x1F\nc: 0o17\nd: -0\ne: 1_000\nf: 012\ng: -0.0'), {
      a: 9007199254740993n,
      b: 31,
      c: 15,
      d: 0,
      e: '1_000',
      f: 12,
      g: 0,
    })
    assert.equal(read('yaml', 'a: .inf'), 'QRT_RECORD_NUMBER')
    assert.equal(read('yaml', 'a: .nan'), 'QRT_RECORD_NUMBER')
    assert.equal(read('yaml', `a: ${'9'.repeat(400)}`), 'QRT_RECORD_NUMBER')
  })

  it('is empty without a document, and null where one says so', () => {
    assert.equal(read('yaml', ''), 'QRT_RECORD_EMPTY')
    assert.equal(read('yaml', '# nothing\n'), 'QRT_RECORD_EMPTY')
    assert.equal(read('yaml', '---\n'), null)
    assert.equal(read('yaml', 'null'), null)
  })

  it('is refused with a reason where it is wrong or not safe', () => {
    const cases: readonly (readonly [Uint8Array | string, string])[] = [
      ['a: [1', 'QRT_RECORD_SYNTAX'],
      ['a: 1\na: 2', 'QRT_RECORD_SYNTAX'],
      ['a: 1\n---\nb: [', 'QRT_RECORD_SYNTAX'],
      ['a: "\u0000"', 'QRT_RECORD_SYNTAX'],
      ['a: &x 1\nb: *x', 'QRT_RECORD_REFUSED'],
      ['a: *x', 'QRT_RECORD_REFUSED'],
      ['a: !!js/function x', 'QRT_RECORD_REFUSED'],
      ['%YAML 1.1\n---\na: 1', 'QRT_RECORD_REFUSED'],
      ['<<: { a: 1 }', 'QRT_RECORD_REFUSED'],
      ['1: a', 'QRT_RECORD_REFUSED'],
      ['? [a]\n: b', 'QRT_RECORD_REFUSED'],
      [bytes('a: ', 0xff), 'QRT_RECORD_ENCODING'],
      ['['.repeat(1000), 'QRT_RECORD_DEPTH'],
      ['- '.repeat(1000), 'QRT_RECORD_DEPTH'],
      ['[1,'.repeat(10_000), 'QRT_RECORD_DEPTH'],
      [`[${'1,'.repeat(20_000)}1]`, 'QRT_RECORD_SIZE'],
      [`a: ${'x'.repeat(70_000)}`, 'QRT_RECORD_SIZE'],
    ]
    for (const [text, code] of cases) {
      assert.equal(read('yaml', text), code, String(text).slice(0, 40))
      assert.equal(read('yaml', text, ['x', 'y']), code)
    }
  })

  it('has fields that JavaScript means something else by', () => {
    assert.deepEqual(read('yaml', '__proto__: { x: 1 }', ['__proto__', 'x'], ['x']), [1, undefined])
  })
})

describe('a TOML record', () => {
  it('is what was written, whatever that was', () => {
    fc.assert(
      fc.property(record(scalar), (written) => {
        assert.deepEqual(read('toml', toToml(written)), written)
      }),
      { seed: SEED, numRuns: propertyRuns(300) },
    )
  })

  it('keeps integers of 64 bits, and dates as ISO 8601', () => {
    const text =
      'a = 9007199254740993\nb = 0xff\nc = 1e3\nd = 2001-02-03T04:05:06Z\ne = 2001-02-03\nf = 04:05:06\ng = -0.0'
    assert.deepEqual(read('toml', text), {
      a: 9007199254740993n,
      b: 255,
      c: 1000,
      d: '2001-02-03T04:05:06.000Z',
      e: '2001-02-03',
      f: '04:05:06.000',
      g: 0,
    })
  })

  it('gives the wanted fields', () => {
    assert.deepEqual(read('toml', 'a.b = 1\n[[c]]\nd = 2', ['a', 'b'], ['c'], ['x']), [1, [{ d: 2 }], undefined])
  })

  it('is refused with a reason where it is wrong', () => {
    const cases: readonly (readonly [Uint8Array | string, string])[] = [
      ['', 'QRT_RECORD_EMPTY'],
      ['a', 'QRT_RECORD_SYNTAX'],
      ['a = 1\na = 2', 'QRT_RECORD_SYNTAX'],
      ['a = 9223372036854775808', 'QRT_RECORD_NUMBER'],
      ['a = inf', 'QRT_RECORD_NUMBER'],
      ['a = nan', 'QRT_RECORD_NUMBER'],
      [bytes('a = "', 0xff, '"'), 'QRT_RECORD_ENCODING'],
      [`a = ${'['.repeat(5000)}${']'.repeat(5000)}`, 'QRT_RECORD_SYNTAX'],
      [`${'a.'.repeat(5000)}a = 1`, 'QRT_RECORD_DEPTH'],
      [`a = "${'x'.repeat(70_000)}"`, 'QRT_RECORD_SIZE'],
    ]
    for (const [text, code] of cases) {
      assert.equal(read('toml', text), code, String(text).slice(0, 40))
      assert.equal(read('toml', text, ['x', 'y']), code)
    }
  })

  it('has fields that JavaScript means something else by', () => {
    assert.deepEqual(read('toml', '[__proto__]\nx = 1', ['__proto__', 'x'], ['x']), [1, undefined])
  })
})
