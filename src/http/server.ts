/** The HTTP server of a peer: the routes of routes.ts, probes, metrics, events and the dashboard, on hono. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { z } from 'zod'
import { QuorateError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { createLogger, type Logger } from '../logger.ts'
import type { PeerApi } from './api.ts'
import { type ApiToken, Authenticator, checkExposure } from './auth.ts'
import { readDocument } from './body.ts'
import { dashboardFiles } from './dashboard/files.ts'
import { drainable } from './drain.ts'
import { EventHub, type EventHubOptions } from './events.ts'
import { toJson } from './json.ts'
import { HTTP_TIMING } from './limits.ts'
import { openApiDocument } from './openapi.ts'
import { problemOf, problemResponse, requestInvalid } from './problems.ts'
import { ROUTES, type Route } from './routes.ts'
import { eventsQuery } from './schemas.ts'

export interface HttpOptions {
  /** Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number }
  /** None: everyone who reaches the address may do everything. */
  readonly tokens?: readonly ApiToken[]
  /** Allows an address other than loopback without tokens. */
  readonly insecure?: boolean
  readonly logger?: Logger
  readonly events?: EventHubOptions
}

export interface HttpServer {
  /** `http://host:port`, with the port that was taken. */
  readonly address: string
  /** Takes no more requests, ends event streams, and lets running requests end for a moment. */
  close(): Promise<void>
}

/** As nginx counts it. */
const CLIENT_LEFT = 499

/**
 * @throws QuorateError QRT_CONFIG_INVALID for an open API on a network address, or an address that cannot be taken
 */
export async function startHttp(api: PeerApi, options: HttpOptions): Promise<HttpServer> {
  const { host, port } = options.listen
  const tokens = options.tokens ?? []
  checkExposure(host, tokens.length > 0, options.insecure ?? false)
  const logger = options.logger ?? createLogger()
  const hub = new EventHub(api, options.events)
  const app = createApp(api, new Authenticator(tokens, host), hub, logger)
  // The global Request and Response stay Node's own: other parts of the process use fetch.
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server
  server.requestTimeout = HTTP_TIMING.requestMs
  const drain = drainable(server)
  try {
    await listen(server, host, port)
  } catch (error) {
    hub.close()
    throw error
  }
  const { port: taken } = server.address() as AddressInfo
  return {
    address: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close: () => {
      hub.close()
      return drain()
    },
  }
}

function createApp(api: PeerApi, authenticator: Authenticator, hub: EventHub, logger: Logger): Hono {
  const app = new Hono()
  app.use(async (c, next) => {
    authenticator.checkOrigin(c.req.raw.headers)
    await next()
    c.header('x-content-type-options', 'nosniff')
  })
  for (const route of ROUTES) {
    const path = route.path.replace(/\{(\w+)\}/g, ':$1')
    app.on(route.method.toUpperCase(), path, async (c) => {
      if (route.role !== undefined) authenticator.authorize(c.req.raw.headers, route.role)
      return answer(api, route, c)
    })
  }
  app.get('/v1/events', (c) => {
    authenticator.authorize(c.req.raw.headers, 'read')
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
    const { since } = parse(eventsQuery, singleQueries(c.req.queries())) as z.output<typeof eventsQuery>
    return new Response(hub.open(c.req.header('last-event-id') ?? since), { headers })
  })
  app.get('/metrics', async (c) => {
    authenticator.authorize(c.req.raw.headers, 'read')
    const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' }
    return new Response(await api.metrics(), { headers })
  })
  app.get('/livez', () => new Response('ok\n', { headers: { 'cache-control': 'no-store' } }))
  app.get('/v1/openapi.json', () => json(200, openApiDocument(ROUTES, api.version)))
  for (const file of dashboardFiles()) {
    app.get(file.path, () => new Response(file.body, { headers: file.headers }))
  }
  app.notFound((c) => problemResponse(problemOf(notFound(c), logger)))
  app.onError((error, c) => {
    // Nobody reads the answer of a client that left; that its body ended early is no failure of the peer.
    if (c.req.raw.signal.aborted) return new Response(null, { status: CLIENT_LEFT })
    return problemResponse(problemOf(error, logger))
  })
  return app
}

async function answer(api: PeerApi, route: Route, c: Context): Promise<Response> {
  const path = parse(route.pathSchema, c.req.param())
  const query = parse(route.querySchema, singleQueries(c.req.queries()))
  const document = route.takesDocument ? await readDocument(c.req.raw, LIMITS.documentBytes) : undefined
  const { status, body, location } = await route.run(api, path, query, document)
  if (status === 204) return new Response(null, { status })
  return json(status, body, location === undefined ? {} : { location })
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${toJson(body)}\n`, {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}

function parse(schema: z.ZodObject, values: Readonly<Record<string, string>>): unknown {
  const parsed = schema.safeParse(values)
  if (!parsed.success) throw requestInvalid(parsed.error, Object.keys(schema.shape))
  return parsed.data
}

/** A parameter given twice has no meaning that both ends would agree on. */
function singleQueries(queries: Readonly<Record<string, string[]>>): Record<string, string> {
  const single: Record<string, string> = {}
  for (const [name, values] of Object.entries(queries)) {
    const [value = ''] = values
    if (values.length > 1) throw new QuorateError('QRT_REQUEST_INVALID', `${name} is given ${values.length} times`)
    single[name] = value
  }
  return single
}

function notFound(c: Context): QuorateError {
  const methods = ROUTES.filter((route) => new RegExp(`^${route.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(c.req.path))
    .map((route) => route.method.toUpperCase())
    .join(', ')
  const hint = methods === '' ? 'the routes are listed at /v1/openapi.json' : `it takes ${methods}`
  return new QuorateError('QRT_NOT_FOUND', `${c.req.method} ${c.req.path} does not exist; ${hint}`)
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const why = error.code === 'EADDRINUSE' ? 'another process has it: choose another port' : error.message
      reject(new QuorateError('QRT_CONFIG_INVALID', `cannot listen on ${host}:${port}: ${why}`, { cause: error }))
    }
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
}
