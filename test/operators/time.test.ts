/** Event times from texts and numbers, strict about the calendar; durations; instants as text. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ExpressionError } from '../../operators/errors.ts'
import { FieldSet } from '../../operators/fields.ts'
import type { Value } from '../../operators/json.ts'
import { compileTime, formatInstant, parseDuration } from '../../operators/time.ts'

function read(value: Value, pattern?: string): number {
  const fields = new FieldSet()
  const time = compileTime({ kind: 'field', path: ['at'], ...(pattern === undefined ? {} : { pattern }) }, fields)
  const slots: Value[] = []
  slots[fields.slotOf(['at'])] = value
  return time(slots, 77)
}

const refused = (value: Value, pattern?: string) => assert.ok(Number.isNaN(read(value, pattern)), String(value))

describe('an event time', () => {
  it('is the log timestamp where the job says so', () => {
    assert.equal(compileTime({ kind: 'log' }, new FieldSet())([], 77), 77)
  })

  it('is a number of epoch milliseconds, rounded down', () => {
    assert.equal(read(1_700_000_000_000), 1_700_000_000_000)
    assert.equal(read(-1), -1)
    assert.equal(read(1.75), 1)
    assert.equal(read(-0.25), -1)
  })

  it('is ISO 8601, in UTC unless it carries an offset', () => {
    assert.equal(read('2001-01-14'), Date.UTC(2001, 0, 14))
    assert.equal(read('2001-01-14T21:55'), Date.UTC(2001, 0, 14, 21, 55))
    assert.equal(read('2001-01-14 21:55:07.25'), Date.UTC(2001, 0, 14, 21, 55, 7, 250))
    assert.equal(read('2001-01-14T21:55:07.123999Z'), Date.UTC(2001, 0, 14, 21, 55, 7, 123))
    assert.equal(read('2001-01-14T21:55:07+05:30'), Date.UTC(2001, 0, 14, 16, 25, 7))
    assert.equal(read('2001-01-14T21:55:07-0800'), Date.UTC(2001, 0, 15, 5, 55, 7))
  })

  it('is none where the field is missing, of another type, not in the calendar or beyond four-digit years', () => {
    for (const value of [undefined, null, true, 10n ** 20n, 9e15, -9e15, '', 'yesterday', [1]]) refused(value)
    for (const text of ['2001-02-29', '2001-13-01', '2001-00-10', '2001-04-31', '1900-02-29', '2001-1-2']) refused(text)
    for (const text of ['2001-01-01T24:00', '2001-01-01T10:60', '2001-01-01T10:00:60', '2001-01-01Z']) refused(text)
    for (const text of ['2001-01-01T10:00+24:00', '2001-01-01T10:00+10:60', '0000-01-01T00:00+01:00']) refused(text)
    assert.equal(read('2000-02-29'), Date.UTC(2000, 1, 29))
  })

  it('follows a pattern exactly', () => {
    assert.equal(read('2001/01/14 21:55', 'yyyy/MM/dd HH:mm'), Date.UTC(2001, 0, 14, 21, 55))
    assert.equal(read('2001-01-14T21:55:07.009', "yyyy-MM-dd'T'HH:mm:ss.SSS"), Date.UTC(2001, 0, 14, 21, 55, 7, 9))
    assert.equal(read('20010114', 'yyyyMMdd'), Date.UTC(2001, 0, 14))
    assert.equal(read("2001 o'clock", "yyyy 'o''clock'"), Date.UTC(2001, 0, 1))
    assert.equal(read('2001.5', 'yyyy.S'), Date.UTC(2001, 0, 1, 0, 0, 0, 500))
    for (const text of [
      '2001/01/14',
      '2001/01/14 21:55 ',
      '2001-01-14 21:55',
      '2001/02/30 21:55',
      '2001/01/14 2x:55',
    ]) {
      refused(text, 'yyyy/MM/dd HH:mm')
    }
    refused(978_307_200_000, 'yyyy')
  })

  it('reads back every instant of four-digit years', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (instant) => {
        const text = new Date(instant).toISOString()
        assert.equal(formatInstant(instant), text)
        assert.equal(read(text), instant)
        assert.equal(read(text, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"), instant)
      }),
      { seed: 5, numRuns: 2000 },
    )
  })
})

describe('a pattern', () => {
  const fails = (pattern: string, position: number, message: RegExp) =>
    assert.throws(
      () => read('', pattern),
      (error) =>
        error instanceof ExpressionError &&
        error.code === 'QRT_TIME_PATTERN' &&
        error.position === position &&
        message.test(error.message),
    )

  it('is refused with the place where it is wrong', () => {
    fails('yyyy-MM-dd hh:mm', 11, /unknown letter "h"/)
    fails('yyyy-MMM', 5, /more than 2 digits/)
    fails('yy/MM', 0, /expected yyyy, found "yy"/)
    fails('yyyy MM MM', 8, /"M" stands twice/)
    fails("yyyy 'T", 5, /not closed/)
    fails('MM/dd', 0, /no year/)
  })
})

describe('a duration', () => {
  it('is a sum of units, larger ones first', () => {
    const cases: [string, number][] = [
      ['250ms', 250],
      ['10s', 10_000],
      ['1h30m', 5_400_000],
      ['1d', 86_400_000],
      ['2w1d', 15 * 86_400_000],
      ['1m500ms', 60_500],
      ['0s', 0],
    ]
    for (const [text, milliseconds] of cases) assert.equal(parseDuration(text), milliseconds, text)
  })

  it('is refused with an example of what would do', () => {
    for (const text of ['', '10', 's', '1.5h', '-1s', '1 s', '1S', '1y']) {
      assert.throws(() => parseDuration(text), { code: 'QRT_DURATION', message: /write for example/ }, text)
    }
    assert.throws(() => parseDuration('1s1h'), { code: 'QRT_DURATION', position: 2 })
    assert.throws(() => parseDuration('1s1s'), { code: 'QRT_DURATION', position: 2 })
    assert.throws(() => parseDuration('99999999999d'), { code: 'QRT_DURATION', message: /longer than/ })
  })
})

describe('an instant as text', () => {
  it('is what a date says, in any order of days', () => {
    const near = fc.integer({ min: -200_000_000, max: 200_000_000 })
    const any = fc.oneof(
      near,
      fc.integer({ min: -8.64e15, max: 8.64e15 }),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    )
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 20 }), (instants) => {
        for (const instant of instants) assert.equal(formatInstant(instant), new Date(instant).toISOString())
      }),
      { seed: 81, numRuns: 500 },
    )
    assert.throws(() => formatInstant(8.64e15 + 1), RangeError)
  })
})
