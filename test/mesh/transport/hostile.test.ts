/** What a peer answers to clients that are wrong or mean harm: handshakes by hand, frames by hand, and noise. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { generateIdentity } from '../../../mesh/identity.ts'
import { type Random, seededRandom } from '../../../mesh/random.ts'
import { encodeWire } from '../../../mesh/transport/codec.ts'
import { PROTOCOL_VERSION } from '../../../mesh/transport/framing.ts'
import { Handshake } from '../../../mesh/transport/handshake.ts'
import { TRANSPORT_LIMITS } from '../../../mesh/transport/limits.ts'
import { Session } from '../../../mesh/transport/session.ts'
import { createWebSocketTransport } from '../../../mesh/transport/websocket.ts'
import { messagesOf, refusalsOf, type Watched, watched } from '../../contract/transport.contract.ts'
import { eventually } from '../../eventually.ts'

const SECRET = Buffer.from('the secret of the cluster')
const listen = { host: '127.0.0.1', port: 0 }

interface PeerOptions {
  readonly secret?: Uint8Array | undefined
  readonly signer?: ReturnType<typeof generateIdentity>
  readonly handshakeMs?: number
}

const peer = ({ signer = generateIdentity(), handshakeMs, ...options }: PeerOptions = {}) =>
  createWebSocketTransport({
    signer,
    name: 'peer',
    secret: 'secret' in options ? options.secret : SECRET,
    listen,
    ...(handshakeMs === undefined ? {} : { handshakeMs }),
  })

/** A client with a real handshake whose frames are made by hand. */
async function handmade(address: string, mangle: (frame: Uint8Array) => Uint8Array = (frame) => frame) {
  const signer = generateIdentity()
  const self = { id: signer.id, publicKey: signer.publicKey, name: 'hand', address: 'ws://127.0.0.1:9' }
  const handshake = new Handshake('dialler', { signer, self, secret: SECRET })
  const socket = new WebSocket(address)
  socket.on('error', () => {})
  let session: Session | undefined
  socket.on('message', (data: Buffer) => {
    if (session !== undefined) return
    const { send, done } = handshake.receive(data)
    if (done !== undefined) session = new Session(done.keys)
    if (send !== undefined) socket.send(mangle(send))
  })
  const closed = once(socket, 'close').then(([code]) => code as number)
  await once(socket, 'open')
  socket.send(mangle(handshake.hello()))
  return {
    socket,
    closed,
    session: () => session!,
    ready: () => eventually('the handshake ends', () => session !== undefined),
  }
}

