/**
 * Aggregates that are more than numbers, each against a slow obvious twin; and what holds for all of them: the order in which
 * values come, and how they are grouped on the way, change neither the result nor a byte of the state.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { AggregateState, RecordPlace } from '../../../operators/aggregates/state.ts'
import { stateMaker, takes } from '../../../operators/aggregates/states.ts'
import { canonicalJson, type Value } from '../../../operators/json.ts'
import { murmur3 } from '../../../operators/murmur3.ts'
import type { AggregatePlan } from '../../../operators/plan.ts'
import { StateReader, StateWriter } from '../../../operators/snapshot.ts'
import { magnitude, neighbour, unitsOf } from '../doubles.ts'

interface Given {
  readonly value: Value
  readonly place: RecordPlace
}

type Kind = AggregatePlan['kind']

const makerOf = (kind: Kind, parameter?: number): (() => AggregateState) =>
  stateMaker({ name: 'a', kind, ...(parameter === undefined ? {} : { parameter }) })!

function bytesOf(state: AggregateState): Uint8Array {
  const writer = new StateWriter()
  state.write(writer)
  return writer.written().slice()
}

function mergeInto(state: AggregateState, bytes: Uint8Array): void {
  const reader = new StateReader(bytes)
  state.merge(reader)
  reader.end()
}

function stateOf(make: () => AggregateState, given: readonly Given[]): AggregateState {
  const state = make()
  for (const { value, place } of given) state.add(value, place)
  return state
}

const resultOf = (make: () => AggregateState, values: readonly Value[]): unknown =>
  JSON.parse(
    stateOf(
      make,
      values.map((value, offset) => ({ value, place: { time: 0, partition: 0, offset, index: 0 } })),
    ).result(),
  )

const place = fc.record({
  time: fc.integer({ min: -5, max: 5 }),
  partition: fc.nat(2),
  offset: fc.nat(20),
  index: fc.nat(2),
})
const number = fc.oneof(
  fc.integer({ min: -100, max: 100 }),
  fc.integer({ min: -1000, max: 1000 }).map((cents) => cents / 100),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
  fc.bigInt({ min: -(2n ** 80n), max: -(2n ** 53n) }),
)
const anything = fc.oneof(
  number,
  fc.string({ maxLength: 4, unit: 'grapheme' }),
  fc.boolean(),
  fc.constant<Value>([1, 'é']),
)
const ranked = fc.tuple(
  fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    anything.filter((value) => !Array.isArray(value)),
  ),
  anything,
)
const givenOf = (kind: Kind, maxLength: number): fc.Arbitrary<Given[]> =>
  fc.uniqueArray(
    fc.record({
      value: takes(kind) === 'number' ? number : takes(kind) === 'ranked' ? ranked : anything,
      place,
    }) as fc.Arbitrary<Given>,
    {
      maxLength,
      selector: (given) => `${given.place.partition}/${given.place.offset}/${given.place.index}`,
    },
  )

const KINDS: readonly (readonly [kind: Kind, parameter?: number])[] = [
  ['variance'],
  ['stddev'],
  ['first'],
  ['last'],
  ['collect', 3],
  ['collect', 100],
  ['topK', 3],
  ['countDistinct'],
  ['maxBy'],
  ['minBy'],
  ['topBy', 3],
  ['quantile', 0],
  ['quantile', 0.9],
]

describe('any state', () => {
  for (const [kind, parameter] of KINDS) {
    it(`of ${kind}${parameter === undefined ? '' : ` ${parameter}`} is the same bytes in any order and grouping`, () => {
      const make = makerOf(kind, parameter)
      fc.assert(
        fc.property(
          givenOf(kind, 30).chain((given) =>
            fc.record({
              given: fc.constant(given),
              shuffled: fc.shuffledSubarray(given, { minLength: given.length }),
              groups: fc.array(fc.nat(3), { minLength: given.length, maxLength: given.length }),
            }),
          ),
          ({ given, shuffled, groups }) => {
            const whole = stateOf(make, given)
            const merged = make()
            for (let group = 0; group <= 3; group++) {
              mergeInto(
                merged,
                bytesOf(
                  stateOf(
                    make,
                    shuffled.filter((_, i) => groups[i] === group),
                  ),
                ),
              )
            }
            assert.deepEqual(bytesOf(merged), bytesOf(whole))
            assert.equal(merged.result(), whole.result())
            const restored = make()
            mergeInto(restored, bytesOf(whole))
            assert.deepEqual(bytesOf(restored), bytesOf(whole))
            assert.equal(restored.result(), canonicalJson(JSON.parse(restored.result(), big) as Value))
          },
        ),
        { seed: 21, numRuns: 150 },
      )
    })
  }
})

/** Integers beyond 2^53 read back as they are; objects are not among the values here. */
function big(_: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && source !== undefined && /^-?\d{16,}$/.test(source) && !Number.isSafeInteger(value)
    ? BigInt(source)
    : value
}

