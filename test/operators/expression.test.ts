/** What an expression gives for a record, and what is refused before the first one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ExpressionError, type OperatorErrorCode } from '../../operators/errors.ts'
import { check, evaluate } from './evaluate.ts'
import { propertyRuns } from './property-runs.ts'

const MISSING = 'QRT_EXPR_MISSING_FIELD'
const TYPE = 'QRT_EXPR_TYPE'

describe('fields', () => {
  it('are names, paths, and names in brackets', () => {
    check('{"a":{"b":{"c d":7}},"list":[1,{"x":2}]}', {
      'a.b["c d"]': 7,
      'a["b"]': new Map([['c d', 7]]),
      'list[0]': 1,
      'list[1].x': 2,
      'list[a.b["c d"] - 6]["x"]': 2,
      '{"k": a.b}.k["c d"]': 7,
    })
  })

  it('are an error where they are missing, unless has() guards them; null is a value', () => {
    check('{"a":{"n":null},"list":[]}', {
      b: MISSING,
      'a.b.c': MISSING,
      'a.b > 1': MISSING,
      'list[0]': MISSING,
      'has(b)': false,
      'has(a.n)': true,
      'has(a.n.x)': false,
      'has(a["n"])': true,
      'has(b) && b > 1': false,
      'has(b) ? b : 0': 0,
      'a.n == null': true,
      'a.n != 1': true,
      'a.n + 1': TYPE,
      'a.n < 1': TYPE,
      'has(toString) || has(a.__proto__)': false,
    })
  })
})

describe('numbers', () => {
  it('are of one kind, and integers stay exact at any size', () => {
    check('{"max":9007199254740991,"big":9007199254740993,"x":0.5,"n":-7}', {
      'max + 2': 9_007_199_254_740_993n,
      'max + 2 - 2': 9_007_199_254_740_991,
      'max * max': 81_129_638_414_606_663_681_390_495_662_081n,
      'max * max % 10': 1,
      'big * 0': 0,
      '-big': -9_007_199_254_740_993n,
      'big - max': 2,
      'big > max': true,
      'big == 9007199254740993': true,
      'big == 9007199254740992.0': false,
      'big + x': 9_007_199_254_740_992,
      '4.0 == 4 && 1 + 0.5 == 1.5': true,
      'n * 0': 0,
      '-(n + 7)': 0,
      '1e15 + 1.5': 1_000_000_000_000_001.5,
    })
  })

  it('divide as people expect, also where both are integers', () => {
    check('{"a":7,"b":2,"z":0,"big":18014398509481986}', {
      'a / b': 3.5,
      '7 / 2': 3.5,
      'int(a / b)': 3,
      'int(-a / b)': -3,
      'a % b': 1,
      '-a % b': -1,
      '5.5 % b': 1.5,
      'big / 2': 9_007_199_254_740_993n,
      'a / z': 'QRT_EXPR_DIVISION_BY_ZERO',
      'a % z': 'QRT_EXPR_DIVISION_BY_ZERO',
      'a / 0.0': 'QRT_EXPR_DIVISION_BY_ZERO',
      'b == 2 || a / z > 1': true,
    })
  })

  it('end where doubles end', () => {
    check('{"x":1e300,"n":99999999999999999999999999999999999999999999999999}', {
      'x * x': 'QRT_EXPR_OVERFLOW',
      'x / 1e-300': 'QRT_EXPR_OVERFLOW',
      'n * n * n * n * n * n * n': 'QRT_EXPR_OVERFLOW',
      'double(n) == 1e50': true,
    })
  })

  it('come from texts and go to texts', () => {
    check('{"s":"42","t":"9007199254740993","f":"1.5","w":" 1"}', {
      'int(s) + 1': 43,
      'int(t)': 9_007_199_254_740_993n,
      'double(f) * 2': 3,
      'int(f)': TYPE,
      'double(w)': TYPE,
      'double(true)': TYPE,
      'string(int(s)) + "!"': '42!',
      'string(null)': TYPE,
      'int(1e20)': 100_000_000_000_000_000_000n,
    })
  })

  it('give no -0 and no NaN, and agree with exact arithmetic', () => {
    const integer = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }))
    fc.assert(
      fc.property(integer, integer, (left, right) => {
        const [a, b] = [BigInt(left), BigInt(right)]
        const run = (operator: string) => evaluate(`a ${operator} b`, `{"a":${a},"b":${b}}`)
        for (const [operator, exact] of [
          ['+', a + b],
          ['-', a - b],
          ['*', a * b],
        ] as const) {
          const found = run(operator)
          assert.equal(BigInt(found as number | bigint), exact)
          assert.equal(typeof found, Number.isSafeInteger(Number(exact)) ? 'number' : 'bigint')
          assert.ok(!Object.is(found, -0))
        }
        if (b !== 0n) assert.equal(BigInt(run('%') as number | bigint), a % b)
        assert.equal(run('<'), a < b)
        assert.equal(run('=='), a === b)
      }),
      { seed: 11, numRuns: propertyRuns(400) },
    )
  })
})

describe('comparisons', () => {
  it('order numbers, texts and booleans, each among themselves', () => {
    check('{"s":"b","t":true}', {
      's > "a" && s <= "b" && !(s < "B")': true,
      't > false': true,
      's > 1': TYPE,
      't >= 1': TYPE,
      'null < null': TYPE,
      '[1] < [2]': TYPE,
    })
  })

  it('hold values of different types for unequal, and look into lists and objects', () => {
    check('{"l":[1,{"x":null}],"o":{"a":1,"b":[2]},"s":"1"}', {
      's == 1': false,
      's != 1': true,
      'l == [1.0, {"x": null}]': true,
      'l == [1]': false,
      'o == {"b": [2], "a": 1}': true,
      'o == {"b": [2], "c": 1}': false,
      'o == {"a": 1} || {"a": 1} == o': false,
      '1 in l': true,
      '"x" in l': false,
      '"a" in o': true,
      's in ["0", "1"]': true,
      '"1" in s': TYPE,
    })
  })
})

describe('logic', () => {
  it('lets a side that decides absorb an error of the other, in either order', () => {
    check('{"t":true,"f":false}', {
      'f && x': false,
      'x && f': false,
      't || x': true,
      'x || t': true,
      't && x': MISSING,
      'x && t': MISSING,
      'x || f': MISSING,
      'x > 1 && 1 / 0 > 1': MISSING,
      '1 / 0 > 1 && x > 1': 'QRT_EXPR_DIVISION_BY_ZERO',
    })
  })

  it('takes only booleans for truth', () => {
    check('{"n":1,"t":true}', {
      '!n': TYPE,
      'n && t': TYPE,
      't && n': TYPE,
      'n || t': true,
      'n ? 1 : 2': TYPE,
      't ? 1 : missing': 1,
      '!t ? missing : 2': 2,
    })
  })
})

describe('texts', () => {
  it('have a few linear functions', () => {
    check('{"s":"Zürich 😀"}', {
      's.contains("ric")': true,
      's.startsWith("Zü")': true,
      's.endsWith("x")': false,
      's.size()': 8,
      'size(s)': 8,
      'size([1, 2]) + size({"a": 1})': 3,
      's.upperAscii()': 'ZüRICH 😀',
      's.lowerAscii() + "!"': 'zürich 😀!',
      's.contains(1)': TYPE,
      '(1).contains("a")': TYPE,
      'size(1)': TYPE,
      's + 1': TYPE,
      '[1] + ["x"]': [1, 'x'],
    })
  })
})

describe('an expression', () => {
  const fails = (source: string, code: OperatorErrorCode, position: number, message: RegExp) =>
    assert.throws(
      () => evaluate(source),
      (error) => {
        assert.ok(error instanceof ExpressionError)
        assert.deepEqual([error.code, error.position], [code, position], error.message)
        assert.match(error.message, message)
        return true
      },
    )

  it('is refused with the place where it does not parse', () => {
    fails('delay >', 'QRT_EXPR_SYNTAX', 7, /delay >/)
    fails('a ? 1', 'QRT_EXPR_SYNTAX', 5, /COLON/)
    fails('a = 1', 'QRT_EXPR_SYNTAX', 2, /Unexpected character/)
    fails('', 'QRT_EXPR_SYNTAX', 0, /./)
  })

  it('is refused where it calls what is not supported', () => {
    fails('1 + median(a)', 'QRT_EXPR_UNSUPPORTED', 4, /median\(\): unknown; known functions are abs, bool, ceil/)
    fails('a.strip()', 'QRT_EXPR_UNSUPPORTED', 0, /known methods are all, charAt, contains/)
    fails('1 + pow(a, 2)', 'QRT_EXPR_UNSUPPORTED', 4, /last digits differ/)
    fails('a.substring()', 'QRT_EXPR_UNSUPPORTED', 0, /expected 1 to 2 arguments, found 0/)
    fails('a.contains("x", "y")', 'QRT_EXPR_UNSUPPORTED', 0, /expected 1 argument, found 2/)
    fails('size()', 'QRT_EXPR_UNSUPPORTED', 0, /expected 1 argument, found 0/)
    fails('has(a + 1)', 'QRT_EXPR_UNSUPPORTED', 0, /one field/)
    fails('a == b"x"', 'QRT_EXPR_UNSUPPORTED', 5, /literals/)
    fails('{1: 2}', 'QRT_EXPR_UNSUPPORTED', 1, /in quotes/)
    fails('a.toString()', 'QRT_EXPR_UNSUPPORTED', 0, /unknown/)
  })

  it('is bounded in length, breadth and depth', () => {
    fails(`"${'x'.repeat(5000)}"`, 'QRT_EXPR_TOO_LARGE', 4096, /at most 4096/)
    for (const source of [
      `${'('.repeat(200)}1${')'.repeat(200)}`,
      `[${'1,'.repeat(1500)}1]`,
      `1${' + 1'.repeat(500)}`,
      `${'!'.repeat(500)}true`,
      `a${'.b'.repeat(1000)}`,
    ]) {
      assert.throws(() => evaluate(source), { code: 'QRT_EXPR_TOO_LARGE' })
    }
    assert.equal(evaluate(`1${' + 1'.repeat(100)}`), 101)
  })

  it('never lets an engine error through', () => {
    const operand = fc.constantFrom('a', 'b.c', 'list', '"x"', '1', '2.5', 'null', 'true', '[1]', '{"k": 1}', 'missing')
    const operator = fc.constantFrom('+', '-', '*', '/', '%', '<', '>=', '==', '!=', 'in', '&&', '||')
    const { source } = fc.letrec<{ source: string }>((tie) => ({
      source: fc.oneof(
        { depthSize: 'small' },
        operand,
        fc.tuple(tie('source'), operator, tie('source')).map((parts) => `(${parts.join(' ')})`),
        fc.tuple(tie('source'), tie('source'), tie('source')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
        fc
          .tuple(fc.constantFrom('size', 'int', 'string', 'double', '!', '-'), tie('source'))
          .map(([f, a]) => `${f}(${a})`),
        fc.tuple(tie('source'), tie('source')).map(([a, b]) => `(${a})[${b}]`),
      ),
    }))
    const record = fc.constantFrom('{"a":1,"b":{"c":"x"},"list":[1,2]}', '{"a":9007199254740993,"b":{},"list":"x"}')
    fc.assert(
      fc.property(source, record, (text, value) => {
        const result = evaluate(text, value)
        assert.notEqual(result, undefined)
        assert.ok(typeof result !== 'number' || (Number.isFinite(result) && !Object.is(result, -0)))
      }),
      { seed: 13, numRuns: propertyRuns(2000) },
    )
  })
})
