import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, it } from 'node:test'
import { drainable } from '../../src/http/drain.ts'

/** Longer than any test may take. */
const FOR_EVER_MS = 3_600_000

async function listening(answer: RequestListener, graceMs: number) {
  const server = createServer(answer)
  const drain = drainable(server, graceMs)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { drain, url: `http://127.0.0.1:${port}`, open: () => connect(port, '127.0.0.1') }
}

describe('a server that closes', () => {
  it('does not wait for connections that were opened ahead of need', async () => {
    const { drain, url, open } = await listening((_, response) => response.end('fine'), FOR_EVER_MS)
    const socket = open()
    await once(socket, 'connect')
    // The server has the connection once it has answered on a later one.
    assert.equal(await (await fetch(url)).text(), 'fine')
    await drain()
    socket.destroy()
  })

  it('lets a request that runs end, and does not wait for its connection', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<() => void>()
    const { drain, url } = await listening((_, response) => resolve(() => response.end('fine')), FOR_EVER_MS)
    const answer = fetch(url).then((response) => response.text())
    const end = await asked
    const drained = drain()
    end()
    assert.equal(await answer, 'fine')
    await drained
  })

  it('cuts off a request that takes longer than it waits', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const { drain, url } = await listening(() => resolve(), 20)
    const answer = assert.rejects(fetch(url))
    await asked
    await drain()
    await answer
  })
})