describe('variance', () => {
  it('is that of a sample: of 2, 4, 4, 4, 5, 5, 7, 9 it is 32/7', () => {
    assert.equal(resultOf(makerOf('variance'), [2, 4, 4, 4, 5, 5, 7, 9]), 32 / 7)
    assert.equal(resultOf(makerOf('stddev'), [2, 4, 4, 4, 5, 5, 7, 9]), Math.sqrt(32 / 7))
  })

  it('needs two numbers', () => {
    assert.equal(resultOf(makerOf('variance'), [7]), null)
    assert.equal(resultOf(makerOf('stddev'), []), null)
  })

  it('does not lose small differences of large numbers, as sums of squares in doubles do', () => {
    assert.equal(resultOf(makerOf('variance'), [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]), 30)
    assert.equal(resultOf(makerOf('variance'), [0.1, 0.1, 0.1]), 0)
  })

  it('is the nearest double to the exact one', () => {
    fc.assert(
      fc.property(givenOf('variance', 12), (given) => {
        const result = JSON.parse(stateOf(makerOf('variance'), given).result()) as number | null
        const n = BigInt(given.length)
        if (n < 2n) return assert.equal(result, null)
        const units = given.map(({ value }) => unitsOf(value as number | bigint))
        const sum = units.reduce((all, one) => all + one, 0n)
        const squares = units.reduce((all, one) => all + one * one, 0n)
        const numerator = n * squares - sum * sum
        const denominator = n * (n - 1n) * 2n ** 1074n
        if (result === null) {
          return assert.ok(numerator > unitsOf(Number.MAX_VALUE) * denominator, 'null is beyond the doubles')
        }
        const distance = (x: number) => magnitude(unitsOf(x) * denominator - numerator)
        for (const next of [neighbour(result, 1), neighbour(result, -1)]) {
          if (Number.isFinite(next)) assert.ok(distance(result) <= distance(next), `${result} is nearer than ${next}`)
        }
      }),
      { seed: 22, numRuns: 400 },
    )
  })
})

const inOrder = (given: readonly Given[]): readonly Given[] =>
  [...given].sort(
    ({ place: a }, { place: b }) =>
      a.time - b.time || a.partition - b.partition || a.offset - b.offset || a.index - b.index,
  )

describe('first, last and collect', () => {
  const texts = (given: readonly Given[]) => given.map(({ value }) => canonicalJson(value))

  it('go by time, then source partition, then offset', () => {
    fc.assert(
      fc.property(givenOf('collect', 20), fc.integer({ min: 1, max: 8 }), (given, limit) => {
        const sorted = texts(inOrder(given))
        assert.equal(stateOf(makerOf('first'), given).result(), sorted[0] ?? 'null')
        assert.equal(stateOf(makerOf('last'), given).result(), sorted.at(-1) ?? 'null')
        assert.equal(stateOf(makerOf('collect', limit), given).result(), `[${sorted.slice(0, limit).join(',')}]`)
      }),
      { seed: 23, numRuns: 200 },
    )
  })
})

describe('the k greatest', () => {
  it('are the first of all, sorted', () => {
    fc.assert(
      fc.property(givenOf('topK', 20), fc.integer({ min: 1, max: 5 }), (given, limit) => {
        const numbers = given.map(({ value }) => value as number | bigint)
        numbers.sort((a, b) => (a < b ? 1 : a > b ? -1 : Number(typeof b === 'bigint') - Number(typeof a === 'bigint')))
        assert.equal(stateOf(makerOf('topK', limit), given).result(), canonicalJson(numbers.slice(0, limit)))
      }),
      { seed: 24, numRuns: 200 },
    )
  })
})

