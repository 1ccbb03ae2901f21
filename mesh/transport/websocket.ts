/**
 * The Transport between processes: a WebSocket server and the connections it accepted or dialled (connection.ts). This
 * file keeps at most one connection per peer. When two peers dial each other at once, both keep the one that the lower
 * peer id dialled; of two in the same direction both keep the newer, since a dialler dials again only when its end of
 * the older is gone.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { hostname } from 'node:os'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { assert, MeshError } from '../errors.ts'
import type { Signer } from '../identity.ts'
import type { PeerId } from '../ids.ts'
import { Connection, type ConnectionEvents } from './connection.ts'
import { checkedAddress, checkedName } from './framing.ts'
import { TRANSPORT_LIMITS, TRANSPORT_TIMING } from './limits.ts'
import type { PeerIdentity, Transport, TransportEvent, Wire } from './transport.ts'

export interface WebSocketTransportOptions {
  readonly signer: Signer
  readonly name: string
  /** The cluster's shared secret. Undefined: only on loopback, or with `insecure`. */
  readonly secret: Uint8Array | undefined
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number }
  /** Where others reach this peer, when that is not where it listens: `ws://host:port`. */
  readonly advertise?: string
  readonly insecure?: boolean
  readonly handshakeMs?: number
  /** For tests; default in limits.ts. */
  readonly staleMs?: number
}

export function createWebSocketTransport(options: WebSocketTransportOptions): Transport {
  return new WebSocketTransport(options)
}

const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
const isWildcard = (host: string) => host === '0.0.0.0' || host === '::' || host === ''

