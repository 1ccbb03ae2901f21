/** What a cut's records hash to, whatever their sizes and however they came in batches. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { InputDigest } from '../../src/replica/input-digest.ts'

interface Taken {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

const batchOf = (records: readonly Taken[]) => ({
  length: records.length,
  offset: (i: number) => i,
  timestamp: () => 0,
  key: (i: number) => records[i]?.key ?? null,
  value: (i: number) => records[i]?.value ?? null,
})

/** Length by length and byte by byte. */
function twin(records: readonly Taken[]): string {
  const hash = createHash('sha256')
  for (const { key, value } of records) {
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32BE(key?.length ?? 0xffff_ffff, 0)
    lengths.writeUInt32BE(value?.length ?? 0xffff_ffff, 4)
    hash
      .update(lengths)
      .update(key ?? Buffer.alloc(0))
      .update(value ?? Buffer.alloc(0))
  }
  return hash.digest('hex')
}

/** Most are small; some do not fit into any buffer, and some just do. */
const bytes = fc
  .tuple(
    fc.oneof({ weight: 6, arbitrary: fc.nat(300) }, fc.nat(3_000), fc.integer({ min: 131_060, max: 131_080 })),
    fc.nat(255),
  )
  .map(([length, fill]) => new Uint8Array(length).fill(fill))
const record = fc.record({ key: fc.option(bytes), value: fc.option(bytes) })

describe('the digest of the input of a cut', () => {
  it('is that of the lengths and bytes of its records, cut after cut', () => {
    fc.assert(
      fc.property(fc.array(fc.array(record, { maxLength: 30 }), { maxLength: 4 }), (cuts) => {
        const digest = new InputDigest()
        for (const records of cuts) {
          const middle = records.length >> 1
          digest.add(batchOf(records), 0, middle)
          digest.add(batchOf(records), middle, records.length)
          assert.equal(digest.take(), twin(records))
        }
      }),
      { seed: 5, numRuns: 60 },
    )
  })
})
