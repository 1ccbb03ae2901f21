/**
 * The demo's peers: processes of this very program, each with its own data directory, that share a log and a secret. They
 * can be killed and started again, and they end when the demo does, however it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { QuorateError } from '../errors.ts'

export interface PeerAddress {
  readonly id: string
  readonly name: string
  /** `ws://host:port` */
  readonly address: string
  /** `http://host:port` */
  readonly httpAddress: string
}

export interface DemoPeer extends PeerAddress {
  readonly running: boolean
  /** Ends the process as a crash does. */
  kill(): Promise<void>
  /** Starts it again on its data. */
  restart(): Promise<void>
}

const STOP_WITHIN_MS = 10_000

export class DemoPeers {
  readonly #directory: string
  readonly #secretFile: string
  readonly #processes: PeerProcess[] = []

  /** @param directory of the demo; everything it writes is in there */
  constructor(directory: string) {
    this.#directory = directory
    this.#secretFile = join(directory, 'secret')
    writeFileSync(this.#secretFile, randomBytes(32).toString('hex'), { mode: 0o600 })
  }

  get all(): readonly DemoPeer[] {
    return this.#processes
  }

  get logDirectory(): string {
    return join(this.#directory, 'log')
  }

  /** Starts a cluster of these names; resolves when every process has its addresses. */
  async start(names: readonly string[], httpPort: number): Promise<void> {
    const start = async (name: string, index: number, seeds: readonly string[]): Promise<void> => {
      const directory = join(this.#directory, name)
      const peer = new PeerProcess(name, directory, [
        ...['--name', name, '--data', directory, '--log', `embedded:${this.logDirectory}`, '--log-format', 'json'],
        ...['--secret-file', this.#secretFile, '--bootstrap-expect', String(names.length), '--workers', '1'],
        ...seeds,
      ])
      this.#processes[index] = peer
      await peer.start('127.0.0.1:0', `127.0.0.1:${httpPort === 0 ? 0 : httpPort + index}`)
    }
    const [first = '', ...others] = names
    await start(first, 0, [])
    const seeds = ['--seed', this.#processes[0]?.address ?? '']
    await Promise.all(others.map((name, index) => start(name, index + 1, seeds)))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((peer) => peer.stop()))
  }
}

class PeerProcess implements DemoPeer {
  readonly name: string
  readonly #logFile: string
  readonly #args: readonly string[]
  #child: ChildProcess | undefined
  id = ''
  address = ''
  httpAddress = ''

  constructor(name: string, directory: string, args: readonly string[]) {
    this.name = name
    this.#logFile = `${directory}.log`
    this.#args = args
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Ports 0: free ones are taken, and kept from then on. */
  async start(listen: string, http: string): Promise<void> {
    const [program = ''] = process.argv.slice(1)
    const args = [
      ...process.execArgv,
      program,
      'join',
      '-o',
      'jsonl',
      ...this.#args,
      '--listen',
      listen,
      '--http',
      http,
    ]
    // A group of its own: Ctrl-C is for the demo, which stops its peers. The channel ends with the demo, and they with it.
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true })
    this.#child = child
    if (child.stdout === null || child.stderr === null) throw new QuorateError('QRT_INTERNAL', 'a peer has no output')
    child.stderr.pipe(createWriteStream(this.#logFile, { flags: 'a' }))
    let lastWords = ''
    createInterface(child.stderr).on('line', (line) => {
      lastWords = line
    })
    const lines = createInterface(child.stdout)
    // Once its output is read: the last line of its log is why. The demo's folder is gone when somebody could look there.
    const ended = once(child, 'close').then(([code]) => {
      const what = `the peer ${this.name} ended with code ${code} before it was ready: ${reasonOf(lastWords)}`
      throw new QuorateError('QRT_WORKER_FAILED', what)
    })
    ended.catch(() => undefined)
    const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
    const { id, address, httpAddress } = JSON.parse(line) as PeerAddress
    this.id = id
    this.address = address
    this.httpAddress = httpAddress
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async restart(): Promise<void> {
    await this.start(new URL(this.address).host, new URL(this.httpAddress).host)
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.running) return
    const exited = once(child, 'exit')
    child.kill(signal)
    const insist = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
    await exited
    clearTimeout(insist)
  }
}

/** What a peer says at its end is an error as scripts read it; anything else is shown as it is. */
function reasonOf(line: string): string {
  try {
    return (JSON.parse(line) as { readonly detail?: string }).detail ?? line
  } catch {
    return line
  }
}
