/** Aggregates are written as calls; their arguments are expressions of their own, taken as they stand. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseAggregateCall } from '../../operators/expression/call.ts'

describe('an aggregate call', () => {
  const cases: [string, string, string[]][] = [
    ['count()', 'count', []],
    ['count(delay > 15)', 'count', ['delay > 15']],
    [' sum( (a + b) * c ) ', 'sum', ['(a + b) * c']],
    ['avg(price, (a || b))', 'avg', ['price', '(a || b)']],
    ['max("a,b" == x ? 1 : f(2, 3), [1, 2][0],)', 'max', ['"a,b" == x ? 1 : f(2, 3)', '[1, 2][0]']],
    ['min(a // one, two\n, b // three )\n)', 'min', ['a // one, two', 'b // three )']],
    ['sum // (\n (a)', 'sum', ['a']],
  ]
  for (const [source, name, args] of cases) {
    it(`gives the name and arguments of ${JSON.stringify(source)}`, () => {
      assert.deepEqual(parseAggregateCall(source), { name, args })
    })
  }

  it('is not anything else', () => {
    for (const source of ['a', 'count() + 1', 'a.count()', '-sum(x)', '[sum(x)]']) {
      assert.equal(parseAggregateCall(source), undefined, source)
    }
    assert.throws(() => parseAggregateCall('sum(a'), { code: 'QRT_EXPR_SYNTAX' })
  })
})
