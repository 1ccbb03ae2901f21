import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { addRecord, emptyGroup, layOut, resultOf } from '../../operators/aggregate.ts'
import { mergeGroup, writeGroup } from '../../operators/aggregate-codec.ts'
import type { Value } from '../../operators/json.ts'
import type { AggregatePlan } from '../../operators/plan.ts'
import { StateReader, StateWriter } from '../../operators/snapshot.ts'
import { GroupTable } from '../../operators/window-table.ts'
import { magnitude, neighbour, unitsOf } from './doubles.ts'
import { propertyRuns } from './property-runs.ts'

/** `result` is the double nearest to numerator / denominator (in units of 2^-1074), and the even one of two nearest. */
function assertNearest(result: unknown, numerator: bigint, denominator: bigint): void {
  assert.equal(typeof result, 'number')
  const distance = (x: number) => magnitude(unitsOf(x) * denominator - numerator)
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, result as number)
  const even = view.getBigInt64(0) % 2n === 0n
  for (const other of [neighbour(result as number, 1), neighbour(result as number, -1)]) {
    if (!Number.isFinite(other)) continue
    const [mine, theirs] = [distance(result as number), distance(other)]
    assert.ok(mine < theirs || (mine === theirs && even), `${result} is not the nearest, ${other} is nearer`)
  }
}

const KINDS: readonly AggregatePlan['kind'][] = ['sum', 'avg', 'min', 'max']
const SLOTS = layOut(
  KINDS.map((kind) => ({ name: kind, kind })),
  [0, 0, 0, 0],
)

function tableOf(values: readonly Value[]): GroupTable {
  const table = new GroupTable(emptyGroup(SLOTS))
  const base = table.at('')
  for (const value of values) addRecord(SLOTS, table, base, [value])
  return table
}

const bytesOf = (table: GroupTable): Uint8Array => {
  const writer = new StateWriter()
  writeGroup(SLOTS, table, 0, writer)
  return writer.written().slice()
}

const results = (table: GroupTable): Value[] => SLOTS.map((slot) => resultOf(slot, table, 0))

const anyDouble = fc.double({ noNaN: true, noDefaultInfinity: true })
const price = fc.integer({ min: -1e7, max: 1e7 }).map((cents) => cents / 100)
const anyNumber = fc.oneof(
  price,
  fc.integer(),
  fc.maxSafeInteger(),
  anyDouble,
  fc.constantFrom(1e300, -1e300, 1e-300, 5e-324, -0, 0, 1e16, -1e16, 1.7976931348623157e308),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).filter((x) => magnitude(x) > 2n ** 53n),
)

describe('a sum', () => {
  it('of 0.1 ten times is the correctly rounded exact sum', () => {
    const [sum, avg] = results(tableOf(Array(10).fill(0.1)))
    assert.equal(sum, 1)
    assert.equal(avg, 0.1)
  })

  it('loses nothing to cancellation', () => {
    assert.equal(results(tableOf([1e300, 1, 1e-300, -1e300]))[0], 1)
    assert.equal(results(tableOf([1e308, 1e308, -1e308, -1e308, 0.5]))[0], 0.5)
  })

  it('of integers stays an exact integer beyond 2^53', () => {
    assert.equal(results(tableOf([9007199254740991, 2]))[0], 9007199254740993n)
    assert.equal(results(tableOf([9007199254740993n, -2]))[0], 9007199254740991)
    assert.equal(results(tableOf(Array(1000).fill(Number.MAX_SAFE_INTEGER)))[0], 9007199254740991000n)
  })

  it('of a bigint and a fraction is a double', () => {
    assert.equal(results(tableOf([9007199254740993n, 0.5]))[0], 9007199254740994)
  })

  it('beyond the doubles has no number', () => {
    assert.deepEqual(results(tableOf([1.7976931348623157e308, 1.7976931348623157e308]))[0], null)
  })

  it('of nothing is 0, and avg, min and max of nothing are null; nulls are skipped', () => {
    assert.deepEqual(results(tableOf([null])), [0, null, null, null])
    assert.deepEqual(results(tableOf([null, 4, null])), [4, 4, 4, 4])
  })

  it('is never -0', () => {
    for (const values of [[-0], [-0, -0], [-1, 1], [-0, 0]]) {
      for (const result of results(tableOf(values))) assert.ok(!Object.is(result, -0))
    }
  })
})

describe('sum, avg, min and max', () => {
  it('equal exact fractions rounded once', () => {
    fc.assert(
      fc.property(fc.array(anyNumber, { minLength: 1, maxLength: 30 }), (values) => {
        const exact = values.reduce<bigint>((sum, value) => sum + unitsOf(value), 0n)
        const [sum, avg, min, max] = results(tableOf(values))
        const integers = values.every((value) => typeof value === 'bigint' || Number.isSafeInteger(value))
        if (integers) assert.equal(BigInt(sum as number), exact / 2n ** 1074n)
        else if (sum !== null) assertNearest(sum, exact, 1n)
        else assert.ok(magnitude(exact) > unitsOf(Number.MAX_VALUE))
        assertNearest(avg, exact, BigInt(values.length))
        const sorted = values.map(unitsOf).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
        assert.equal(unitsOf(min as number), sorted[0])
        assert.equal(unitsOf(max as number), sorted.at(-1))
      }),
      { seed: 1, numRuns: propertyRuns(500) },
    )
  })

  it('round the average of many prices once', () => {
    fc.assert(
      fc.property(fc.array(price, { minLength: 2, maxLength: 200 }), (values) => {
        const exact = values.reduce<bigint>((sum, value) => sum + unitsOf(value), 0n)
        assertNearest(results(tableOf(values))[1], exact, BigInt(values.length))
      }),
      { seed: 2, numRuns: propertyRuns(300) },
    )
  })

  it('have the same bytes in any order and grouping', () => {
    const shuffled = fc
      .array(anyNumber, { maxLength: 20 })
      .chain((values) =>
        fc.tuple(
          fc.constant(values),
          fc.shuffledSubarray(values, { minLength: values.length }),
          fc.array(fc.nat(19), { maxLength: 4 }),
        ),
      )
    fc.assert(
      fc.property(shuffled, ([values, other, splits]) => {
        const merged = tableOf([])
        const bounds = [0, ...splits.map((at) => Math.min(at, other.length)), other.length].sort((a, b) => a - b)
        for (let i = 1; i < bounds.length; i++) {
          const part = bytesOf(tableOf(other.slice(bounds[i - 1], bounds[i])))
          mergeGroup(SLOTS, merged, 0, new StateReader(part))
        }
        assert.deepEqual(bytesOf(merged), bytesOf(tableOf(values)))
        assert.deepEqual(results(merged), results(tableOf(values)))
      }),
      { seed: 3, numRuns: propertyRuns(500) },
    )
  })
})
