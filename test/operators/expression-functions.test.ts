/** What the functions of expressions give, where they end, and what they may cost. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ExpressionError } from '../../operators/errors.ts'
import { check, evaluate } from './evaluate.ts'
import { propertyRuns } from './property-runs.ts'

const MISSING = 'QRT_EXPR_MISSING_FIELD'
const TYPE = 'QRT_EXPR_TYPE'
const WORK = 'QRT_EXPR_WORK'

const refused = (source: string, message: RegExp) =>
  assert.throws(
    () => evaluate(source),
    (error) => error instanceof ExpressionError && error.code === 'QRT_EXPR_UNSUPPORTED' && message.test(error.message),
    source,
  )

describe('functions of texts', () => {
  it('count characters, whatever their width', () => {
    check('{"s":"a😀bc😀"}', {
      's.substring(1, 3)': '😀b',
      's.substring(3)': 'c😀',
      's.substring(2, 1)': '',
      's.substring(-3, 99)': 'a😀bc😀',
      's.charAt(1)': '😀',
      's.charAt(9) + s.charAt(-1)': '',
      's.indexOf("b")': 2,
      's.indexOf("😀", 2)': 4,
      's.lastIndexOf("😀")': 4,
      's.indexOf("x")': -1,
      's.reverse()': '😀cb😀a',
      's.substring(0.5)': TYPE,
      's.split("")': ['a', '😀', 'b', 'c', '😀'],
    })
  })

  it('take apart and put together', () => {
    check('{"url":"https://www.nexmark.com/a/b/item.htm?q=1","w":" \\t x y\\n","empty":""}', {
      'url.split("/")[3]': 'a',
      'url.split("/", 2)': ['https:', '/www.nexmark.com/a/b/item.htm?q=1'],
      'url.split("/")[9]': MISSING,
      'url.split("?")[1].replace("q", "query")': 'query=1',
      'url.replace("/", "").size()': 35,
      'url.replace("", "x") == url': true,
      'w.trim()': 'x y',
      'empty.split(",")': [''],
      '["a", "b"].join("-") + ["c"].join()': 'a-bc',
      '[1].join()': TYPE,
      '"xyz".split("", 2)': ['x', 'yz'],
    })
  })

  it('agree with those of JavaScript where every character is one code unit', () => {
    const ascii = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '\t'), maxLength: 12 })
    fc.assert(
      fc.property(ascii, ascii, fc.nat(14), fc.nat(14), (text, part, from, to) => {
        const record = JSON.stringify({ t: text, p: part, from, to })
        check(record, {
          't.indexOf(p, from)': text.indexOf(part, from),
          't.lastIndexOf(p)': text.lastIndexOf(part),
          't.substring(from, to)': text.slice(from, to),
          't.trim()': text.trim(),
          't.split(p).join(p) == t': true,
          't.replace(p, "-")': part === '' ? text : text.replaceAll(part, '-'),
        })
      }),
      { seed: 21, numRuns: propertyRuns(500) },
    )
  })
})

describe('regular expressions', () => {
  it('match anywhere, and give what a match or its group is', () => {
    check('{"url":"https://x.org/?a=1&channel_id=apple&b=2","none":""}', {
      'url.matches("channel_id=[a-z]+")': true,
      'url.matches("^channel")': false,
      'url.extract("channel_id=([^&]*)")': 'apple',
      'url.extract("channel_id=[^&]*")': 'channel_id=apple',
      'url.extract("(\\\\w)=(\\\\d)", 2)': '1',
      'url.extract("(x)?nothing", 1)': null,
      'url.extractAll("\\\\w=(\\\\d)")': ['1', '2'],
      'url.replaceMatches("[0-9]", "$0").endsWith("b=$0")': true,
      'none.matches("^$")': true,
      'missing.matches("a")': MISSING,
      '(1).matches("a")': TYPE,
    })
  })

  it('are refused at once where they are none of RE2, look around, or repeat too much', () => {
    refused('a.matches("[a")', /missing closing \]/)
    refused('a.matches("(?=a)b")', /\(\?=/)
    refused('a.matches("(a)\\\\1")', /invalid escape sequence/)
    refused('a.matches("((a{100}){100}){100}")', /repeat/)
    refused('a.matches("(a?){900}b{900}")', /repeats too much/)
    refused('a.matches(b)', /text in quotes/)
    refused('a.extract("(a)", 2)', /from 0 to 1/)
    refused(`a.matches("${'x'.repeat(300)}")`, /at most 256/)
  })

  it('take time linear in the text where others backtrack, and a bound beyond', () => {
    const text = JSON.stringify({ t: `${'a'.repeat(50_000)}!` })
    for (const pattern of ['(a+)+$', '(a|a)*b', '(.*)(.*)(.*)x', '(a|aa)+$']) {
      assert.equal(evaluate(`t.matches("${pattern}")`, text), false, pattern)
    }
    assert.equal(evaluate(`t.matches("${'x*'.repeat(120)}y")`, text), WORK)
  })
})

describe('functions of numbers', () => {
  it('round, and stay exact', () => {
    check('{"x":2.5,"n":-2.5,"big":9007199254740993,"h":1e20}', {
      'round(x)': 3,
      'round(n)': -3,
      'floor(n)': -3,
      'ceil(n)': -2,
      'trunc(n)': -2,
      'round(-0.2)': 0,
      'abs(n) + abs(-big)': 9_007_199_254_740_994,
      'floor(big)': 9_007_199_254_740_993n,
      'round(h)': 100_000_000_000_000_000_000n,
      'sqrt(16)': 4,
      'sqrt(-1)': TYPE,
      'greatest(1, big, x)': 9_007_199_254_740_993n,
      'least([3, 1, 2])': 1,
      'greatest(null, 2, null)': 2,
      'greatest([])': null,
      'greatest(1, "a")': TYPE,
      'abs("a")': TYPE,
      'bool("true") && !bool("false")': true,
      'bool("yes")': TYPE,
    })
  })
})

describe('coalesce', () => {
  it('is the first value that is there and not null', () => {
    check('{"a":null,"b":{"c":2},"f":false}', {
      'coalesce(a, missing, b.x, b.c)': 2,
      'coalesce(a, missing)': null,
      'coalesce(f, true)': false,
      'coalesce(1 / 0, 2)': 'QRT_EXPR_DIVISION_BY_ZERO',
    })
  })
})

describe('functions of lists', () => {
  it('look at every item under a name of its own', () => {
    check('{"items":[{"p":2,"q":3},{"p":5,"q":1}],"n":[3,1,2,3],"o":{"x":1,"y":2},"item":7}', {
      'items.map(i, i.p * i.q).sum()': 11,
      'items.filter(i, i.p > 2).size()': 1,
      'items.map(i, i.p > 2, i.q)': [1],
      'items.all(i, i.p > 1) && items.exists(i, i.q == 1)': true,
      'n.exists_one(x, x == 3)': false,
      'n.exists_one(x, x == 2)': true,
      'n.map(item, item + 1)': [4, 2, 3, 4],
      'n.map(x, x + item)': [10, 8, 9, 10],
      'n.map(x, n.filter(y, y > x).size())': [0, 3, 2, 0],
      'n.map(x, [10, 20].map(x, x + 1).sum() + x)': [35, 33, 34, 35],
      'o.map(name, name)': ['x', 'y'],
      'items.map(i, has(i.p) && !has(i.z))': [true, true],
      'n.sort()': [1, 2, 3, 3],
      'n.distinct()': [3, 1, 2],
      'n.slice(1, 3)': [1, 2],
      'n.slice(-5)': [3, 1, 2, 3],
      'n.reverse()': [3, 2, 1, 3],
      '[].sum() + [].map(x, x).size()': 0,
      'n.all(x, x)': TYPE,
      '[1, "a"].sort()': TYPE,
      'item.map(x, x)': TYPE,
    })
    assert.throws(() => evaluate('n.map(1, 2)'), { code: 'QRT_EXPR_SYNTAX' })
    refused('n.map(x)', /expected 2 to 3 arguments, found 1/)
  })

  it('absorb errors where another item decides, as && and || do', () => {
    check('{"l":[{"a":1},{}]}', {
      'l.exists(i, i.a == 1)': true,
      'l.exists(i, i.a == 2)': MISSING,
      'l.all(i, i.a == 2)': false,
      'l.all(i, i.a == 1)': MISSING,
    })
  })

  it('have an end to what they may cost, which is the same for the same record', () => {
    const record = JSON.stringify({ l: Array.from({ length: 2_000 }, (_, i) => i), s: 'x'.repeat(1_000) })
    assert.equal(evaluate('l.map(x, l.size()).size()', record), 2_000)
    for (const source of [
      'l.map(x, l.map(y, l.map(z, z)))',
      'l.map(x, s.replace("x", s)).size()',
      's.replace("x", s).replace("x", s).size()',
      `[s].map(a, a${' + a'.repeat(99)})${'.map(a, a + a)'.repeat(12)}`,
      `l${Array.from({ length: 6 }, () => '.map(x, l)').join('')}.map(a, a + a + a + a).map(b, b + b + b + b + b + b + b + b + b)`,
    ]) {
      const began = performance.now()
      const results = [evaluate(source, record), evaluate(source, record)]
      assert.deepEqual(results, [WORK, WORK], source)
      assert.ok(performance.now() - began < 5_000, source)
    }
  })
})

describe('times', () => {
  it('are milliseconds, so that they add and compare as numbers do', () => {
    check('{"at":"2001-02-03T04:05:06.007Z","local":"2001/02/03 04:05","ms":981173106007}', {
      'timestamp(at)': 981_173_106_007,
      'timestamp(ms) == timestamp(at)': true,
      'timestamp(local, "yyyy/MM/dd HH:mm")': 981_173_100_000,
      'timestamp(at) - timestamp(local, "yyyy/MM/dd HH:mm") < duration("1m")': true,
      'isoTime(timestamp(at) + duration("1h30m"))': '2001-02-03T05:35:06.007Z',
      'timestamp("yesterday")': TYPE,
      'timestamp(1e18)': TYPE,
      'duration("soon")': TYPE,
    })
    refused('timestamp(a, "YY")', /unknown letter/)
    refused('timestamp(a, b)', /text in quotes/)
  })

  it('have the parts that calendars give them, in UTC or at an offset', () => {
    check('{"t":981173106007,"old":-1}', {
      't.getFullYear()': 2001,
      't.getMonth()': 1,
      't.getDate()': 3,
      't.getDayOfMonth()': 2,
      't.getDayOfWeek()': 6,
      't.getDayOfYear()': 33,
      't.getHours()': 4,
      't.getHours("+02:30")': 6,
      't.getMinutes("+02:30")': 35,
      't.getDate("-05:00")': 2,
      't.getSeconds() * 1000 + t.getMilliseconds()': 6_007,
      'old.getFullYear()': 1969,
      't.getHours("Europe/Berlin")': TYPE,
      '"x".getHours()': TYPE,
    })
  })
})
