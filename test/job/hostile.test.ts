import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { JobFormat } from '../../src/job/document.ts'
import { JobInvalidError } from '../../src/job/errors.ts'
import { parseJob } from '../../src/job/parse.ts'
import { LIMITS } from '../../src/limits.ts'
import { leastTime, MOST_MS } from '../hostile/measure.ts'
import { FORMATS, jobValue, mutationsOf, SEED, textOf } from './documents.ts'
import { edited, faultsIn, GOOD } from './faults.ts'

/** Parses the text in time. */
function parseInTime(text: string, format: JobFormat): void {
  const { ms } = leastTime(() => {
    try {
      parseJob(text, format, 'job')
    } catch (error) {
      assert.ok(error instanceof JobInvalidError, error instanceof Error ? error.stack : String(error))
      checkFaults(error, text)
    }
  })
  assert.ok(ms < MOST_MS, `${ms} ms of ${format}`)
}

/** Every fault has a place that exists, and words of bounded length. */
function checkFaults({ errors, message }: JobInvalidError, text: string): void {
  const lines = text.split('\n')
  assert.ok(errors.length > 0 && errors.length <= 100)
  assert.ok(message.length < 1_000)
  for (const fault of errors) {
    const line = lines[(fault.line ?? 0) - 1]
    assert.ok(
      line !== undefined && (fault.column ?? 0) >= 1 && (fault.column ?? 0) <= line.length + 1,
      JSON.stringify(fault),
    )
    assert.ok(fault.message.length <= 600 && fault.message.isWellFormed())
  }
}

describe('any text at all', () => {
  for (const format of FORMATS) {
    it(`is a valid ${format} job or has faults, in time`, () => {
      const valid = jobValue.map((value) => textOf(value, format))
      const text = fc.oneof(
        { weight: 4, arbitrary: mutationsOf(valid) },
        { weight: 1, arbitrary: valid },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
        {
          weight: 1,
          arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
        },
        { weight: 1, arbitrary: fc.json() },
      )
      fc.assert(
        fc.property(text, (given) => parseInTime(given, format)),
        { seed: SEED, numRuns: 1_500 },
      )
    })
  }

  it('as an expression is compiled or has a fault', () => {
    const tokens = fc.array(
      fc.oneof(
        fc.constantFrom(
          'a',
          'b.c',
          '1',
          '0x1',
          '1e5',
          '1u',
          '"x"',
          "'y'",
          'b"z"',
          '"\\U0010FFFF"',
          '"\\ud800"',
          'null',
          'true',
        ),
        fc.constantFrom(
          '+',
          '-',
          '*',
          '/',
          '%',
          '==',
          '!=',
          '<',
          '>=',
          '&&',
          '||',
          '!',
          '?',
          ':',
          'in',
          '.',
          ',',
          '(',
          ')',
        ),
        fc.constantFrom(
          '[',
          ']',
          '{',
          '}',
          'has',
          'size',
          'matches',
          'map',
          'all',
          'type',
          'dyn',
          '//',
          '\n',
          '"""',
          "r'",
          '\\',
        ),
        fc.string({ maxLength: 3 }),
      ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          tokens.map((list) => list.join(' ')),
          tokens.map((list) => list.join('')),
        ),
        (expression) => {
          const value = JSON.stringify(expression)
          parseInTime(edited(['distance > 100', value], ['count()', value]), 'yaml')
        },
      ),
      { seed: SEED, numRuns: 2_000 },
    )
  })
})