describe('a peer on WebSockets', () => {
  let server: Watched
  beforeEach(async () => {
    server = await watched(peer())
  })
  afterEach(() => server.transport.close())
  /** After whatever happened, it still serves those that do it right. */
  const stillServes = async () => {
    const client = await handmade(server.self.address)
    await client.ready()
    client.socket.send(client.session().seal(encodeWire('still there')))
    await eventually('the message arrives', () => messagesOf(server).includes('still there'))
    client.socket.terminate()
  }
  const refusedWith = (code: string) =>
    eventually(`refusal with ${code}, got ${refusalsOf(server)}`, () => refusalsOf(server).includes(code as never))

  for (const [what, secret] of [
    ['another secret', Buffer.from('wrong')],
    ['no secret', undefined],
  ] as const) {
    it(`tells both ends that the secrets differ when a peer comes with ${what}`, async () => {
      const other = await watched(peer({ secret }))
      other.transport.dial(server.self.address)
      await eventually('both know', () => refusalsOf(other).length === 1 && refusalsOf(server).length === 1)
      assert.deepEqual(refusalsOf(other), ['QRT_MESH_SECRET'])
      assert.deepEqual(refusalsOf(server), ['QRT_MESH_SECRET'])
      for (const event of [...other.events, ...server.events]) {
        assert.equal(event.kind, 'refused')
        if (event.kind === 'refused') assert.doesNotMatch(event.error.message, /wrong|the secret of the cluster/)
      }
      await other.transport.close()
      await stillServes()
    })
  }

  it('refuses another version, and says so to both ends', async () => {
    const client = await handmade(server.self.address, (frame) =>
      Uint8Array.of(PROTOCOL_VERSION + 1, ...frame.subarray(1)),
    )
    assert.equal(await client.closed, 4002)
    await refusedWith('QRT_MESH_VERSION')
  })

  it('refuses an identity whose key the other end does not hold', async () => {
    let frames = 0
    // The second frame is the proof; its last byte belongs to the signature, which the MAC does not cover.
    const client = await handmade(server.self.address, (frame) => {
      const copy = new Uint8Array(frame)
      if (++frames === 2) copy[copy.length - 40]! ^= 1
      return copy
    })
    assert.equal(await client.closed, 4004)
    assert.equal(server.transport.peers.size, 0)
  })

  it('refuses any Origin', async () => {
    const browser = new WebSocket(server.self.address, { origin: 'http://127.0.0.1' })
    const [error] = await once(browser, 'error')
    assert.match(error.message, /403/)
    await refusedWith('QRT_MESH_ORIGIN')
  })

  it('ends a connection on a flipped bit anywhere in a frame, and delivers nothing of it', async () => {
    const length = encodeWire({ amount: 1 }).length + 26
    for (let at = 0; at < length; at += 3) {
      const client = await handmade(server.self.address)
      await client.ready()
      const frame = client.session().seal(encodeWire({ amount: 1 }))
      frame[at]! ^= 4
      client.socket.send(frame)
      assert.equal(await client.closed, 4007, `byte ${at}`)
    }
    assert.deepEqual(messagesOf(server), [])
    await stillServes()
  })

  it('ends a connection on a replayed frame and on one that was left out', async () => {
    const replaying = await handmade(server.self.address)
    await replaying.ready()
    const frame = replaying.session().seal(encodeWire('once'))
    replaying.socket.send(frame)
    replaying.socket.send(frame)
    assert.equal(await replaying.closed, 4007)
    const skipping = await handmade(server.self.address)
    await skipping.ready()
    skipping.session().seal(encodeWire('left out'))
    skipping.socket.send(skipping.session().seal(encodeWire('second')))
    assert.equal(await skipping.closed, 4007)
    assert.deepEqual(messagesOf(server), ['once'])
  })

  it('ends a connection whose payload is not a message, though its MAC is right', async () => {
    const deep = Buffer.alloc(200, 0x91)
    const payloads = [
      Buffer.from([0xc1]),
      Buffer.from([0xd4, 0x72, 0x40]),
      Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0x81, 0xa9, ...Buffer.from('__proto__'), 0x80]),
      Buffer.from([0x81, 0x01, 0x02]),
      Buffer.from([0x01, 0x01]),
      Buffer.alloc(0),
      deep,
    ]
    for (const payload of payloads) {
      const client = await handmade(server.self.address)
      await client.ready()
      client.socket.send(client.session().seal(payload))
      assert.equal(await client.closed, 4005, payload.toString('hex'))
    }
    assert.deepEqual(messagesOf(server), [])
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })

  it('ends a connection on a frame over the bound, and does not send one', async () => {
    const client = await handmade(server.self.address)
    await client.ready()
    client.socket.send(Buffer.alloc(TRANSPORT_LIMITS.frameBytes + 1))
    assert.equal(await client.closed, 1009)
    await refusedWith('QRT_MESH_FRAME_TOO_LARGE')
    const other = await watched(peer())
    other.transport.dial(server.self.address)
    await eventually('they are connected', () => server.transport.peers.has(other.self.id))
    assert.equal(server.transport.send(other.self.id, new Uint8Array(TRANSPORT_LIMITS.frameBytes)), false)
    assert.equal(server.transport.peers.has(other.self.id), true)
    await other.transport.close()
  })

  it('cuts off a client that sends much before it is known, and one that says nothing', async () => {
    const loud = new WebSocket(server.self.address)
    loud.on('error', () => {})
    await once(loud, 'open')
    const loudClosed = once(loud, 'close')
    loud.send(Buffer.alloc(TRANSPORT_LIMITS.unauthenticatedBytes * 2))
    await loudClosed
    const impatient = await watched(peer({ handshakeMs: 100 }))
    const silent = new WebSocket(impatient.self.address)
    await once(silent, 'open')
    await once(silent, 'close')
    assert.deepEqual(refusalsOf(impatient), ['QRT_MESH_UNREACHABLE'])
    await impatient.transport.close()
  })

  it('bounds the connections that wait for a handshake', async () => {
    const sockets = Array.from(
      { length: TRANSPORT_LIMITS.unauthenticatedConnections + 5 },
      () => new WebSocket(server.self.address),
    )
    for (const socket of sockets) socket.on('error', () => {})
    await refusedWith('QRT_MESH_OVERLOADED')
    for (const socket of sockets) socket.terminate()
    await eventually('they are gone', () => sockets.every(({ readyState }) => readyState === WebSocket.CLOSED))
    // The server hears of their end a moment later.
    await eventually('there is room again', () =>
      stillServes().then(
        () => true,
        () => false,
      ),
    )
  })

  it('survives 40 connections of mutated frames, and none becomes a message', async () => {
    const random = seededRandom(20)
    for (let round = 0; round < 40; round++) {
      const inSession = round % 2 === 0
      const client = await handmade(server.self.address)
      if (inSession) await client.ready()
      // One frame ends a connection, so the rest of a round finds it closing: all of it is noise to be dropped.
      for (let i = 0; i < 50 && client.socket.readyState === WebSocket.OPEN; i++) {
        const base = inSession ? client.session().seal(encodeWire({ t: 'x', list: [1, 2, 3] })) : Buffer.alloc(120, 1)
        client.socket.send(mutated(base, random))
      }
      await client.closed
    }
    assert.deepEqual(messagesOf(server), [])
    await stillServes()
  })

  it('survives what is no WebSocket', async () => {
    const port = Number(new URL(server.self.address).port)
    for (const text of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      '\u0000\u0001\u0002\r\n\r\n',
      `GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
    ]) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.end(text)
      socket.resume()
      await once(socket, 'close')
    }
    await stillServes()
  })
})

describe('a peer that stops', () => {
  it('does not wait for somebody whom it refused and who keeps the connection', async () => {
    const server = await watched(peer())
    const page = connect({ port: Number(new URL(server.self.address).port), host: '127.0.0.1', allowHalfOpen: true })
    page.on('error', () => {})
    const headers = ['Host: x', 'Origin: http://x', 'Connection: Upgrade', 'Upgrade: websocket']
    const websocket = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
    page.write(`GET / HTTP/1.1\r\n${[...headers, ...websocket].join('\r\n')}\r\n\r\n`)
    const [answer] = await once(page, 'data')
    assert.match(String(answer), /^HTTP\/1.1 403 /)
    await server.transport.close()
    page.destroy()
  })
})

describe('where a peer listens', () => {
  const at =
    (host: string, more: { secret?: Uint8Array; insecure?: boolean } = {}) =>
    () =>
      createWebSocketTransport({
        signer: generateIdentity(),
        name: 'x',
        secret: undefined,
        listen: { host, port: 0 },
        ...more,
      })

  it('is loopback, unless there is a secret or somebody insists', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example.org', '127.example.org']) {
      assert.throws(at(host), { code: 'QRT_MESH_SECRET' }, host)
    }
    for (const host of ['127.0.0.1', '::1', 'localhost']) assert.doesNotThrow(at(host))
    assert.doesNotThrow(at('0.0.0.0', { secret: SECRET }))
    assert.doesNotThrow(at('0.0.0.0', { insecure: true }))
    assert.throws(at('127.0.0.1', { secret: new Uint8Array(0) }), { code: 'QRT_MESH_SECRET' })
  })
})

/** Always different from the frame it was made of. */
function mutated(frame: Uint8Array, random: Random): Uint8Array {
  const copy = new Uint8Array(frame)
  switch (random.below(4)) {
    case 0:
      return copy.subarray(0, random.below(copy.length))
    case 1:
      return Buffer.concat([copy, Uint8Array.of(random.below(256))])
    case 2:
      return copy.map(() => random.below(256))
    default:
      for (let i = 0; i <= random.below(4); i++) copy[random.below(copy.length)]! ^= 1 + i * 2
      copy[random.below(copy.length)]! ^= 128
      return copy
  }
}
