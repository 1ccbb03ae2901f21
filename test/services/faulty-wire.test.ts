import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { eventually } from '../eventually.ts'
import { API, FaultyWire } from './faulty-wire.ts'

/** Length, API key, version, number. */
function request(apiKey: number, number: number): Buffer {
  const frame = Buffer.alloc(12)
  frame.writeInt32BE(8, 0)
  frame.writeInt16BE(apiKey, 4)
  frame.writeInt32BE(number, 8)
  return frame
}

describe('a faulty wire', () => {
  let wire: FaultyWire
  let server: Server
  /** Numbers of the requests that arrived. Each is answered by its number, throttle time 0 and error 0. */
  let arrived: number[]
  before(async () => {
    server = createServer((socket) => {
      socket.on('data', (bytes: Buffer) => {
        for (let at = 0; at < bytes.length; at += 12) {
          const answer = Buffer.alloc(14)
          answer.writeInt32BE(10, 0)
          answer.writeInt32BE(bytes.readInt32BE(at + 8), 4)
          arrived.push(bytes.readInt32BE(at + 8))
          socket.write(answer)
        }
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    wire = await FaultyWire.open()
    const address = server.address() as { port: number }
    wire.leadTo(`127.0.0.1:${address.port}`)
  })
  after(async () => {
    await wire.close()
    server.close()
  })
  beforeEach(() => {
    arrived = []
    wire.disturb()
  })

  async function client(): Promise<{ socket: Socket; answers: { number: number; error: number }[] }> {
    const socket = connect({ host: '127.0.0.1', port: wire.port })
    const answers: { number: number; error: number }[] = []
    socket.on('data', (bytes: Buffer) => {
      for (let at = 0; at < bytes.length; at += 14) {
        answers.push({ number: bytes.readInt32BE(at + 4), error: bytes.readInt16BE(at + 12) })
      }
    })
    await once(socket, 'connect')
    return { socket, answers }
  }

  it('passes on what it does not disturb, in order, however late the first is', async () => {
    const { socket, answers } = await client()
    wire.disturb((apiKey) => (apiKey === API.produce ? { requestMs: 50, answerMs: 50 } : undefined))
    socket.write(Buffer.concat([request(API.produce, 1), request(API.endTxn, 2)]))
    await eventually('both are answered', () => answers.length === 2)
    assert.deepEqual(answers, [
      { number: 1, error: 0 },
      { number: 2, error: 0 },
    ])
    assert.deepEqual(arrived, [1, 2])
    socket.destroy()
  })

  it('lies about what came of a request', async () => {
    const { socket, answers } = await client()
    wire.disturb(() => ({ error: 16 }))
    socket.write(request(API.endTxn, 3))
    await eventually('it is answered', () => answers.length === 1)
    assert.deepEqual(answers, [{ number: 3, error: 16 }])
    assert.deepEqual(arrived, [3])
    socket.destroy()
  })

  it('loses an answer with its connection', async () => {
    const { socket, answers } = await client()
    wire.disturb(() => ({ cut: 'answer' }))
    const closed = once(socket, 'close')
    socket.write(request(API.endTxn, 4))
    await closed
    assert.deepEqual(arrived, [4])
    assert.deepEqual(answers, [])
  })

  it('delivers what a client sent that has gone since', async () => {
    const { socket } = await client()
    wire.disturb(() => ({ cut: 'request', requestMs: 500 }))
    const closed = once(socket, 'close')
    socket.write(request(API.produce, 5))
    await closed
    assert.deepEqual(arrived, [])
    await eventually('it arrives', () => arrived.length === 1)
  })
})
