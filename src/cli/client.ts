/** The API as the command line calls it: one peer, one deadline a request, problems as errors. */
import { readFileSync, statSync } from 'node:fs'
import { QuorateError } from '../errors.ts'
import type {
  CertificateView,
  JobSummary,
  LeaveView,
  LiveEvent,
  LostView,
  MemberView,
  RingView,
  StatusView,
  WindowPage,
} from '../http/api.ts'
import type { Problem } from '../http/problems.ts'
import type { Resolution } from '../replica/resolution.ts'

/** A peer's own answer that something went wrong. */
export class ProblemError extends Error {
  readonly problem: Problem
  /** What was sent, when the problem is about a document. */
  readonly document: DocumentToSubmit | undefined

  constructor(problem: Problem, document?: DocumentToSubmit) {
    super(problem.detail)
    this.name = 'ProblemError'
    this.problem = problem
    this.document = document
  }
}

export interface ClientOptions {
  readonly url: string
  readonly tokenFile: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Undefined values are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface DocumentToSubmit {
  readonly text: string
  readonly format: 'yaml' | 'toml' | 'json'
  readonly file?: string
}

/** A live event with the id to resume behind it; a gap tells of events that were missed. */
export type StreamedEvent =
  | { readonly kind: 'event'; readonly id: string; readonly event: LiveEvent }
  | { readonly kind: 'gap'; readonly gap: { readonly reason: string; readonly missed?: number } }

export class Client {
  readonly #options: ClientOptions
  #headers: Readonly<Record<string, string>> | undefined

  constructor(options: ClientOptions) {
    this.#options = options
  }

