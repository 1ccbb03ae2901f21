/**
 * An engine for the containers of a Compose project whose containers are processes of this machine: it listens on a socket and
 * knows of Docker's API what chaos.ts asks for. A container keeps its environment and its folder when it is started again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { createServer, type Server } from 'node:http'

export interface ContainerOptions {
  readonly service: string
  readonly args: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly logFile: string
}

const INSIST_AFTER_MS = 30_000

class Container {
  readonly #options: ContainerOptions
  #child: ChildProcess | undefined

  constructor(options: ContainerOptions) {
    this.#options = options
  }

  get service(): string {
    return this.#options.service
  }
  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  start(): void {
    if (this.running) return
    const { args, environment, logFile } = this.#options
    const child = spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    const log = createWriteStream(logFile, { flags: 'a' })
    child.stdout?.pipe(log)
    child.stderr?.pipe(log)
    this.#child = child
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.running) return
    const ends = signal === 'SIGKILL' || signal === 'SIGTERM'
    const exited = ends ? once(child, 'exit') : undefined
    child.kill(signal)
    if (exited === undefined) return
    const insist = setTimeout(() => child.kill('SIGKILL'), INSIST_AFTER_MS)
    await exited
    clearTimeout(insist)
  }
}

export class Engine {
  /** What was done to which service, in order. */
  readonly done: string[] = []
  readonly #project: string
  readonly #containers: readonly Container[]
  readonly #server: Server

  constructor(project: string, containers: readonly ContainerOptions[]) {
    this.#project = project
    this.#containers = containers.map((options) => new Container(options))
    this.#server = createServer((request, response) => {
      this.#answer(request.method ?? '', new URL(request.url ?? '', 'http://engine')).then(
        ({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(body),
        (error) => response.writeHead(500).end(JSON.stringify({ message: String(error) })),
      )
    })
  }

  async start(socket: string): Promise<void> {
    for (const container of this.#containers) container.start()
    this.#server.listen(socket)
    await once(this.#server, 'listening')
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await Promise.all(
      this.#containers.map(async (container) => {
        await container.signal('SIGCONT')
        await container.signal('SIGTERM')
      }),
    )
  }

  async #answer(method: string, { pathname, searchParams }: URL): Promise<{ status: number; body: string }> {
    if (method === 'GET' && pathname === '/containers/json') {
      const { label } = JSON.parse(searchParams.get('filters') ?? '{}') as { readonly label: readonly string[] }
      const found = this.#containers.filter(({ service }) => {
        const own = [`com.docker.compose.project=${this.#project}`, `com.docker.compose.service=${service}`]
        return label.every((wanted) => own.includes(wanted))
      })
      return { status: 200, body: JSON.stringify(found.map(({ service }) => ({ Id: `id-of-${service}` }))) }
    }
    const [, service = '', action = ''] = /^\/containers\/id-of-(\w+)\/(\w+)$/.exec(pathname) ?? []
    const container = this.#containers.find((one) => one.service === service)
    if (method !== 'POST' || container === undefined) return { status: 404, body: '{"message":"no such thing"}' }
    this.done.push(`${action} ${service}`)
    switch (action) {
      case 'kill':
        await container.signal(searchParams.get('signal') as NodeJS.Signals)
        break
      case 'stop':
        await container.signal('SIGTERM')
        break
      case 'start':
        container.start()
        break
      case 'pause':
        await container.signal('SIGSTOP')
        break
      case 'unpause':
        await container.signal('SIGCONT')
        break
      default:
        return { status: 404, body: '{"message":"no such action"}' }
    }
    return { status: 204, body: '' }
  }
}
