/** What every kind of client of this log is opened with: addresses, TLS, SASL, sockets. */
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory, KafkaConfig, SASLOptions } from 'kafkajs'
import { logLevel } from 'kafkajs'
import { QuorateError } from '../../errors.ts'
import type { LogSettings, LogTls } from '../log.ts'
import './request-queue.ts'

export type KafkaSettings = Extract<LogSettings, { kind: 'kafka' }>

export const TIMEOUTS = {
  /** Until a connection is there and authenticated. */
  connectMs: 5_000,
  /** Until a request is answered, beyond the time that the broker is asked to wait. */
  requestMs: 15_000,
} as const

const KEEP_ALIVE_MS = 60_000
const DISCONNECT_WITHIN_MS = 2_000

export function saslOptions({ sasl }: KafkaSettings): SASLOptions | undefined {
  if (sasl === undefined) return undefined
  const { username, password } = sasl
  // A switch, since kafkajs's type is a union by mechanism.
  switch (sasl.mechanism) {
    case 'plain':
      return { mechanism: 'plain', username, password }
    case 'scram-sha-256':
      return { mechanism: 'scram-sha-256', username, password }
    case 'scram-sha-512':
      return { mechanism: 'scram-sha-512', username, password }
  }
}

export function tlsOptions({ ssl }: KafkaSettings): LogTls | undefined {
  if (ssl === undefined || ssl === false) return undefined
  return ssl === true ? {} : ssl
}

/** Small requests leave at once; kafkajs's own sockets wait for the acknowledgement of earlier ones. */
export const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const socket =
    ssl === undefined || ssl === null
      ? connectTcp({ host, port }, onConnect)
      : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...(ssl as object) }, onConnect)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  return socket
}

/** Sockets of kafkajs's public clients, which wait for what is under way when they disconnect, possibly for ever. */
export class ClientSockets {
  readonly #sockets = new Set<Socket>()

  readonly factory: ISocketFactory = (options) => {
    const socket = socketFactory(options)
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }

  /** Lets the clients disconnect for a while; then the sockets go. */
  async close(clients: readonly { disconnect(): Promise<void> }[]): Promise<void> {
    const disconnecting = Promise.allSettled(clients.map((client) => client.disconnect()))
    const done = new AbortController()
    const { signal } = done
    await Promise.race([disconnecting, delay(DISCONNECT_WITHIN_MS, undefined, { signal }).catch(() => undefined)])
    done.abort()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/**
 * For kafkajs's public clients. They retry little by themselves: whoever calls knows better what may be repeated. Nothing
 * is logged, since what goes wrong is thrown.
 */
export function clientConfig(settings: KafkaSettings, sockets: ClientSockets): KafkaConfig {
  const sasl = saslOptions(settings)
  const ssl = tlsOptions(settings)
  return {
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    ...(sasl === undefined ? {} : { sasl }),
    ...(ssl === undefined ? {} : { ssl }),
    socketFactory: sockets.factory,
    connectionTimeout: TIMEOUTS.connectMs,
    authenticationTimeout: TIMEOUTS.connectMs,
    requestTimeout: TIMEOUTS.requestMs,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 },
    logLevel: logLevel.NOTHING,
  }
}

/** @throws QuorateError QRT_CONFIG_INVALID */
export function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^([^:\s]+):(\d{1,5})$/.exec(address) ?? []
  if (host === undefined) {
    throw new QuorateError('QRT_CONFIG_INVALID', `expected a broker as host:port, found "${address}"`)
  }
  return { host, port: Number(port) }
}
