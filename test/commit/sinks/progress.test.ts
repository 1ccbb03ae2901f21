import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type CutPosition, comparePositions, leafDigest } from '../../../mesh/index.ts'
import { decodeProgress, encodeProgress } from '../../../src/commit/sinks/progress.ts'
import { lastPosition } from '../../../src/commit/sinks/s3-progress.ts'

const SEED = { seed: 20010103 }
const position = fc.record({ seq: fc.integer({ min: 1, max: 400 }), part: fc.nat(5) }, { noNullPrototype: true })

describe('a progress record', () => {
  it('comes back from its bytes as it was', () => {
    const anyPosition = fc.record({ seq: fc.maxSafeNat(), part: fc.nat(0xffff) }, { noNullPrototype: true })
    fc.assert(
      fc.property(anyPosition, fc.uint8Array({ maxLength: 50 }), (at, record) => {
        const progress = { position: at, outDigest: leafDigest(record), record }
        assert.deepEqual(decodeProgress('sink', encodeProgress(progress)), progress)
      }),
      SEED,
    )
  })

  it('is refused when something else wrote it', () => {
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array(45),
      Buffer.from('not a progress record of any version at all, is it'),
    ]) {
      assert.throws(() => decodeProgress('kafka:rows', bytes), { code: 'QRT_SINK_REFUSED', message: /^kafka:rows: / })
    }
  })
})

describe('the last position among keys in order', () => {
  /** A store of these positions that lists `page` of them at a time, and counts the listings. */
  function store(positions: readonly CutPosition[], page: number) {
    const keys = positions.toSorted(comparePositions)
    const counted = { listings: 0 }
    const listAfter = async (after: CutPosition | undefined) => {
      counted.listings += 1
      const rest = keys.filter((each) => after === undefined || comparePositions(each, after) > 0)
      const listed = rest.slice(0, page)
      return { last: listed.at(-1), count: listed.length, more: rest.length > page }
    }
    return { counted, listAfter, last: keys.at(-1) }
  }

  it('is that of the last key, whatever the gaps, the parts and the page', async () => {
    const positions = fc.uniqueArray(position, { maxLength: 60, selector: ({ seq, part }) => `${seq}/${part}` })
    await fc.assert(
      fc.asyncProperty(positions, fc.integer({ min: 1, max: 9 }), async (all, page) => {
        const { listAfter, last } = store(all, page)
        assert.deepEqual(await lastPosition(listAfter), last)
      }),
      SEED,
    )
  })

  it('is found among very many keys in few listings', async () => {
    const many = Array.from({ length: 50_000 }, (_, i) => ({ seq: i + 1, part: 0 }))
    const { counted, listAfter, last } = store(many, 100)
    assert.deepEqual(await lastPosition(listAfter), last)
    assert.ok(counted.listings <= 40, `${counted.listings} listings for 500 pages`)
  })
})
