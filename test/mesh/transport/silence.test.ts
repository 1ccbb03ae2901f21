/** Connections of a network that swallows packets: neither end hears that the other has given up. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, it } from 'node:test'
import { generateIdentity } from '../../../mesh/identity.ts'
import { createWebSocketTransport } from '../../../mesh/transport/websocket.ts'
import { messagesOf, watched } from '../../contract/transport.contract.ts'
import { eventually } from '../../eventually.ts'

const STALE_MS = 200

/** Leads connections to a port until it is told to swallow all that comes, while the connections stay. */
async function relayTo(port: number) {
  let swallows = false
  const sockets: Socket[] = []
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.push(near, far)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => undefined)
      from.on('data', (bytes) => {
        if (!swallows) to.write(bytes)
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    swallow: () => {
      swallows = true
    },
  }
}

it('a new connection takes the place of one that has gone silent, whoever dialled that one', async () => {
  // Of two connections at once, the one that the lower id dialled is kept: here the lower holds the silent one.
  const [low, high] = [generateIdentity(), generateIdentity()].sort((a, b) => (a.id < b.id ? -1 : 1))
  const transportOf = (signer: typeof low) =>
    createWebSocketTransport({
      signer: signer!,
      name: 'peer',
      secret: Buffer.from('a secret of the test'),
      listen: { host: '127.0.0.1', port: 0 },
      staleMs: STALE_MS,
    })
  const [a, b] = [await watched(transportOf(low)), await watched(transportOf(high))]
  after(() => Promise.all([a.transport.close(), b.transport.close()]))
  const relay = await relayTo(Number(new URL(b.self.address).port))
  a.transport.dial(relay.address)
  await eventually('both are connected', () => a.transport.peers.size === 1 && b.transport.peers.size === 1)
  relay.swallow()
  b.transport.disconnect(a.self.id, 'it does not answer')
  assert.equal(a.transport.peers.size, 1)
  await eventually('a message of the one that dialled anew arrives', () => {
    b.transport.dial(a.self.address)
    b.transport.send(a.self.id, 'anew')
    return messagesOf(a).includes('anew')
  })
  assert.deepEqual(
    a.events.map(({ kind }) => kind).filter((kind) => kind !== 'message'),
    ['connected', 'disconnected', 'connected'],
  )
})
