/**
 * A YAML language server as editors start it, spoken to over its standard input and output: a frame is a header with the
 * length of the JSON behind it. Documents are opened under the path that they would have, without being written there.
 */
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'

const PROGRAM = fileURLToPath(import.meta.resolve('yaml-language-server/bin/yaml-language-server'))
const ANSWER_WITHIN_MS = 60_000

/** Counted from 0, as the protocol has it. */
export interface Place {
  readonly line: number
  readonly character: number
}

export interface Diagnostic {
  readonly range: { readonly start: Place; readonly end: Place }
  readonly message: string
}

export interface Completion {
  readonly label: string
  /** A text, or a text with its kind. */
  readonly documentation?: string | { readonly value: string }
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

export class LanguageServer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers = new Map<number, (message: Message) => void>()
  readonly #diagnosed = new Map<string, (diagnostics: readonly Diagnostic[]) => void>()
  #received = Buffer.alloc(0)
  #requests = 0

  private constructor() {
    this.#child = spawn(process.execPath, [PROGRAM, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdout.on('data', (bytes: Buffer) => this.#take(bytes))
  }

  static async start(): Promise<LanguageServer> {
    const server = new LanguageServer()
    const capabilities = { textDocument: { hover: { contentFormat: ['markdown'] } } }
    await server.#ask('initialize', { processId: process.pid, rootUri: null, capabilities })
    server.#send({ method: 'initialized', params: {} })
    return server
  }

  async stop(): Promise<void> {
    this.#child.kill()
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }

  /** Opens a document; resolves to what is wrong with it. */
  open(path: string, text: string): Promise<readonly Diagnostic[]> {
    const uri = pathToFileURL(path).href
    const diagnosed = new Promise<readonly Diagnostic[]>((resolve) => {
      this.#diagnosed.set(uri, resolve)
    })
    this.#send({
      method: 'textDocument/didOpen',
      params: { textDocument: { uri, languageId: 'yaml', version: 1, text } },
    })
    return within(diagnosed, `diagnostics of ${path}`)
  }

  async complete(path: string, position: Place): Promise<readonly Completion[]> {
    const params = { textDocument: { uri: pathToFileURL(path).href }, position }
    const list = (await this.#ask('textDocument/completion', params)) as { readonly items: readonly Completion[] }
    return list.items
  }

  /** What an editor shows beside the pointer. */
  async hover(path: string, position: Place): Promise<string> {
    const params = { textDocument: { uri: pathToFileURL(path).href }, position }
    const shown = (await this.#ask('textDocument/hover', params)) as { readonly contents: { readonly value: string } }
    return shown?.contents.value ?? ''
  }

  async #ask(method: string, params: unknown): Promise<unknown> {
    this.#requests += 1
    const id = this.#requests
    const answered = new Promise<Message>((resolve) => {
      this.#answers.set(id, resolve)
    })
    this.#send({ id, method, params })
    const { result, error } = await within(answered, method)
    assert.equal(error, undefined)
    return result
  }

  #send(message: Message): void {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message })
    this.#child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes])
    for (;;) {
      const header = this.#received.indexOf('\r\n\r\n')
      if (header === -1) return
      const [, length] = /Content-Length: (\d+)/.exec(this.#received.subarray(0, header).toString()) ?? []
      const end = header + 4 + Number(length)
      if (this.#received.length < end) return
      const message = JSON.parse(this.#received.subarray(header + 4, end).toString()) as Message
      this.#received = this.#received.subarray(end)
      this.#handle(message)
    }
  }

  #handle({ id, method, params, result, error }: Message): void {
    if (method === 'textDocument/publishDiagnostics') {
      const { uri, diagnostics } = params as { readonly uri: string; readonly diagnostics: readonly Diagnostic[] }
      this.#diagnosed.get(uri)?.(diagnostics)
    } else if (method === 'workspace/configuration') {
      // Schemas of the whole world are not asked for: a job names its own.
      const { items } = params as { readonly items: readonly { readonly section: string }[] }
      const settings = items.map(({ section }) => (section === 'yaml' ? { schemaStore: { enable: false } } : null))
      this.#send({ id, result: settings } as Message)
    } else if (method === undefined && id !== undefined) {
      this.#answers.get(id)?.({ result, error } as Message)
      this.#answers.delete(id)
    } else if (id !== undefined) this.#send({ id, result: null })
  }
}

async function within<T>(answer: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the language server gave no answer: ${what}`)), ANSWER_WITHIN_MS)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
