import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MeshError } from '../../../mesh/errors.ts'
import { generateIdentity } from '../../../mesh/identity.ts'
import { decodeWire, encodeWire } from '../../../mesh/transport/codec.ts'
import { Handshake } from '../../../mesh/transport/handshake.ts'
import { Session } from '../../../mesh/transport/session.ts'
import type { Wire } from '../../../mesh/transport/transport.ts'

const key = fc.string({ maxLength: 5 }).filter((text) => text !== '__proto__')
const { wire } = fc.letrec<{ wire: Wire }>((tie) => ({
  wire: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)),
    fc.array(tie('wire'), { maxLength: 20 }),
    fc.array(fc.tuple(key, tie('wire')), { maxLength: 20 }).map((fields) => Object.fromEntries(fields)),
  ),
}))

/** Plain data all the way down: nothing the decoder made has a class of its own. */
function isPlain(value: unknown): boolean {
  if (value === null || ['boolean', 'string'].includes(typeof value)) return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (value instanceof Uint8Array) return Object.getPrototypeOf(value) === Uint8Array.prototype
  if (Array.isArray(value)) return value.every(isPlain)
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value as object).every(isPlain)
}

const onlyMeshErrors = (action: () => unknown): unknown => {
  try {
    return action()
  } catch (error) {
    assert.ok(error instanceof MeshError, String(error))
    return undefined
  }
}

const mutation = fc.record({ at: fc.nat(), xor: fc.integer({ min: 1, max: 255 }), cut: fc.option(fc.nat()) })
function mutate(bytes: Uint8Array, { at, xor, cut }: { at: number; xor: number; cut: number | null }): Uint8Array {
  const copy = new Uint8Array(cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1)))
  if (copy.length > 0) copy[at % copy.length]! ^= xor
  return copy
}

describe('the codec', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(wire, (body) => assert.deepEqual(decodeWire(encodeWire(body)), body)),
      { numRuns: 500, seed: 1 },
    )
  })

  it('leaves out fields that are undefined', () => {
    assert.deepEqual(decodeWire(encodeWire({ a: 1, b: undefined } as unknown as Wire)), { a: 1 })
  })

  it('makes plain data or a MeshError of 2,000 mutated messages and 2,000 of noise', () => {
    const check = (bytes: Uint8Array) => assert.ok(isPlain(onlyMeshErrors(() => decodeWire(bytes)) ?? null))
    fc.assert(
      fc.property(wire, mutation, (body, change) => check(mutate(encodeWire(body), change))),
      { numRuns: 2_000, seed: 2 },
    )
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), check), { numRuns: 2_000, seed: 3 })
  })

  it('refuses a message nested deeper than the bound before it is decoded', () => {
    const nested = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x91), Uint8Array.of(0xc0)])
    assert.ok(Array.isArray(decodeWire(nested(60))))
    assert.throws(() => decodeWire(nested(70)), { code: 'QRT_MESH_FRAME_MALFORMED' })
    assert.throws(() => decodeWire(nested(4_000_000)), { code: 'QRT_MESH_FRAME_MALFORMED' })
  })
})

describe('frames', () => {
  const keys = { send: new Uint8Array(32).fill(1), receive: new Uint8Array(32).fill(1) }

  it('are all refused by a session once a bit of them was changed: 2,000 of them', () => {
    fc.assert(
      fc.property(wire, mutation, (body, change) => {
        const frame = new Session(keys).seal(encodeWire(body))
        assert.throws(() => new Session(keys).open(mutate(frame, change)), MeshError)
      }),
      { numRuns: 2_000, seed: 4 },
    )
  })

  it('of a handshake, mutated, end it with a MeshError and never with an identity', () => {
    const secret = Buffer.from('secret')
    const options = () => {
      const signer = generateIdentity()
      return { signer, secret, self: { id: signer.id, publicKey: signer.publicKey, name: 'x', address: 'ws://h:1' } }
    }
    const here = options()
    const there = options()
    fc.assert(
      fc.property(mutation, fc.constantFrom(0, 1, 2, 3), (change, which) => {
        const dialler = new Handshake('dialler', here)
        const acceptor = new Handshake('acceptor', there)
        let turn = 0
        const pass = (frame: Uint8Array) => (turn++ === which ? mutate(frame, change) : frame)
        const authenticated: string[] = []
        onlyMeshErrors(() => {
          let frame: Uint8Array | undefined = dialler.hello()
          for (const end of [acceptor, dialler, acceptor, dialler]) {
            if (frame === undefined) return
            const { send, done } = end.receive(pass(frame))
            if (done !== undefined) authenticated.push(end === dialler ? 'dialler' : 'acceptor')
            frame = send
          }
        })
        // The acceptor is done before the last frame; nobody else is, and nobody is after an earlier change.
        assert.deepEqual(authenticated, which === 3 ? ['acceptor'] : [])
      }),
      { numRuns: 200, seed: 5 },
    )
  })
})