describe('a distinct count', () => {
  it('is exact up to 256 values, whatever they are', () => {
    fc.assert(
      fc.property(givenOf('countDistinct', 60), (given) => {
        const twin = new Set(given.map(({ value }) => canonicalJson(value)))
        assert.equal(stateOf(makerOf('countDistinct'), given).result(), String(twin.size))
      }),
      { seed: 25, numRuns: 100 },
    )
    const values = Array.from({ length: 256 }, (_, i) => `user-${i}`)
    assert.equal(resultOf(makerOf('countDistinct'), [...values, ...values]), 256)
  })

  it('is within 5 % beyond, three standard errors', () => {
    for (const size of [257, 1_000, 5_000, 20_000, 100_000]) {
      for (const name of ['a', 'b', 'c']) {
        const values = Array.from({ length: size }, (_, i) => `${name}${i}`)
        const found = resultOf(makerOf('countDistinct'), values) as number
        assert.ok(Math.abs(found - size) <= 0.05 * size, `${found} of ${size}`)
      }
    }
  })

  it('keeps hashes or registers by how many there were, not by how they came', () => {
    const given = Array.from({ length: 300 }, (_, i) => ({
      value: i,
      place: { time: 0, partition: 0, offset: i, index: 0 },
    }))
    const make = makerOf('countDistinct')
    const whole = bytesOf(stateOf(make, given))
    const [first, second] = [given.slice(0, 150), given.slice(100)].map((part) => bytesOf(stateOf(make, part)))
    for (const order of [
      [first!, second!],
      [second!, first!],
    ]) {
      const merged = make()
      for (const bytes of order) mergeInto(merged, bytes)
      assert.deepEqual(bytesOf(merged), whole)
    }
  })

  it('hashes as MurmurHash3 does (its published values)', () => {
    const hash = (text: string, seed: number) => murmur3(Buffer.from(text), seed)
    assert.equal(hash('', 0), 0)
    assert.equal(hash('', 1), 0x514e28b7)
    assert.equal(hash('', 0xffffffff), 0x81f16f39)
    assert.equal(hash('\0\0\0\0', 0), 0x2362f9de)
    assert.equal(hash('aaaa', 0x9747b28c), 0x5a97808a)
    assert.equal(hash('aaa', 0x9747b28c), 0x283e0130)
    assert.equal(hash('Hello, world!', 0x9747b28c), 0x24884cba)
  })
})

describe('a quantile', () => {
  it('is within 1 % of the number at its rank', () => {
    const real = fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.double({ min: 1e-6, max: 1e9, noNaN: true }))
    const quantiles = fc.constantFrom(0, 0.1, 0.5, 0.99, 1)
    fc.assert(
      fc.property(fc.array(real, { minLength: 1, maxLength: 40 }), quantiles, (values, quantile) => {
        const sorted = [...values].sort((a, b) => a - b)
        const twin = sorted[Math.floor(quantile * (sorted.length - 1))]! + 0
        const found = resultOf(makerOf('quantile', quantile), values) as number
        assert.ok(Math.abs(found - twin) <= 0.01 * Math.abs(twin), `${found} for ${twin}`)
      }),
      { seed: 26, numRuns: 400 },
    )
  })

  it('of nothing is null, and of equal numbers that number', () => {
    assert.equal(resultOf(makerOf('quantile', 0.5), []), null)
    assert.equal(resultOf(makerOf('quantile', 0.5), [5.37, 5.37, 5.37]), 5.37)
  })

  it('counts what is 2^64 times smaller than the greatest as zero, and stays small', () => {
    assert.ok(Math.abs((resultOf(makerOf('quantile', 0.5), [1e-10, 1, 1e12]) as number) - 1) < 0.01)
    assert.equal(resultOf(makerOf('quantile', 0.4), [-1, 1e-10, 1, 1e12]), 0)
    const spread = Array.from({ length: 30_000 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 1.02 ** (i - 15_000))
    const given = spread.map((value, offset) => ({ value, place: { time: 0, partition: 0, offset, index: 0 } }))
    assert.ok(bytesOf(stateOf(makerOf('quantile', 0.5), given)).length < 64 * 1024)
  })

  it('takes integers beyond the doubles as the greatest double', () => {
    assert.equal(resultOf(makerOf('quantile', 1), [10n ** 400n]), Number.MAX_VALUE)
  })
})

describe('values by rank', () => {
  const kindOf = (by: unknown): number => (typeof by === 'string' ? 1 : typeof by === 'boolean' ? 2 : 0)
  const before = (a: readonly Value[], b: readonly Value[]): number => {
    const [x, y] = [a[0] as number, b[0] as number]
    return kindOf(x) - kindOf(y) || (x < y ? -1 : x > y ? 1 : 0)
  }

  it('are those of the greatest ranks, of equal ones the earliest', () => {
    fc.assert(
      fc.property(givenOf('topBy', 20), fc.integer({ min: 1, max: 8 }), (given, limit) => {
        const pairs = inOrder(given).map(({ value }) => value as readonly Value[])
        const greatest = pairs.toSorted((a, b) => before(b, a)).map(([, value]) => canonicalJson(value))
        const least = pairs.toSorted(before).map(([, value]) => canonicalJson(value))
        assert.equal(stateOf(makerOf('topBy', limit), given).result(), `[${greatest.slice(0, limit).join(',')}]`)
        assert.equal(stateOf(makerOf('maxBy'), given).result(), greatest[0] ?? 'null')
        assert.equal(stateOf(makerOf('minBy'), given).result(), least[0] ?? 'null')
      }),
      { seed: 29, numRuns: 300 },
    )
  })
})
