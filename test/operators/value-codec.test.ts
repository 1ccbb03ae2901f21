import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { OperatorError, Value } from '../../operators/index.ts'
import { StateReader, StateWriter } from '../../operators/snapshot.ts'
import { readValue, writeValue } from '../../operators/value-codec.ts'
import { propertyRuns } from './property-runs.ts'

const bytesOf = (value: Value): Uint8Array => {
  const writer = new StateWriter()
  writeValue(value, writer)
  return writer.written().slice()
}
const back = (value: Value): Value => {
  const reader = new StateReader(bytesOf(value))
  const read = readValue(reader)
  reader.end()
  return read
}

const scalars = fc.oneof(
  fc.constantFrom<Value>(null, undefined, true, false, 0, 2 ** 51, -(2 ** 51), 9007199254740993n, -(2n ** 70n)),
  fc.integer(),
  fc.double({ noNaN: true }).map((value) => value + 0),
  fc.string({ unit: 'binary' }),
)
const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(
        fc.tuple(
          fc.string(),
          tie('value').filter((value) => value !== undefined),
        ),
        { maxLength: 4 },
      )
      .map((fields) => new Map(fields)),
  ),
}))

describe('values as bytes', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(values, (value) => assert.deepEqual(back(value), value)),
      { seed: 41, numRuns: propertyRuns(500) },
    )
  })

  it('are the same for objects whose fields came in another order, and for a field that is missing', () => {
    const object = new Map<string, Value>([
      ['b', 1],
      ['a', [2n ** 60n]],
    ])
    assert.deepEqual(bytesOf(object), bytesOf(new Map([...object].reverse())))
    assert.deepEqual(bytesOf(object), bytesOf(new Map([...object, ['c', undefined]])))
  })

  it('tell a number from a text, and one integer from another', () => {
    const texts = [1, '1', 1n, true, null, undefined, [1], [[1]], 1.5].map((value) =>
      Buffer.from(bytesOf(value)).toString('hex'),
    )
    assert.equal(new Set(texts).size, texts.length)
  })

  it('with an unknown tag are corrupt', () => {
    assert.throws(
      () => readValue(new StateReader(Uint8Array.of(99))),
      ({ code }: OperatorError) => code === 'QRT_STATE_CORRUPT',
    )
  })
})
