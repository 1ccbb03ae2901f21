/** What every Transport does. Run on WebSockets and on the simulated network. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { PeerIdentity, Transport, TransportEvent, Wire } from '../../mesh/transport/transport.ts'

export interface TransportHarness {
  create(name: string): Transport
  /** An address where nobody listens. */
  readonly nowhere: string
  /** Waits until the condition holds, moving simulated time where there is one. */
  until(what: string, condition: () => boolean): Promise<void>
}

export interface Watched {
  readonly transport: Transport
  readonly self: PeerIdentity
  readonly events: TransportEvent[]
}

export async function watched(transport: Transport): Promise<Watched> {
  const events: TransportEvent[] = []
  const self = await transport.start((event) => events.push(event))
  return { transport, self, events }
}

export const messagesOf = ({ events }: Watched) =>
  events.flatMap((event) => (event.kind === 'message' ? [event.body] : []))
export const refusalsOf = ({ events }: Watched) =>
  events.flatMap((event) => (event.kind === 'refused' ? [event.error.code] : []))

export function transportContract(name: string, createHarness: () => TransportHarness): void {
  describe(`${name}: transport contract`, () => {
    let harness: TransportHarness
    let a: Watched
    let b: Watched
    beforeEach(async () => {
      harness = createHarness()
      a = await watched(harness.create('a'))
      b = await watched(harness.create('b'))
    })
    afterEach(async () => {
      await a.transport.close()
      await b.transport.close()
    })
    const connected = async () => {
      a.transport.dial(b.self.address)
      await harness.until('both are connected', () => a.transport.peers.size === 1 && b.transport.peers.size === 1)
    }

    it('connects both ends, and each knows who the other is', async () => {
      await connected()
      assert.deepEqual(a.transport.peers.get(b.self.id), b.self)
      assert.deepEqual(b.transport.peers.get(a.self.id), a.self)
      assert.deepEqual(a.events, [{ kind: 'connected', peer: b.self }])
      assert.deepEqual(b.events, [{ kind: 'connected', peer: a.self }])
    })

    it('delivers plain data in order, both ways, under the right name', async () => {
      await connected()
      const bodies: Wire[] = [
        { t: 'x', n: 1.5, negative: -3, big: 2 ** 52, none: null, list: [true, 'é', { deep: [] }] },
        new Uint8Array([1, 2, 3]),
        'text',
        { bytes: new Uint8Array(100_000).fill(7) },
      ]
      for (let i = 0; i < 200; i++) bodies.push(i)
      for (const body of bodies) {
        assert.equal(a.transport.send(b.self.id, body), true)
        assert.equal(b.transport.send(a.self.id, body), true)
      }
      await harness.until(
        'all arrive',
        () => messagesOf(a).length === bodies.length && messagesOf(b).length === bodies.length,
      )
      assert.deepEqual(messagesOf(a), bodies)
      assert.deepEqual(messagesOf(b), bodies)
      for (const event of b.events) if (event.kind === 'message') assert.ok(event.from === a.self.id && event.bytes > 0)
    })

    it('drops what is sent to a peer that is not connected', () => {
      assert.equal(a.transport.send(b.self.id, 'lost'), false)
      assert.equal(a.transport.send(a.self.id, 'to itself'), false)
    })

    it('tells both ends when a connection ends, and they can connect again', async () => {
      await connected()
      a.transport.disconnect(b.self.id, 'it misbehaved')
      await harness.until('both know', () => a.transport.peers.size === 0 && b.transport.peers.size === 0)
      assert.equal(a.transport.send(b.self.id, 'late'), false)
      for (const end of [a, b]) assert.equal(end.events.at(-1)?.kind, 'disconnected')
      await connected()
      assert.equal(b.transport.send(a.self.id, 'again'), true)
      await harness.until('it arrives', () => messagesOf(a).length === 1)
    })

    it('tells the other end when it closes, and is silent from then on', async () => {
      await connected()
      const before = a.events.length
      await a.transport.close()
      await harness.until('the other end knows', () => b.transport.peers.size === 0)
      assert.equal(b.events.at(-1)?.kind, 'disconnected')
      assert.equal(a.events.length, before)
      assert.equal(a.transport.send(b.self.id, 'x'), false)
    })

    it('says that a dial to nowhere failed', async () => {
      a.transport.dial(harness.nowhere)
      await harness.until('it is refused', () => refusalsOf(a).length === 1)
      assert.deepEqual(refusalsOf(a), ['QRT_MESH_UNREACHABLE'])
    })

    it('finds that it dialled itself', async () => {
      a.transport.dial(a.self.address)
      await harness.until('it is refused', () => refusalsOf(a).length > 0)
      assert.deepEqual(refusalsOf(a), ['QRT_MESH_IDENTITY'])
      assert.equal(a.transport.peers.size, 0)
    })

    it('keeps one connection however often and from whichever side it is dialled', async () => {
      for (let i = 0; i < 3; i++) {
        a.transport.dial(b.self.address)
        b.transport.dial(a.self.address)
      }
      await harness.until('both are connected', () => a.transport.peers.size === 1 && b.transport.peers.size === 1)
      let sent = 0
      // Until both ends have settled on one connection, a message can be lost with the other one.
      await harness.until('messages pass both ways', () => {
        sent++
        a.transport.send(b.self.id, sent)
        b.transport.send(a.self.id, sent)
        return messagesOf(a).length > 3 && messagesOf(b).length > 3
      })
      assert.equal(a.transport.peers.size, 1)
      assert.deepEqual([...refusalsOf(a), ...refusalsOf(b)], [])
    })
  })
}