describe('texts made to be slow or deep', () => {
  /** As much as fits. */
  const fill = (piece: string, bytes = LIMITS.documentBytes - 1_000): string =>
    piece.repeat(Math.floor(bytes / piece.length))
  const numbered = (count: number, line: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n')
  const filter = (expression: string): string => edited(['distance > 100', expression])

  const yaml: Readonly<Record<string, string>> = {
    'lists within lists': fill('- '),
    'brackets within brackets': fill('['),
    'braces within braces': fill('{a: '),
    'keys of keys': fill('? '),
    'indentation on every line': numbered(700, (i) => `${' '.repeat(i)}a:`),
    names: fill('a:\n'),
    'names that are nearly known': numbered(1_200, (i) => `nam${i}: 1`),
    'names without end': `${fill('a')}: 1`,
    comments: fill('#\n'),
    'empty lines': fill('\n'),
    quotes: fill('"'),
    'one word': fill('a'),
    'one word on many lines': fill('a\n'),
    colons: fill(':'),
    documents: fill('---\n'),
    commas: `[${fill(',')}`,
    escapes: `"${fill('\\n')}"`,
    'quotes in quotes': `'${fill("''")}'`,
    blocks: fill('- |\n'),
    'a block': `|\n${fill(' a\n')}`,
    'carriage returns': fill('\r'),
    tabs: fill('\t'),
    'a quote that is not closed': `"${fill('a\n')}`,
    'brackets in an expression': filter(fill('(', 4_000)),
    'nots in an expression': filter(`"${fill('!', 4_000)}x"`),
    'a function without end': filter(`${fill('f', 4_000)}(x)`),
    'aggregates without end': edited([
      'n: count()',
      numbered(7, (i) => `n${i}: ${fill('f', 4_000)}(x)`).replaceAll('\n', ', '),
    ]),
    'a long sum': filter(numbered(500, (i) => `x${i}`).replaceAll('\n', '+')),
    'large numbers': filter(numbered(100, () => '9'.repeat(30)).replaceAll('\n', '*')),
    'many expressions': edited([
      '  - filter: distance > 100',
      numbered(60, (i) => `  - filter: ${numbered(60, (j) => `a${i}b${j}`).replaceAll('\n', '+')}`),
    ]),
    'as many names as are allowed': edited([
      '{ n: count() }',
      `\n${numbered(60, (i) => `      n${i}: sum(${numbered(8, (j) => `a${i}b${j}`).replaceAll('\n', '+')})`)}`,
    ]),
    'a duration without end': edited(['1d', fill('1d', 30_000)]),
    'a prefix without end': edited([
      'kafka: { topic: results }',
      `s3: { bucket: abc, prefix: ${fill('a/', 30_000)}! }`,
    ]),
    'a bucket without end': edited(['kafka: { topic: results }', `s3: { bucket: ${fill('a.', 30_000)}! }`]),
    'a path without end': edited(['topic: flights', `topic: t, time: { field: ${fill('a.', 30_000)} }`]),
    'a pattern without end': edited([
      'topic: flights',
      `topic: t, time: { field: a, pattern: "${fill("'a'", 30_000)}" }`,
    ]),
    'a file without end': edited(['{ replicas: 3, write: 2, read: 2 }', `{ file: ${fill('../', 30_000)} }`]),
  }
  const json: Readonly<Record<string, string>> = {
    'brackets within brackets': fill('['),
    'braces within braces': fill('{"a":'),
    'a text': `"${fill('a')}"`,
    escapes: `"${fill('\\n')}"`,
    numbers: `[${fill('1,')}1]`,
    digits: fill('9'),
    'names twice': `{${fill('"a":1,')}"a":1}`,
    space: fill(' '),
  }
  const toml: Readonly<Record<string, string>> = {
    'brackets within brackets': `a = ${fill('[')}`,
    'brackets that are closed': `a = ${'['.repeat(4_000)}${']'.repeat(4_000)}`,
    'braces within braces': `a = ${fill('{a=')}`,
    'dotted names': `${fill('a.', 9_000)}b = 1`,
    names: numbered(9_000, (i) => `k${i} = 1`),
    tables: numbered(9_000, (i) => `[k${i}]`),
    'arrays of tables': fill('[[a]]\n', 20_000),
    'a text': `a = "${fill('a')}"`,
    'a text on many lines': `a = """${fill('a\n')}"""`,
    digits: `a = ${fill('1')}`,
    'a fraction of a second': `a = 2020-01-01T00:00:00.${fill('1')}`,
    items: `a = [${fill('1,', 18_000)}]`,
    space: fill(' '),
  }
  for (const [format, texts] of [
    ['yaml', yaml],
    ['json', json],
    ['toml', toml],
  ] as const) {
    for (const [what, text] of Object.entries(texts)) it(`${format}: ${what}`, () => parseInTime(text, format))
  }

  it('the largest document is read, and one byte more is not', () => {
    const largest = `${GOOD}#${'x'.repeat(LIMITS.documentBytes - Buffer.byteLength(GOOD) - 1)}`
    assert.deepEqual(faultsIn(largest), [])
    assert.deepEqual(faultsIn(`${largest}é`), ['1:1 expected a document of at most 262144 bytes; found 262146'])
  })
})

describe('bounds', () => {
  it('of nesting are those of every format', () => {
    const levels = (count: number): string => `${'['.repeat(count)}${']'.repeat(count)}`
    for (const [format, lead] of [
      ['yaml', 'x: '],
      ['toml', 'x = '],
      ['json', '{"x": '],
    ] as const) {
      const text = (count: number): string => `${lead}${levels(count)}${format === 'json' ? '}' : ''}`
      const isTooDeep = (faults: readonly string[]): boolean =>
        faults.some((fault) => fault.includes('16 levels of nesting'))
      assert.equal(isTooDeep(faultsIn(text(15), format)), false, format)
      assert.equal(isTooDeep(faultsIn(text(16), format)), true, format)
    }
  })

  it('of values are those of every format', () => {
    const tooMany = 'expected at most 2000 values in a document; found more'
    const items = Array.from({ length: 2_000 }, () => '1').join(',')
    assert.match(faultsIn(`x: [${items}]`, 'yaml')[0] ?? '', new RegExp(tooMany))
    assert.match(faultsIn(`x = [${items}]`, 'toml')[0] ?? '', new RegExp(tooMany))
    assert.match(faultsIn(`{"x": [${items}]}`, 'json')[0] ?? '', new RegExp(tooMany))
  })

  it('of expressions are told before they are compiled', () => {
    const long = edited(['distance > 100', Array.from({ length: 2_000 }, () => 'a').join('+')])
    assert.deepEqual(faultsIn(long), [
      '4:13 /pipeline/0/filter expected an expression of at most 1024 names, values and operators',
    ])
  })
})

describe('names that JavaScript treats specially', () => {
  it('are faults wherever they stand, in every format', () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const fault = new RegExp(`"${name}" cannot be a name here`)
      assert.match(faultsIn(edited(['n: count()', `${name}: count()`]), 'yaml')[0] ?? '', fault)
      assert.match(faultsIn(`{"${name}": {"polluted": 1}}`, 'json')[0] ?? '', fault)
      assert.match(faultsIn(`[${name}]\npolluted = 1\n[${name}.a]\n[[${name}.b]]`, 'toml')[0] ?? '', fault)
    }
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
  })
})