function addressOf({ host, port }: { host: string; port: number }): string {
  const reachable = isWildcard(host) ? hostname() : host
  return `ws://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

const closedHere = (why: string) => new MeshError('QRT_MESH_CLOSED', why)

class WebSocketTransport implements Transport {
  readonly #options: WebSocketTransportOptions
  readonly #connections = new Map<PeerId, Connection>()
  readonly #peers = new Map<PeerId, PeerIdentity>()
  /** Everything with an open socket, authenticated or not. */
  readonly #open = new Set<Connection>()
  readonly #accepting = new Set<Connection>()
  readonly #dialling = new Set<string>()
  #self: PeerIdentity
  #http: Server | undefined
  #server: WebSocketServer | undefined
  #onEvent: (event: TransportEvent) => void = () => {}
  #closed = false

  constructor(options: WebSocketTransportOptions) {
    const { signer, name, secret, listen, advertise, insecure = false } = options
    if (secret !== undefined && secret.length === 0) {
      throw new MeshError('QRT_MESH_SECRET', 'the cluster secret is empty: give one of at least 16 random bytes')
    }
    if (secret === undefined && !insecure && !isLoopback(listen.host)) {
      throw new MeshError(
        'QRT_MESH_SECRET',
        `${listen.host} is reachable from other machines and there is no cluster secret: give --secret-file, listen on 127.0.0.1, or say --insecure`,
      )
    }
    this.#options = options
    this.#self = {
      id: signer.id,
      publicKey: signer.publicKey,
      name: checkedName(name),
      address: checkedAddress(advertise ?? addressOf(listen)),
    }
  }

  get self(): PeerIdentity {
    return this.#self
  }

  get peers(): ReadonlyMap<PeerId, PeerIdentity> {
    return this.#peers
  }

  async start(onEvent: (event: TransportEvent) => void): Promise<PeerIdentity> {
    assert(this.#http === undefined, 'a transport is started once')
    this.#onEvent = onEvent
    const http = createServer({ maxHeaderSize: 8 * 1024, connectionsCheckingInterval: 1_000 }, (_, response) => {
      response.writeHead(426, { upgrade: 'websocket' }).end('This port is for peers of a Quorate cluster.\n')
    })
    http.maxConnections = TRANSPORT_LIMITS.connections
    http.headersTimeout = TRANSPORT_TIMING.handshakeMs
    http.requestTimeout = TRANSPORT_TIMING.handshakeMs
    this.#http = http
    this.#server = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      clientTracking: false,
      maxPayload: TRANSPORT_LIMITS.frameBytes,
    })
    http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    await listening(http, this.#options.listen)
    if (this.#options.advertise === undefined) {
      const { port } = http.address() as AddressInfo
      this.#self = { ...this.#self, address: addressOf({ host: this.#options.listen.host, port }) }
    }
    return this.#self
  }

  dial(address: string): void {
    if (this.#closed || this.#dialling.has(address)) return
    for (const { address: at, peer } of this.#connections.values())
      if (at === address || peer?.address === address) return
    let socket: WebSocket
    try {
      socket = new WebSocket(checkedAddress(address), {
        perMessageDeflate: false,
        maxPayload: TRANSPORT_LIMITS.frameBytes,
        handshakeTimeout: this.#options.handshakeMs ?? TRANSPORT_TIMING.handshakeMs,
      })
    } catch (cause) {
      const error = new MeshError('QRT_MESH_UNREACHABLE', `${address} is no peer address; expected ws://host:port`, {
        cause,
      })
      setImmediate(() => this.#onEvent({ kind: 'refused', address, error }))
      return
    }
    this.#dialling.add(address)
    const connection = this.#connect('dialler', socket, address)
    socket.once('upgrade', (response) => connection.count(response.socket))
  }

  send(to: PeerId, body: Wire): boolean {
    const connection = this.#connections.get(to)
    if (connection === undefined) return false
    try {
      return connection.send(body)
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
      this.#onEvent({ kind: 'refused', address: connection.address, error })
      return false
    }
  }

  disconnect(peer: PeerId, reason: string): void {
    this.#connections.get(peer)?.end(closedHere(reason))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#onEvent = () => {}
    for (const connection of this.#open) connection.end(closedHere('this peer stops'))
    const http = this.#http
    this.#server?.close()
    if (http === undefined) return
    await new Promise<void>((resolve) => {
      http.close(() => resolve())
      http.closeAllConnections()
    })
  }

  /** Browsers send an Origin and peers never do: a page must not reach a peer on its reader's machine. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { remoteAddress = 'unknown', remotePort = 0 } = request.socket
    const address = `${remoteAddress}:${remotePort}`
    socket.on('error', () => socket.destroy())
    const refuse = (status: string, error: MeshError) => {
      // The server no longer counts this socket among its own: nobody else would end it, did the other end not.
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
      this.#onEvent({ kind: 'refused', address, error })
    }
    if (request.headers.origin !== undefined) {
      refuse(
        '403 Forbidden',
        new MeshError('QRT_MESH_ORIGIN', `${address} came with an Origin header: browsers are no peers`),
      )
      return
    }
    if (this.#closed || this.#accepting.size >= TRANSPORT_LIMITS.unauthenticatedConnections) {
      refuse(
        '503 Service Unavailable',
        new MeshError('QRT_MESH_OVERLOADED', `too many connections wait for a handshake; ${address} was refused`),
      )
      return
    }
    this.#server?.handleUpgrade(request, socket, head, (accepted) => {
      const connection = this.#connect('acceptor', accepted, address)
      this.#accepting.add(connection)
      connection.count(request.socket)
    })
  }

  #connect(role: 'dialler' | 'acceptor', socket: WebSocket, address: string): Connection {
    const { signer, secret, handshakeMs } = this.#options
    const events: ConnectionEvents = {
      authenticated: (connection, peer) => this.#authenticated(connection, peer),
      message: (connection, body, bytes) => this.#message(connection, body, bytes),
      ended: (connection, error) => this.#ended(connection, error),
    }
    const timing = handshakeMs === undefined ? {} : { handshakeMs }
    const connection = new Connection({ role, socket, address, events, signer, self: this.#self, secret, ...timing })
    this.#open.add(connection)
    return connection
  }

  #authenticated(connection: Connection, peer: PeerIdentity): void {
    this.#accepting.delete(connection)
    this.#dialling.delete(connection.address)
    const held = this.#connections.get(peer.id)
    // It has lost its end of a connection that is silent here: packets were lost, the last of them too.
    if (held !== undefined && held.silentMs > (this.#options.staleMs ?? TRANSPORT_TIMING.staleMs))
      held.end(closedHere('its peer dialled anew'))
    const existing = this.#connections.get(peer.id)
    const dialledByLower = (connection.role === 'dialler') === this.#self.id < peer.id
    if (existing !== undefined && existing.role !== connection.role && !dialledByLower) {
      connection.end(closedHere('another connection with this peer is kept'))
      return
    }
    this.#connections.set(peer.id, connection)
    this.#peers.set(peer.id, peer)
    if (existing === undefined) this.#onEvent({ kind: 'connected', peer })
    else existing.end(closedHere('another connection with this peer is kept'))
  }

  #message(connection: Connection, body: Wire, bytes: number): void {
    const { peer } = connection
    if (peer === undefined || this.#connections.get(peer.id) !== connection) return
    this.#onEvent({ kind: 'message', from: peer.id, body, bytes })
  }

  #ended(connection: Connection, error: MeshError): void {
    this.#open.delete(connection)
    this.#accepting.delete(connection)
    if (connection.role === 'dialler' && !connection.authenticated) this.#dialling.delete(connection.address)
    const { peer, address, role } = connection
    const kept = peer !== undefined && this.#connections.get(peer.id) === connection
    if (kept) {
      this.#connections.delete(peer.id)
      this.#peers.delete(peer.id)
    }
    // Ends without fault: somebody stops, a second connection gives way, a peer met itself (said once, at the dialler).
    const quiet =
      (error.code === 'QRT_MESH_CLOSED' && (connection.authenticated || role === 'acceptor')) ||
      (error.code === 'QRT_MESH_UNREACHABLE' && connection.authenticated) ||
      (error.code === 'QRT_MESH_IDENTITY' && role === 'acceptor' && peer === undefined)
    if (!quiet) this.#onEvent({ kind: 'refused', address, error })
    if (kept) this.#onEvent({ kind: 'disconnected', peer: peer.id, reason: error.message })
  }
}

function listening(http: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (cause) => {
      reject(new MeshError('QRT_MESH_UNREACHABLE', `cannot listen on ${host}:${port}: ${cause.message}`, { cause }))
    })
    http.listen(port, host, resolve)
  })
}
