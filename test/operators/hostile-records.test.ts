/** Whatever a record's bytes are, they are values or a dead letter, at once: no record may stop a peer that votes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FormatPlan } from '../../operators/index.ts'
import { leastTime, MOST_MS } from '../hostile/measure.ts'
import { filledWith, PIECES, RECORD_FORMATS, SIZES } from '../hostile/records.ts'
import { readAll, SEED } from './formats.ts'
import { propertyRuns } from './property-runs.ts'

function readInTime(format: FormatPlan, record: Uint8Array): void {
  const { ms, result } = leastTime(() => readAll(format, record, ['a'], ['m', 'x']))
  assert.ok(ms < MOST_MS, `${ms} ms for ${record.length} bytes`)
  assert.ok(Array.isArray(result) || /^QRT_RECORD_/.test(String(result)), String(result))
}

describe('hostile records', () => {
  for (const [name, format] of RECORD_FORMATS) {
    it(`of ${name}: any bytes are values or a dead letter`, () => {
      const piece = fc.constantFrom(...PIECES).map((each) => Buffer.from(each as string))
      const chunk = fc.oneof(
        piece,
        fc.uint8Array({ maxLength: 8 }).map((random) => Buffer.from(random)),
      )
      fc.assert(
        fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
          readInTime(format, Buffer.concat(chunks))
        }),
        { seed: SEED, numRuns: propertyRuns(2_000) },
      )
    })

    it(`of ${name}: repeated without end, they take no longer than ${MOST_MS} ms`, () => {
      for (const piece of PIECES) for (const size of SIZES) readInTime(format, filledWith(piece, size))
    })
  }
})
