/** Whether this peer's ports are free, and whether its seeds can be reached. */
import { connect, createServer } from 'node:net'
import { type Check, failed, milliseconds, ok, type Said } from './check.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface NetworkSettings {
  readonly listen: Address
  readonly http: Address
  readonly seeds: readonly string[]
}

export function networkChecks({ listen, http, seeds }: NetworkSettings): readonly Check[] {
  return [
    { name: `port ${text(listen)} for peers`, look: () => port(listen, http) },
    { name: `port ${text(http)} for the API`, look: () => port(http, http) },
    ...seeds.map((seed) => ({ name: `seed ${seed}`, look: () => reach(seed) })),
  ]
}

/** Free, or held by a peer that runs here already: that one's API tells. */
async function port(address: Address, http: Address): Promise<Said> {
  const code = await listenOnce(address)
  if (code === undefined) return ok(address.port === 0 ? 'any that is free' : 'free')
  if (code !== 'EADDRINUSE') return failed(`cannot be listened on (${code}); choose an address of this machine`)
  if (await isPeer(http)) return ok(`in use, and a peer answers at http://${text(http)}`)
  return failed('in use by another program; choose another, or end that program')
}

/** The code of the error; undefined when it went well. */
function listenOnce({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

async function isPeer(http: Address): Promise<boolean> {
  try {
    const response = await fetch(`http://${text(http)}/livez`, { redirect: 'error' })
    await response.body?.cancel()
    return response.ok
  } catch {
    // Whatever holds the port, it speaks no HTTP.
    return false
  }
}

/** A connection is made and closed: who it is, and whether it has the secret, is for the peers to find out. */
function reach(seed: string): Promise<Said> {
  if (!URL.canParse(seed)) return Promise.resolve(failed('expected an address such as ws://10.0.0.1:7400'))
  const { protocol, hostname, port } = new URL(seed)
  const number = port === '' ? (protocol === 'wss:' ? 443 : 80) : Number(port)
  const from = performance.now()
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: number })
    socket.once('connect', () => {
      socket.destroy()
      resolve(ok(`reached in ${milliseconds(performance.now() - from)}`))
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(
        failed(`cannot be reached (${error.code ?? error.message}); is that peer running, and --listen the same?`),
      )
    })
  })
}

const text = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`