  async members(): Promise<readonly MemberView[]> {
    return (await this.#json<{ members: readonly MemberView[] }>('/v1/members')).members
  }

  ring(): Promise<RingView> {
    return this.#json('/v1/ring')
  }

  status(job: string | undefined): Promise<StatusView> {
    return this.#json('/v1/status', { job })
  }

  async jobs(): Promise<readonly JobSummary[]> {
    return (await this.#json<{ jobs: readonly JobSummary[] }>('/v1/jobs')).jobs
  }

  job(name: string): Promise<JobSummary> {
    return this.#json(`/v1/jobs/${encodeURIComponent(name)}`)
  }

  windows(job: string, query: Query): Promise<WindowPage> {
    return this.#json(`/v1/jobs/${encodeURIComponent(job)}/windows`, query)
  }

  certificates(job: string, query: Query): Promise<{ certificates: readonly CertificateView[]; next?: string }> {
    return this.#json(`/v1/jobs/${encodeURIComponent(job)}/certificates`, query)
  }

  submit(document: DocumentToSubmit): Promise<JobSummary> {
    return this.#send('POST', '/v1/jobs', document)
  }

  upgrade(job: string, document: DocumentToSubmit): Promise<JobSummary> {
    return this.#send('PUT', `/v1/jobs/${encodeURIComponent(job)}`, document)
  }

  async #send(method: string, path: string, document: DocumentToSubmit): Promise<JobSummary> {
    const { text, format, file } = document
    const init = { method, body: text, headers: { 'content-type': `application/${format}` } }
    try {
      return await this.#parse(await this.#request(path, { file }, init))
    } catch (error) {
      throw error instanceof ProblemError ? new ProblemError(error.problem, document) : error
    }
  }

  async deleteJob(name: string): Promise<void> {
    const response = await this.#request(`/v1/jobs/${encodeURIComponent(name)}`, {}, { method: 'DELETE' })
    await response.body?.cancel()
  }

  async changeJob(name: string, change: 'pause' | 'resume'): Promise<JobSummary> {
    return this.#parse(await this.#request(`/v1/jobs/${encodeURIComponent(name)}/${change}`, {}, { method: 'POST' }))
  }

  async resolveUnit(job: string, unit: string, order: Resolution): Promise<void> {
    const path = `/v1/jobs/${encodeURIComponent(job)}/units/${encodeURIComponent(unit)}/resolve`
    const response = await this.#request(path, { order }, { method: 'POST' })
    await response.body?.cancel()
  }

  async removeMember(peer: string, ban: boolean): Promise<void> {
    const query = ban ? { ban } : {}
    const response = await this.#request(`/v1/members/${encodeURIComponent(peer)}`, query, { method: 'DELETE' })
    await response.body?.cancel()
  }

  async loseMembers(peers: readonly string[]): Promise<LostView> {
    return this.#parse(await this.#request('/v1/lost-members', { peers: peers.join(',') }, { method: 'POST' }))
  }

  async leave(): Promise<LeaveView> {
    return this.#parse(await this.#request('/v1/leave', {}, { method: 'POST' }))
  }

  leaving(): Promise<LeaveView> {
    return this.#json('/v1/leave')
  }

  /** Ends when the connection does; the deadline is for the connection only. */
  async *events(lastEventId: string | undefined): AsyncGenerator<StreamedEvent> {
    const { readEvents } = await import('./event-stream.ts')
    const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const response = await this.#request('/v1/events', {}, { headers }, true)
    if (response.body === null) throw this.#notQuorate(response)
    try {
      yield* readEvents(response.body)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  async #json<Body>(path: string, query: Query = {}): Promise<Body> {
    return this.#parse(await this.#request(path, query, {}))
  }

  async #parse<Body>(response: Response): Promise<Body> {
    try {
      return (await response.json()) as Body
    } catch (error) {
      if (error instanceof SyntaxError) throw this.#notQuorate(response)
      throw this.#failure(error)
    }
  }

  async #request(path: string, query: Query, init: RequestInit, streaming = false): Promise<Response> {
    const url = new URL(`${this.#options.url}${path}`)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(timedOut(this.#options)), this.#options.timeoutMs)
    // While a body is still being read the deadline holds too, but the process need not wait for the timer.
    timer.unref()
    const signal = AbortSignal.any([this.#options.signal, deadline.signal])
    let response: Response
    try {
      const headers = { ...this.#authorization(), ...(init.headers as Record<string, string> | undefined) }
      // A redirect could carry the token elsewhere.
      response = await fetch(url, { ...init, headers, signal, redirect: 'error' })
    } catch (error) {
      throw this.#failure(error)
    } finally {
      if (streaming) clearTimeout(timer)
    }
    if (response.ok) return response
    const type = response.headers.get('content-type') ?? ''
    if (!type.startsWith('application/problem+json')) throw this.#notQuorate(response)
    throw new ProblemError(await this.#parse<Problem>(response))
  }

  #authorization(): Readonly<Record<string, string>> {
    const { tokenFile } = this.#options
    this.#headers ??= tokenFile === undefined ? {} : { authorization: `Bearer ${readToken(tokenFile)}` }
    return this.#headers
  }

  #failure(error: unknown): unknown {
    if (error instanceof QuorateError || this.#options.signal.aborted) return error
    const cause = error instanceof Error ? (error.cause ?? error) : error
    const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause)
    return new QuorateError(
      'QRT_UNREACHABLE',
      `no peer answers at ${this.#options.url} (${why}): start one with "quorate join" or "quorate demo", or name another with --url`,
      { cause: error },
    )
  }

  #notQuorate(response: Response): QuorateError {
    return new QuorateError(
      'QRT_UNREACHABLE',
      `${this.#options.url} answered ${response.status} in a form that no Quorate peer uses: check --url`,
    )
  }
}

const timedOut = ({ url, timeoutMs }: ClientOptions): QuorateError =>
  new QuorateError('QRT_TIMEOUT', `${url} did not answer within ${timeoutMs} ms: try again, or give --timeout`)

/** The file holds a token alone, or a line `role token` as a peer's tokens file does. */
function readToken(file: string): string {
  let text: string
  try {
    const mode = statSync(file).mode & 0o777
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new QuorateError(
        'QRT_CONFIG_INVALID',
        `${file} has mode 0${mode.toString(8)}, so others may read the token; run: chmod 600 ${file}`,
      )
    }
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause instanceof QuorateError) throw cause
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new QuorateError('QRT_CONFIG_INVALID', `the token file ${file} cannot be read (${reason})`, { cause })
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
  const token = lines.at(-1)?.trim().split(/\s+/).at(-1)
  if (token === undefined) throw new QuorateError('QRT_CONFIG_INVALID', `the token file ${file} is empty`)
  return token
}
