/**
 * Peers as people run them: processes of the real program, each with its own directory, that share a secret and a log. A
 * test can kill them, stop them, start them again, and ask them over HTTP. They end with the test, however it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { Client } from '../../src/cli/client.ts'
import type { SinkConnections } from '../../src/commit/sink.ts'
import type { LogSettings } from '../../src/log/log.ts'
import { eventually } from '../eventually.ts'
import { freePorts } from '../services/server.ts'

/** A peer that is told to end does so in a second or two; on a machine with much else to do, in several. */
const STOP_WITHIN_MS = 60_000

const ANSWER_WITHIN_MS = 60_000

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface PeersOptions {
  /** Of the test: everything is in there. */
  readonly directory: string
  readonly log: LogSettings
  /** Of all of them, or of each by its name. */
  readonly connections?: SinkConnections | ((name: string) => SinkConnections)
  /** As in the configuration file. */
  readonly checkpoints?: object
  readonly names: readonly string[]
  /** Runs a peer by another program than the command line: by name. It takes the same arguments. */
  readonly programs?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** Where they run, by name, when that is not on the loopback interface that they share with the test. */
  readonly hosts?: Readonly<Record<string, PeerHost>>
}

/** A network of its own that a peer runs in. */
export interface PeerHost {
  /** What is run in it begins with this. */
  readonly command: readonly string[]
  /** The address that others reach there. */
  readonly address: string
  /** What the test asks instead of the address that the peer tells. */
  readonly reach: (httpAddress: string) => Promise<string>
}

export class Peers {
  readonly all: PeerProcess[]
  readonly #options: PeersOptions
  readonly #secret: string
  readonly #abort = new AbortController()

  constructor(options: PeersOptions) {
    const { directory, names } = options
    this.#options = options
    this.#secret = join(directory, 'secret')
    mkdirSync(directory, { recursive: true })
    writeFileSync(this.#secret, randomBytes(32).toString('hex'), { mode: 0o600 })
    this.all = names.map((name) => this.#process(name, ['--bootstrap-expect', String(names.length)]))
  }

  /** One more, started as a peer that comes later is: with one that runs as its seed. */
  async join(name: string): Promise<PeerProcess> {
    const seed = this.all.find(({ running }) => running)
    const peer = this.#process(name, [])
    peer.seed = seed?.address
    await peer.start()
    this.all.push(peer)
    return peer
  }

  /** Resolves when all of them form a cluster. */
  async start(): Promise<void> {
    const [first, ...others] = this.all
    if (first === undefined) return
    await first.start()
    await Promise.all(
      others.map((peer) => {
        peer.seed = first.address
        return peer.start()
      }),
    )
    await this.ready()
  }

  async ready(): Promise<void> {
    for (const peer of this.all) await peer.ready()
  }

  named(name: string): PeerProcess {
    const peer = this.all.find((candidate) => candidate.name === name)
    if (peer === undefined) throw new Error(`there is no peer ${name}`)
    return peer
  }

  /** Of one that runs. */
  client(): Client {
    const peer = this.all.find(({ running }) => running)
    if (peer === undefined) throw new Error('no peer runs')
    return peer.client(this.#abort.signal)
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await Promise.all(this.all.map((peer) => peer.stop()))
  }

  #process(name: string, membership: readonly string[]): PeerProcess {
    const { directory, log, connections = {}, checkpoints, programs = {}, args = [], hosts = {} } = this.#options
    const config = join(directory, `${name}.yaml`)
    const reached = typeof connections === 'function' ? connections(name) : connections
    writeFileSync(
      config,
      stringify({ log, connections: reached, ...(checkpoints === undefined ? {} : { checkpoints }) }),
    )
    const own = ['--name', name, '--data', join(directory, name), '--secret-file', this.#secret, '--config', config]
    return new PeerProcess({
      name,
      logFile: join(directory, `${name}.log`),
      program: programs[name] ?? MAIN,
      args: [...own, ...membership, ...args],
      host: hosts[name],
    })
  }
}

interface PeerProcessOptions {
  readonly name: string
  readonly logFile: string
  readonly program: string
  readonly args: readonly string[]
  readonly host: PeerHost | undefined
}

export class PeerProcess {
  readonly name: string
  readonly logFile: string
  readonly #options: PeerProcessOptions
  #child: ChildProcess | undefined
  #listen: string | undefined
  #http: string | undefined
  seed: string | undefined
  id = ''
  address = ''
  httpAddress = ''

  constructor(options: PeerProcessOptions) {
    this.name = options.name
    this.logFile = options.logFile
    this.#options = options
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves to its exit code when it ends by itself or otherwise; null after a signal that it does not handle. */
  get exited(): Promise<number | null> {
    const child = this.#child
    if (child === undefined) throw new Error(`${this.name} was never started`)
    if (!this.running) return Promise.resolve(child.exitCode)
    return once(child, 'exit').then(([code]) => code as number | null)
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error(`${this.name} does not run`)
    return pid
  }

  /** Its ports stay the same from the first start on. */
  async start(): Promise<void> {
    const seed = this.seed === undefined ? [] : ['--seed', this.seed]
    const { host, program, args } = this.#options
    // Not any free one: while it is down, somebody else might be given that.
    const [listen, http] = host === undefined ? await freePorts(2) : [0, 0]
    this.#listen ??= `${host?.address ?? '127.0.0.1'}:${listen}`
    this.#http ??= `127.0.0.1:${http}`
    const join = ['join', '-o', 'jsonl', ...args, ...seed, '--listen', this.#listen, '--http', this.#http]
    const [command = '', ...words] = [...(host?.command ?? []), process.execPath, program, ...join]
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    this.#child = child
    child.stderr?.pipe(createWriteStream(this.logFile, { flags: 'a' }))
    if (child.stdout === null) throw new Error('a peer has an output')
    const exited = once(child, 'exit').then(([code]) => {
      throw new Error(`${this.name} ended with ${code} before it was ready; its log is ${this.logFile}`)
    })
    exited.catch(() => undefined)
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), exited])
    const { id, address, httpAddress } = JSON.parse(line)
    this.id = id
    this.address = address
    this.httpAddress = (await host?.reach(httpAddress)) ?? httpAddress
    this.#listen = new URL(address).host
    this.#http = new URL(httpAddress).host
  }

  async ready(): Promise<void> {
    await eventually(`${this.name} is ready`, async () => (await fetch(`${this.httpAddress}/readyz`)).ok)
  }

  client(signal: AbortSignal = new AbortController().signal): Client {
    return new Client({ url: this.httpAddress, tokenFile: undefined, timeoutMs: ANSWER_WITHIN_MS, signal })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** As a crash: nothing is told or written any more. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.running) return
    const exited = once(child, 'exit')
    child.kill(signal)
    let insisted = false
    const insist = setTimeout(() => {
      insisted = true
      child.kill('SIGKILL')
    }, STOP_WITHIN_MS)
    await exited
    clearTimeout(insist)
    if (insisted) {
      throw new Error(`${this.name} did not end within ${STOP_WITHIN_MS} ms of ${signal}; its log is ${this.logFile}`)
    }
  }
}
