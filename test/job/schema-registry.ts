/** A schema registry on loopback that speaks Confluent's API as far as its readers do: subjects, versions, ids. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Version {
  readonly id: number
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly unknown[]
}

export class SchemaRegistry {
  readonly #subjects = new Map<string, Version[]>()
  readonly #ids = new Map<string, number>()
  readonly #server: Server
  readonly asked: string[] = []
  readonly authorizations: (string | undefined)[] = []
  /** Answers this to everything, when set. */
  broken: { readonly status: number; readonly body: string } | undefined

  constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url ?? ''
      this.asked.push(path)
      this.authorizations.push(request.headers.authorization)
      const { status, body } = this.broken ?? this.#answer(path)
      response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(body)
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  /** The same schema has the same id in every subject, as in Confluent's. */
  register(subject: string, schema: string, more: Omit<Version, 'id' | 'schema'> = {}): number {
    const id = this.#ids.get(schema) ?? this.#ids.size + 1
    this.#ids.set(schema, id)
    const versions = this.#subjects.get(subject) ?? []
    versions.push({ id, schema, ...more })
    this.#subjects.set(subject, versions)
    return id
  }

  #answer(path: string): { status: number; body: string } {
    const [, name = '', number] = /^\/subjects\/([^/]+)\/versions(?:\/(\d+))?$/.exec(path) ?? []
    const subject = decodeURIComponent(name)
    const versions = this.#subjects.get(subject)
    if (versions === undefined) return notFound(40401, `Subject '${subject}' not found.`)
    if (number === undefined) return { status: 200, body: JSON.stringify(versions.map((_, i) => i + 1)) }
    const version = versions[Number(number) - 1]
    if (version === undefined) return notFound(40402, `Version ${number} not found.`)
    return { status: 200, body: JSON.stringify({ subject, version: Number(number), ...version }) }
  }
}

const notFound = (code: number, message: string) => ({
  status: 404,
  body: JSON.stringify({ error_code: code, message }),
})
