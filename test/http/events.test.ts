/**
 * Live events over a real connection: resumption, gaps, slow clients, bounds.
 *
 *   history of 4:   1 2 [3 4 5 6] next: 7      Last-Event-ID 4 → 5 6; Last-Event-ID 1 → gap of 1, then 3 4 5 6
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { EventHub } from '../../src/http/events.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { certifiedEvent, FakePeer } from './fake-peer.ts'

let peer: FakePeer
let server: HttpServer
let clients: EventClient[]

beforeEach(async () => {
  peer = new FakePeer()
  clients = []
  const events = { history: 4, clients: 2, heartbeatMs: 20 }
  server = await startHttp(peer, { listen: { host: '127.0.0.1', port: 0 }, events })
})
afterEach(async () => {
  for (const client of clients) await client.close()
  await server.close()
})

interface Frame {
  readonly id?: string
  readonly event?: string
  readonly data?: string
}

class EventClient {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #abort: AbortController
  readonly #decoder = new TextDecoder()
  #text = ''

  constructor(response: Response, abort: AbortController) {
    this.#reader = response.body!.getReader()
    this.#abort = abort
  }

  /** The next frame with an event; undefined at the end of the stream. Comments and `retry` are passed over. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = await this.block()
      if (frame === undefined) return undefined
      const fields = Object.fromEntries(
        frame
          .split('\n')
          .filter((line) => !line.startsWith(':'))
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      )
      if (fields.event !== undefined) return fields
    }
  }

  async block(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end >= 0) {
        const block = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        return block
      }
      const { done, value } = await this.#reader.read()
      if (done) return undefined
      this.#text += this.#decoder.decode(value, { stream: true })
    }
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#reader.closed.catch(() => {})
  }
}

async function open(lastEventId?: string, query = ''): Promise<EventClient> {
  const abort = new AbortController()
  const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const response = await fetch(`${server.address}/v1/events${query}`, { headers, signal: abort.signal })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const client = new EventClient(response, abort)
  clients.push(client)
  return client
}

const seqs = (frames: (Frame | undefined)[]) => frames.map((frame) => JSON.parse(frame!.data!).position.seq)

async function take(client: EventClient, count: number): Promise<Frame[]> {
  const frames: Frame[] = []
  while (frames.length < count) frames.push((await client.next())!)
  return frames
}

describe('GET /v1/events', () => {
  it('sends what happens from now on, under its kind', async () => {
    peer.emit(certifiedEvent(1))
    const client = await open()
    peer.emit(certifiedEvent(2))
    const [frame] = await take(client, 1)
    assert.equal(frame!.event, 'certified')
    assert.deepEqual(JSON.parse(frame!.data!), certifiedEvent(2))
  })

  it('goes on behind Last-Event-ID, without loss or repetition', async () => {
    const client = await open()
    for (const seq of [1, 2, 3]) peer.emit(certifiedEvent(seq))
    const [, second] = await take(client, 3)
    await client.close()
    peer.emit(certifiedEvent(4))
    const again = await open(second!.id)
    assert.deepEqual(seqs(await take(again, 2)), [3, 4])
  })

  it('tells of the events that the history no longer has', async () => {
    const client = await open()
    peer.emit(certifiedEvent(1))
    const [first] = await take(client, 1)
    await client.close()
    for (const seq of [2, 3, 4, 5, 6]) peer.emit(certifiedEvent(seq))
    const again = await open(first!.id)
    const gap = await again.next()
    assert.equal(gap!.event, 'gap')
    assert.equal(JSON.parse(gap!.data!).missed, 1)
    assert.deepEqual(seqs(await take(again, 4)), [3, 4, 5, 6])
  })

  it('begins with all that is kept where that is asked for', async () => {
    for (const seq of [1, 2, 3, 4, 5, 6]) peer.emit(certifiedEvent(seq))
    for (const query of ['?since=start', '']) {
      const client = await open(query === '' ? 'start' : undefined, query)
      assert.deepEqual(seqs(await take(client, 4)), [3, 4, 5, 6])
      await client.close()
    }
  })

  it('goes on behind the id in the query where a client cannot send the header', async () => {
    for (const seq of [1, 2, 3]) peer.emit(certifiedEvent(seq))
    const [first] = await take(await open('start'), 1)
    const client = await open(undefined, `?since=${first!.id}`)
    assert.deepEqual(seqs(await take(client, 2)), [2, 3])
    assert.equal((await fetch(`${server.address}/v1/events?from=${first!.id}`)).status, 400)
  })

  it('tells of a gap when another process numbered the last event', async () => {
    peer.emit(certifiedEvent(1))
    for (const unknown of ['00000000-7', 'nonsense', '']) {
      const client = await open(unknown)
      assert.equal((await client.next())!.event, 'gap', unknown)
      assert.deepEqual(seqs(await take(client, 1)), [1])
      await client.close()
    }
  })

  it('is alive while nothing happens', async () => {
    const client = await open()
    assert.match((await client.block())!, /^retry: /)
    assert.match((await client.block())!, /^: /)
  })

  it('serves a bounded number of clients, and frees the place of one that left', async () => {
    const first = await open()
    await open()
    assert.equal((await fetch(`${server.address}/v1/events`)).status, 503)
    await first.close()
    // The server notices a closed connection a moment later.
    const deadline = Date.now() + 60_000
    for (;;) {
      const response = await fetch(`${server.address}/v1/events`)
      await response.body!.cancel()
      if (response.status === 200) break
      assert.ok(Date.now() < deadline, 'the place of a client that left was not freed')
    }
  })

  it('ends its streams at close, at once', async () => {
    const client = await open()
    const closed = server.close()
    assert.equal(await client.next(), undefined)
    await closed
    assert.equal(peer.listeners.size, 0)
  })
})

describe('a client that does not read', () => {
  it('holds back nothing but itself: the history stays bounded and the client learns of the gap', async () => {
    const hub = new EventHub(peer, { history: 4, heartbeatMs: 20 })
    const reader = hub.open(undefined).getReader()
    const text = new TextDecoder()
    const read = async () => text.decode((await reader.read()).value)
    assert.match(await read(), /^retry/)
    for (let seq = 1; seq <= 100; seq++) peer.emit(certifiedEvent(seq))
    const received = `${await read()}${await read()}`
    const missed = Number(/"missed":(\d+)/.exec(received)?.[1])
    const seen = [...received.matchAll(/"seq":(\d+)/g)].map((match) => Number(match[1]))
    assert.equal(missed + seen.length, 100)
    assert.deepEqual(seen.slice(-4), [97, 98, 99, 100])
    await reader.cancel()
    hub.close()
  })
})
