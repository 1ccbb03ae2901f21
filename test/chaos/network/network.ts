/**
 * A network of hosts on this machine, each in a network namespace of its own, with links that can be cut, slowed and made
 * lossy one direction at a time. Every kernel with namespaces and TUN devices will do: neither `tc netem` nor a firewall is
 * needed, nothing of the machine's own network is touched, and nothing is left behind, however the script ends, because
 * namespaces and devices have no names outside the processes that hold them.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { PeerHost } from '../../e2e/peers.ts'
import { CUT, type HostAnswer, type HostPlan, type HostRequest, type Link, WHOLE } from './protocol.ts'

/** For tests of devices (RFC 2544): no real network has it. */
const PREFIX = '198.18.0'

/** A server on this machine that hosts reach under the address that it has here. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Undefined where such a network can be made; otherwise what is missing. */
export function networkUnavailable(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need Linux and root'
  for (const [tool, ...args] of [
    ['unshare', '--version'],
    ['nsenter', '--version'],
    ['ip', '-V'],
    ['perl', '-v'],
  ]) {
    try {
      execFileSync(tool ?? '', args, { stdio: 'ignore' })
    } catch {
      return `there is no ${tool}: apt-get install iproute2 util-linux perl-base`
    }
  }
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
  } catch {
    return 'there is no /dev/net/tun: the kernel has no TUN devices, or a container was not given it'
  }
  return undefined
}

export class Network {
  readonly #hosts = new Map<string, Host>()
  readonly #servers: Server[] = []

  /** @param folder of this network alone: its sockets are in there */
  static async open(names: readonly string[], services: readonly Endpoint[], folder: string): Promise<Network> {
    const missing = networkUnavailable()
    if (missing !== undefined) throw new Error(missing)
    const network = new Network()
    mkdirSync(folder, { recursive: true })
    try {
      await network.#build(names, services, folder)
      return network
    } catch (error) {
      await network.close()
      throw error
    }
  }

  async #build(names: readonly string[], services: readonly Endpoint[], folder: string): Promise<void> {
    for (const { host, port } of services) {
      if (host !== '127.0.0.1') throw new Error(`${host}:${port} is not on 127.0.0.1, where hosts could reach it`)
      await this.#serve(join(folder, `${port}.out`), { port })
    }
    const places = names.map((name, i) => ({
      name,
      address: `${PREFIX}.${i + 1}`,
      socket: join(folder, `${name}.net`),
    }))
    for (const { name, address, socket } of places) {
      const others = places.filter((other) => other.name !== name)
      const host = new Host({
        address,
        socket,
        others: Object.fromEntries(others.map((other) => [other.address, other.socket])),
        services: services.map(({ port }) => ({ port, socket: join(folder, `${port}.out`) })),
      })
      this.#hosts.set(name, host)
    }
    await Promise.all([...this.#hosts.values()].map((host) => host.up))
    for (const [name, host] of this.#hosts) {
      let doors = 0
      this.peerHosts[name] = {
        command: host.command,
        address: host.address,
        reach: async (httpAddress) => {
          const socket = join(folder, `${name}-${++doors}.in`)
          await host.ask({ kind: 'open', socket, port: Number(new URL(httpAddress).port) })
          return `http://127.0.0.1:${await this.#serve(0, { path: socket })}`
        },
      }
    }
  }

  /** By name, for peers that are to run there. */
  readonly peerHosts: Record<string, PeerHost> = {}

  /** What is run on a host begins with this. */
  command(name: string): readonly string[] {
    return this.#host(name).command
  }

  address(name: string): string {
    return this.#host(name).address
  }

  /** Sets the links from each of some hosts to each of others, in that direction only. */
  async link(from: readonly string[], to: readonly string[], link: Link): Promise<void> {
    await Promise.all(
      from.map((name) => {
        const others = to.filter((other) => other !== name).map((other) => [this.#host(other).address, link])
        return this.#host(name).ask({ kind: 'links', links: Object.fromEntries(others) })
      }),
    )
  }

  /** Cuts all links between hosts of different groups. */
  async split(...groups: readonly (readonly string[])[]): Promise<void> {
    for (const group of groups) {
      for (const other of groups) if (other !== group) await this.link(group, other, CUT)
    }
  }

  async heal(): Promise<void> {
    const all = [...this.#hosts.keys()]
    await this.link(all, all, WHOLE)
  }

  /** What runs on hosts is ended by whoever started it. */
  async close(): Promise<void> {
    for (const server of this.#servers) server.close()
    await Promise.all([...this.#hosts.values()].map((host) => host.stop()))
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name)
    if (host === undefined) throw new Error(`there is no host ${name}`)
    return host
  }

  /** Takes connections on a loopback port or a Unix socket, and leads them on; resolves to the port. */
  async #serve(at: string | 0, to: { readonly port: number } | { readonly path: string }): Promise<number> {
    const server = createServer((near) => {
      const far = connect({ host: '127.0.0.1', ...to })
      near.pipe(far).pipe(near)
      near.on('error', () => far.destroy()).on('close', () => far.destroy())
      far.on('error', () => near.destroy()).on('close', () => near.destroy())
    })
    this.#servers.push(server)
    await once(typeof at === 'string' ? server.listen(at) : server.listen(at, '127.0.0.1'), 'listening')
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }
}

class Host {
  readonly address: string
  readonly up: Promise<void>
  readonly #child: ChildProcess
  readonly #asked = new Map<number, () => void>()
  #lastId = 0

  constructor(plan: HostPlan) {
    this.address = plan.address
    const tun = join(import.meta.dirname, 'tun.pl')
    const program = [process.execPath, join(import.meta.dirname, 'host.ts'), JSON.stringify(plan)]
    this.#child = spawn('unshare', ['--net', 'perl', tun, ...program], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    let said = ''
    this.#child.stderr?.on('data', (chunk) => {
      said += chunk
    })
    this.#child.on('message', ({ id }: HostAnswer) => this.#asked.get(id)?.())
    const ended = once(this.#child, 'exit').then(() => {
      throw new Error(`the host ${plan.address} ended: ${said}`)
    })
    ended.catch(() => undefined)
    this.up = Promise.race([new Promise<void>((resolve) => this.#asked.set(0, resolve)), ended])
  }

  get command(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#child.pid}/ns/net`, '--']
  }

  ask(
    request: HostRequest extends infer Each ? (Each extends HostRequest ? Omit<Each, 'id'> : never) : never,
  ): Promise<void> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#asked.set(id, resolve)
      this.#child.send({ ...request, id }, (error) => (error === null ? undefined : reject(error)))
    })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
