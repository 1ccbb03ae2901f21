import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { leafDigest, merklePath, merkleRoot, rootFromPath } from '../../mesh/index.ts'
import { decodeDestinations, decodeSlice, encodeDestinations, encodeSlice } from '../../src/commit/slice.ts'
import { QuorateError } from '../../src/errors.ts'
import { batch, identity, oneBody } from '../contract/sink-batches.ts'

const { certificate } = batch(identity(), { seq: 7, part: 1 }, undefined, [], oneBody)
const bytes = fc.uint8Array({ maxLength: 40 })
const SEED = { seed: 20010101 }

describe('a slice of a shuffle', () => {
  it('comes back from its bytes as it was', () => {
    fc.assert(
      fc.property(bytes, fc.nat(63), fc.nat(63), (body, destination, leaves) => {
        const path = [leafDigest('left'), leafDigest('right')]
        const slice = decodeSlice(encodeSlice({ destination, leaves, path, certificate, body }))
        assert.deepEqual(
          { ...slice, certificate: undefined },
          { destination, leaves, path, certificate: undefined, body },
        )
        assert.equal(slice.certificate.content.seq, 7)
        assert.equal(slice.certificate.content.unit, identity().unit)
      }),
      SEED,
    )
  })

  it('leads from its own body to the certified root, and no other body does', () => {
    const leaves = ['first', '', 'third', 'dead letters'].map((text) => new Uint8Array(Buffer.from(text)))
    const digests = leaves.map(leafDigest)
    const path = merklePath(digests, 2)
    const slice = decodeSlice(encodeSlice({ destination: 2, leaves: 4, path, certificate, body: leaves[2]! }))
    const rootOf = (body: Uint8Array) => rootFromPath(leafDigest(body), slice.destination, slice.leaves, slice.path)
    assert.equal(rootOf(slice.body), merkleRoot(digests))
    assert.notEqual(rootOf(leaves[0]!), merkleRoot(digests))
  })

  it('is refused with its own code, whatever the bytes are', () => {
    const whole = encodeSlice({ destination: 0, leaves: 1, path: [], certificate, body: new Uint8Array(3) })
    const refused = (wrong: Uint8Array, why: RegExp) =>
      assert.throws(() => decodeSlice(wrong), { code: 'QRT_CERTIFICATE_INVALID', message: why })
    refused(new Uint8Array(), /expected version 1/)
    refused(whole.subarray(0, 40), /torn at byte/)
    refused(new Uint8Array([2, ...whole.subarray(1)]), /expected version 1, found 2/)
    refused(
      encodeSlice({ destination: 0, leaves: 1, path: [], certificate: Buffer.from('{}'), body: new Uint8Array() }),
      /there is no certificate/,
    )
    refused(
      encodeSlice({ destination: -1, leaves: 1, path: [], certificate, body: new Uint8Array() }),
      /expected the destination/,
    )
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const damaged = whole.slice()
        damaged[at] = value
        try {
          decodeSlice(damaged)
        } catch (error) {
          assert.ok(error instanceof QuorateError && error.code === 'QRT_CERTIFICATE_INVALID', String(error))
        }
      }),
      SEED,
    )
  })
})

describe('the bodies of a batch for a shuffle', () => {
  it('come back from their bytes as they were, empty ones too', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 9 }), (leaves) => {
        assert.deepEqual(decodeDestinations(encodeDestinations(leaves)), leaves)
      }),
      SEED,
    )
  })

  it('are refused when they are torn', () => {
    const torn = encodeDestinations([new Uint8Array(5)]).subarray(0, 7)
    assert.throws(() => decodeDestinations(torn), /torn at byte 0/)
  })
})
