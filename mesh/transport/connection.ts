/**
 * One WebSocket with a peer at its other end: handshake, then session. Whatever goes wrong ends it, with a close code
 * that tells the other end why, and a MeshError for this one.
 */
import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { MeshError, type MeshErrorCode } from '../errors.ts'
import { decodeWire, encodeWire } from './codec.ts'
import { malformedFrame } from './framing.ts'
import { Handshake, type HandshakeOptions, type Role } from './handshake.ts'
import { TRANSPORT_LIMITS, TRANSPORT_TIMING } from './limits.ts'
import { SESSION_HEADER_BYTES, Session } from './session.ts'
import type { PeerIdentity, Wire } from './transport.ts'

/** Private close codes (RFC 6455, section 7.4.2). Append-only. */
const CLOSE_CODES: readonly (readonly [number, MeshErrorCode])[] = [
  [4001, 'QRT_MESH_CLOSED'],
  [4002, 'QRT_MESH_VERSION'],
  [4003, 'QRT_MESH_SECRET'],
  [4004, 'QRT_MESH_IDENTITY'],
  [4005, 'QRT_MESH_FRAME_MALFORMED'],
  [4006, 'QRT_MESH_FRAME_TOO_LARGE'],
  [4007, 'QRT_MESH_MAC'],
  [4008, 'QRT_MESH_OVERLOADED'],
]
const TOO_LARGE_BY_WS = 1009

export interface ConnectionEvents {
  authenticated(connection: Connection, peer: PeerIdentity): void
  message(connection: Connection, body: Wire, bytes: number): void
  /** Once, at the end; the error says why. */
  ended(connection: Connection, error: MeshError): void
}

export interface ConnectionOptions extends HandshakeOptions {
  readonly role: Role
  readonly socket: WebSocket
  /** Where it was dialled, or where it comes from. */
  readonly address: string
  readonly handshakeMs?: number
  readonly events: ConnectionEvents
}

export class Connection {
  readonly role: Role
  readonly address: string
  readonly #socket: WebSocket
  readonly #events: ConnectionEvents
  readonly #handshake: Handshake
  readonly #deadline: NodeJS.Timeout
  #session: Session | undefined
  #peer: PeerIdentity | undefined
  #stopCounting = () => {}
  #ended = false
  #receivedAt = performance.now()

  constructor(options: ConnectionOptions) {
    const { role, socket, address, events, handshakeMs = TRANSPORT_TIMING.handshakeMs } = options
    this.role = role
    this.address = address
    this.#socket = socket
    this.#events = events
    this.#handshake = new Handshake(role, options)
    this.#deadline = setTimeout(() => {
      this.end(new MeshError('QRT_MESH_UNREACHABLE', `no handshake with ${address} within ${handshakeMs} ms`))
    }, handshakeMs)
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    socket.on('error', (cause) => this.end(this.#socketError(cause)))
    socket.on('close', (code, reason) => this.#finish(this.#closedBy(code, reason.toString())))
    if (role === 'dialler') socket.once('open', () => socket.send(this.#handshake.hello()))
  }

  get peer(): PeerIdentity | undefined {
    return this.#peer
  }

  /** How long nothing has come from the other end. */
  get silentMs(): number {
    return performance.now() - this.#receivedAt
  }

  get authenticated(): boolean {
    return this.#session !== undefined
  }

  /** Until the peer is authenticated, only so many bytes are taken from its socket. */
  count(socket: Socket): void {
    let bytes = 0
    const onData = (chunk: Uint8Array) => {
      bytes += chunk.length
      if (bytes <= TRANSPORT_LIMITS.unauthenticatedBytes) return
      this.#finish(new MeshError('QRT_MESH_FRAME_TOO_LARGE', `${this.address} sent too much before its handshake`))
      socket.destroy()
    }
    socket.on('data', onData)
    this.#stopCounting = () => socket.off('data', onData)
  }

  /** False when the send buffer is at its bound. @throws MeshError QRT_MESH_FRAME_TOO_LARGE. */
  send(body: Wire): boolean {
    if (this.#session === undefined || this.#ended) return false
    if (this.#socket.bufferedAmount > TRANSPORT_LIMITS.sendBufferBytes) return false
    const payload = encodeWire(body)
    if (payload.length + SESSION_HEADER_BYTES > TRANSPORT_LIMITS.frameBytes) {
      throw new MeshError(
        'QRT_MESH_FRAME_TOO_LARGE',
        `a message of ${payload.length} bytes was not sent: the bound is ${TRANSPORT_LIMITS.frameBytes}`,
      )
    }
    this.#socket.send(this.#session.seal(payload))
    return true
  }

  /** Ends it from this side; the close code tells the other end. */
  end(error: MeshError): void {
    if (this.#ended) return
    const code = CLOSE_CODES.find(([, known]) => known === error.code)?.[0] ?? 4001
    const socket = this.#socket
    if (socket.readyState === socket.OPEN) {
      socket.close(code)
      // One that does not answer is cut off.
      const cut = setTimeout(() => socket.terminate(), TRANSPORT_TIMING.closeMs)
      socket.once('close', () => clearTimeout(cut))
    } else socket.terminate()
    this.#finish(error)
  }

  #finish(error: MeshError): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#deadline)
    this.#stopCounting()
    this.#events.ended(this, error)
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#ended) return
    this.#receivedAt = performance.now()
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw malformedFrame('text where bytes were due')
      if (this.#session === undefined) this.#advance(data)
      else {
        const body = decodeWire(this.#session.open(data))
        this.#events.message(this, body, data.length)
      }
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
      this.end(error)
    }
  }

  #advance(frame: Uint8Array): void {
    const { send, done } = this.#handshake.receive(frame)
    if (send !== undefined) this.#socket.send(send)
    if (done === undefined) return
    clearTimeout(this.#deadline)
    this.#stopCounting()
    this.#session = new Session(done.keys)
    this.#peer = done.peer
    this.#events.authenticated(this, done.peer)
  }

  #socketError(cause: Error & { code?: string }): MeshError {
    if (cause.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return tooLarge(this.address)
    if (cause.code?.startsWith('WS_ERR')) {
      return new MeshError(
        'QRT_MESH_FRAME_MALFORMED',
        `${this.address} breaks the WebSocket protocol: ${cause.message}`,
        { cause },
      )
    }
    return new MeshError('QRT_MESH_UNREACHABLE', `${this.address} cannot be reached: ${cause.message || cause.code}`, {
      cause,
    })
  }

  #closedBy(code: number, reason: string): MeshError {
    if (code === TOO_LARGE_BY_WS) return tooLarge(this.address)
    const known = CLOSE_CODES.find(([number]) => number === code)?.[1] ?? 'QRT_MESH_CLOSED'
    const why = reason === '' ? '' : ` (${reason})`
    return new MeshError(
      known,
      `${this.address} closed the connection with ${code}${why}: ${EXPLAINED[known] ?? known}`,
    )
  }
}

const tooLarge = (address: string) =>
  new MeshError(
    'QRT_MESH_FRAME_TOO_LARGE',
    `a frame on the connection with ${address} exceeds ${TRANSPORT_LIMITS.frameBytes} bytes`,
  )

const EXPLAINED: Partial<Record<MeshErrorCode, string>> = {
  QRT_MESH_CLOSED: 'it ended',
  QRT_MESH_VERSION: 'it speaks another version of the peer protocol; upgrade the older of the two',
  QRT_MESH_SECRET: 'it holds another secret, or none; start both with the same --secret-file',
  QRT_MESH_IDENTITY: "it has this peer's own identity, or could not confirm it",
}
