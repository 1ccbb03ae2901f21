/**
 * A wire to a Kafka broker on which what clients send may come late, and what the broker answers may come late, differ or
 * not come at all. It knows of the protocol what it needs for that: a frame begins with its length, a request goes on with
 * the number of what it asks for (the API key), its version and a correlation number, an answer with that number.
 *
 * Frames of a connection stay in order. A client that has gone does not take back what it sent: that arrives all the same,
 * which is how a request of a writer that was given up meets the one that came after it.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** API keys of the protocol. */
export const API = {
  produce: 0,
  findCoordinator: 10,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  endTxn: 26,
} as const

export interface Fault {
  /** The request arrives so much later, in milliseconds. */
  readonly requestMs?: number
  /** The answer arrives so much later, in milliseconds. */
  readonly answerMs?: number
  /** The connection ends: as soon as the request was sent, or instead of its answer. */
  readonly cut?: 'request' | 'answer'
  /** What the answer says instead of what came of it; only where an error code follows the throttle time (`endTxn`, `initProducerId`). */
  readonly error?: number
}

export class FaultyWire {
  readonly port: number
  /** How often something was done to a request, by API key. */
  readonly faults = new Map<number, number>()
  #broker: { readonly host: string; readonly port: number } | undefined
  #choose: (apiKey: number) => Fault | undefined = () => undefined
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  /** Listens on a free port of the loopback interface. */
  static async open(): Promise<FaultyWire> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FaultyWire(server)
  }

  private constructor(server: Server) {
    this.#server = server
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('expected a port of the loopback interface')
    this.port = address.port
    server.on('connection', (client) => this.#carry(client))
  }

  /** Where it leads to, as `host:port`. */
  leadTo(broker: string): void {
    const [host = '', port = ''] = broker.split(':')
    this.#broker = { host, port: Number(port) }
  }

  /** What becomes of each request from now on; without an argument, nothing. */
  disturb(choose: (apiKey: number) => Fault | undefined = () => undefined): void {
    this.#choose = choose
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #carry(client: Socket): void {
    if (this.#broker === undefined) {
      client.destroy()
      return
    }
    const broker = connect(this.#broker)
    for (const socket of [client, broker]) {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      // What ends a connection ends both of its halves, below.
      socket.on('error', () => undefined)
    }
    const expected = new Map<number, Fault>()
    let sent = Promise.resolve()
    let answered = Promise.resolve()
    client.on(
      'data',
      framesOf((frame) => {
        const fault = this.#faultOf(frame)
        if (fault !== undefined) expected.set(frame.readInt32BE(8), fault)
        if (fault?.cut === 'request') client.destroy()
        sent = sent.then(() => passed(fault?.requestMs)).then(() => write(broker, frame))
      }),
    )
    broker.on(
      'data',
      framesOf((frame) => {
        const fault = expected.get(frame.readInt32BE(4))
        expected.delete(frame.readInt32BE(4))
        answered = answered
          .then(() => passed(fault?.answerMs))
          .then(() => {
            if (fault?.cut === 'answer') client.destroy()
            else write(client, fault?.error === undefined ? frame : withError(frame, fault.error))
          })
      }),
    )
    client.once('close', () => sent.then(() => broker.end()))
    broker.once('close', () => answered.then(() => client.destroy()))
  }

  #faultOf(frame: Buffer): Fault | undefined {
    const apiKey = frame.readInt16BE(4)
    const fault = this.#choose(apiKey)
    if (fault !== undefined) this.faults.set(apiKey, (this.faults.get(apiKey) ?? 0) + 1)
    return fault
  }
}

const passed = (ms: number | undefined): Promise<void> => (ms === undefined ? Promise.resolve() : delay(ms))

function write(socket: Socket, frame: Buffer): void {
  if (socket.writable) socket.write(frame)
}

/** Length, correlation number, throttle time; then the code. */
function withError(frame: Buffer, error: number): Buffer {
  const changed = Buffer.from(frame)
  changed.writeInt16BE(error, 12)
  return changed
}

/** Whole frames, their length included. */
function framesOf(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let bytes: Buffer = Buffer.alloc(0)
  return (chunk) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
      const size = 4 + bytes.readInt32BE(0)
      take(bytes.subarray(0, size))
      bytes = bytes.subarray(size)
    }
  }
}
