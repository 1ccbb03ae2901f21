/** Every route against a peer in memory: answers fit their published schemas, faults fit the problem schema. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { QuorateError } from '../../src/errors.ts'
import { dashboardFiles } from '../../src/http/dashboard/files.ts'
import { ROUTES } from '../../src/http/routes.ts'
import { problemAnswer } from '../../src/http/schemas.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { createLogger } from '../../src/logger.ts'
import { FakePeer } from './fake-peer.ts'

let peer: FakePeer
let server: HttpServer
const logged: string[] = []

before(async () => {
  peer = new FakePeer()
  const logger = createLogger({ write: (line) => logged.push(line) })
  server = await startHttp(peer, { listen: { host: '127.0.0.1', port: 0 }, logger })
})
after(() => server.close())
beforeEach(() => {
  peer.failure = undefined
  peer.notReady = []
})

const get = (path: string, init?: RequestInit) => fetch(`${server.address}${path}`, init)

async function problem(response: Response, status: number, code: string) {
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  const body = problemAnswer.strict().parse(await response.json())
  assert.deepEqual([response.status, body.status, body.code], [status, status, code], body.detail)
  return body
}

const YAML = { 'content-type': 'application/yaml' }
const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = YAML, query = '') =>
  get(`/v1/jobs${query}`, { method: 'POST', body, headers })

describe('reading', () => {
  for (const route of ROUTES.filter((candidate) => candidate.method === 'get')) {
    it(`${route.path} answers in its published schema`, async () => {
      const response = await get(route.path.replace('{name}', 'flight-delays'))
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), 'application/json')
      route.answers[200]!.parse(await response.json())
    })
  }

  it('passes every parameter of a windows query, validated', async () => {
    const query =
      'key=%22ORD%22&from=2001-01-14T00:00:00Z&to=1000000000000&open=true&stale=true&limit=1000&cursor=page-2'
    assert.equal((await get(`/v1/jobs/flight-delays/windows?${query}`)).status, 200)
    assert.deepEqual(peer.queries.at(-1), {
      job: 'flight-delays',
      key: 'ORD',
      from: Date.UTC(2001, 0, 14),
      to: 1_000_000_000_000,
      open: true,
      stale: true,
      limit: 1000,
      cursor: 'page-2',
    })
  })

  it('keeps integers beyond 2^53 exact in both directions', async () => {
    const response = await get('/v1/jobs/flight-delays/windows?key=9007199254740993')
    assert.equal(peer.queries.at(-1)?.key, 9_007_199_254_740_993n)
    const page = (await response.json()) as { rows: { values: { flights: unknown } }[] }
    assert.deepEqual(
      page.rows.map((row) => row.values.flights),
      [12, '9007199254740993'],
    )
  })

  it('says which job is not known, and which are', async () => {
    const routes = ['/v1/status?job=fligt-delays', '/v1/jobs/fligt-delays']
    for (const part of ['windows', 'dead-letters', 'certificates']) routes.push(`/v1/jobs/fligt-delays/${part}`)
    for (const path of routes) {
      const { detail } = await problem(await get(path), 404, 'QRT_JOB_UNKNOWN')
      assert.match(detail, /flight-delays/)
    }
  })
})

describe('parameters', () => {
  const refused: [query: string, pointer: string][] = [
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['open=yes', 'open'],
    ['key=ORD', 'key'],
    ['from=yesterday', 'from'],
    ['from=2001-01-14', 'from'],
    ['to=2001-02-31T99:00:00Z', 'to'],
    [`cursor=${'x'.repeat(1025)}`, 'cursor'],
    ['Limit=5', 'Limit'],
  ]
  for (const [query, pointer] of refused) {
    it(`${query.slice(0, 30)} is refused by name`, async () => {
      const response = await get(`/v1/jobs/flight-delays/windows?${query}`)
      const { errors } = await problem(response, 400, 'QRT_REQUEST_INVALID')
      assert.equal(errors?.[0]?.pointer, pointer)
    })
  }

  it('refuses a parameter given twice, and an interval that ends before it begins', async () => {
    await problem(await get('/v1/jobs/flight-delays/windows?limit=1&limit=2'), 400, 'QRT_REQUEST_INVALID')
    await problem(await get('/v1/jobs/flight-delays/windows?from=10&to=10'), 400, 'QRT_REQUEST_INVALID')
  })

  it('refuses parameters where there are none', async () => {
    const { detail } = await problem(await get('/v1/members?all=true'), 400, 'QRT_REQUEST_INVALID')
    assert.match(detail, /all: unknown parameter/)
  })
})

describe('submitting and deleting', () => {
  it('takes a document in each format, by content type or ?format=', async () => {
    const sent: [Record<string, string>, string, string][] = [
      [{ 'content-type': 'application/yaml; charset=utf-8' }, '', 'yaml'],
      [{ 'content-type': 'application/toml' }, '', 'toml'],
      [{ 'content-type': 'application/json' }, '', 'json'],
      [{ 'content-type': 'application/x-www-form-urlencoded' }, '?format=toml', 'toml'],
    ]
    for (const [headers, query, format] of sent) {
      const response = await post('name: ü', headers, query)
      assert.equal(response.status, 201)
      assert.equal(response.headers.get('location'), '/v1/jobs/submitted')
      assert.deepEqual(peer.submitted.at(-1), { text: 'name: ü', format })
    }
  })

  it('passes the name of the file on, for messages', async () => {
    await post('name: x', YAML, '?file=jobs%2Fx.yaml')
    assert.equal(peer.submitted.at(-1)?.file, 'jobs/x.yaml')
  })

  it('asks for the format where nothing says it', async () => {
    const { detail } = await problem(
      await post('name: x', { 'content-type': 'text/plain' }),
      400,
      'QRT_REQUEST_INVALID',
    )
    assert.match(detail, /\?format=/)
  })

  it('refuses an empty body and one that is not UTF-8', async () => {
    await problem(await post(''), 400, 'QRT_REQUEST_INVALID')
    await problem(await post(new Uint8Array([0xff, 0xfe])), 400, 'QRT_REQUEST_INVALID')
  })

  it('takes 256 KiB and refuses one byte more, declared or streamed', async () => {
    assert.equal((await post('x'.repeat(256 * 1024))).status, 201)
    await problem(await post('x'.repeat(256 * 1024 + 1)), 413, 'QRT_BODY_TOO_LARGE')
    assert.match(await streamTooMuch(), /^HTTP\/1\.1 413 /)
  })

  it('does not take a client that leaves in mid-body for a failure of its own', async () => {
    const before = logged.length
    const { hostname, port } = new URL(server.address)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.write(
      `POST /v1/jobs HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/yaml\r\ncontent-length: 100\r\n\r\nname`,
    )
    await fetch(`${server.address}/livez`)
    socket.destroy()
    await once(socket, 'close')
    // Two answers later the server has seen that it left.
    for (const path of ['/livez', '/v1/members']) await (await get(path)).text()
    assert.deepEqual(logged.slice(before), [])
  })

  it('passes the faults of a document with their places, and nothing else of them', async () => {
    const fault = { pointer: '/quorum/write', line: 9, column: 24, message: 'W > N', suggestion: 'write: 3' }
    peer.failure = Object.assign(new QuorateError('QRT_JOB_INVALID', 'x.yaml: 1 error'), {
      errors: [{ ...fault, internal: 'not for callers' }],
    })
    const { errors } = await problem(await post('name: x'), 422, 'QRT_JOB_INVALID')
    assert.deepEqual(errors, [fault])
  })

  it('deletes a job once', async () => {
    assert.equal((await get('/v1/jobs/submitted', { method: 'DELETE' })).status, 204)
    await problem(await get('/v1/jobs/nothing', { method: 'DELETE' }), 404, 'QRT_JOB_UNKNOWN')
  })
})

describe('operating', () => {
  const order = (path: string, method = 'POST') => get(`/v1/${path}`, { method })

  it('pauses a job and lets it go on, as often as it is asked to', async () => {
    for (const [change, state] of [
      ['pause', 'paused'],
      ['pause', 'paused'],
      ['resume', 'running'],
      ['resume', 'running'],
    ]) {
      const response = await order(`jobs/flight-delays/${change}`)
      assert.equal(response.status, 200)
      assert.equal(((await response.json()) as { state: string }).state, state)
    }
    await problem(await order('jobs/fligt-delays/pause'), 404, 'QRT_JOB_UNKNOWN')
  })

  it('passes an order about a unit on, and knows three of them', async () => {
    for (const word of ['retry', 'accept-gap', 'settle']) {
      assert.equal((await order(`jobs/flight-delays/units/0:3/resolve?order=${word}`)).status, 204)
      assert.deepEqual(peer.orders.at(-1), { job: 'flight-delays', unit: '0:3', order: word })
    }
    const { errors } = await problem(
      await order('jobs/flight-delays/units/3/resolve?order=forget'),
      400,
      'QRT_REQUEST_INVALID',
    )
    assert.equal(errors?.[0]?.pointer, 'order')
    await problem(await order('jobs/flight-delays/units/x/resolve?order=retry'), 400, 'QRT_REQUEST_INVALID')
    peer.failure = new QuorateError('QRT_UNIT_REFUSED', 'it waits for nothing')
    await problem(await order('jobs/flight-delays/units/3/resolve?order=retry'), 409, 'QRT_UNIT_REFUSED')
  })

  it('removes a member by name or id, for good when that is asked for', async () => {
    assert.equal((await order('members/cy', 'DELETE')).status, 204)
    assert.equal((await order(`members/${peer.ids[2]}?ban=true`, 'DELETE')).status, 204)
    assert.deepEqual(peer.removed, [
      { peer: 'cy', ban: false },
      { peer: peer.ids[2], ban: true },
    ])
    peer.failure = new QuorateError('QRT_MEMBER_UNKNOWN', 'nobody')
    await problem(await order('members/nobody', 'DELETE'), 404, 'QRT_MEMBER_UNKNOWN')
  })
})

describe('leaving', () => {
  const leave = () => get('/v1/leave', { method: 'POST' })

  it('is accepted, and told of until it is done', async () => {
    const waitingFor = ['the view still names this peer']
    const leaving = { state: 'leaving', waitingFor, units: { total: 3, left: 2 } } as const
    const left = { state: 'left', waitingFor: [], units: { total: 3, left: 0 } } as const
    peer.leaveViews = [leaving, left]
    const response = await leave()
    assert.equal(response.status, 202)
    assert.deepEqual(await response.json(), leaving)
    assert.deepEqual(await (await get('/v1/leave')).json(), left)
  })

  it('is a conflict where the others could not go on', async () => {
    peer.failure = new QuorateError('QRT_MEMBER_REFUSED', 'the last one')
    await problem(await leave(), 409, 'QRT_MEMBER_REFUSED')
  })
})

describe('upgrading a job', () => {
  const put = (path: string, text: string, type = 'application/yaml') =>
    get(path, { method: 'PUT', body: text, headers: { 'content-type': type } })

  it('passes the document to the job that is named', async () => {
    const response = await put('/v1/jobs/flight-delays', 'name: flight-delays')
    assert.equal(response.status, 200)
    assert.equal(((await response.json()) as { revision: number }).revision, 1)
    assert.deepEqual(peer.submitted.at(-1), { text: 'name: flight-delays', format: 'yaml' })
  })

  it('says that there is no such job, that the format is not known, and what does not fit', async () => {
    await problem(await put('/v1/jobs/fligt-delays', 'name: x'), 404, 'QRT_JOB_UNKNOWN')
    await problem(await put('/v1/jobs/flight-delays', 'name: x', 'text/plain'), 400, 'QRT_REQUEST_INVALID')
    peer.failure = new QuorateError('QRT_JOB_INCOMPATIBLE', 'the window differs')
    await problem(await put('/v1/jobs/flight-delays', 'name: x'), 409, 'QRT_JOB_INCOMPATIBLE')
  })
})

describe('errors', () => {
  it('map their code to one status', async () => {
    const cases = [
      ['QRT_QUORUM_NOT_MET', 503],
      ['QRT_TIMEOUT', 504],
      ['QRT_JOB_CONFLICT', 409],
    ] as const
    for (const [code, status] of cases) {
      peer.failure = new QuorateError(code, 'told')
      await problem(await get('/v1/jobs/flight-delays/certificates'), status, code)
    }
  })

  it('say of a write that its outcome is not known', async () => {
    peer.failure = new QuorateError('QRT_TIMEOUT', 'no majority answered in time', { indefinite: true })
    assert.equal((await problem(await post('name: x'), 504, 'QRT_TIMEOUT')).indefinite, true)
  })

  it('that nobody expected are logged under a reference and not told', async () => {
    peer.failure = new Error('secret detail')
    const { detail } = await problem(await get('/v1/jobs/flight-delays/dead-letters'), 500, 'QRT_INTERNAL')
    assert.doesNotMatch(detail, /secret detail/)
    const [reference = 'none'] = /[0-9a-f-]{36}/.exec(detail) ?? []
    assert.match(logged.join(''), new RegExp(`${reference}.*secret detail`))
  })

  it('name the methods of a path, or where the routes are listed', async () => {
    const wrongMethod = await problem(await get('/v1/jobs/x', { method: 'PATCH' }), 404, 'QRT_NOT_FOUND')
    assert.match(wrongMethod.detail, /GET, PUT, DELETE/)
    const wrongPath = await problem(await get('/v2/jobs'), 404, 'QRT_NOT_FOUND')
    assert.match(wrongPath.detail, /openapi/)
  })
})

describe('probes and documents', () => {
  it('livez is alive while readyz says why it is not ready', async () => {
    peer.notReady = ['fewer than 2 of 3 members answer']
    assert.equal((await get('/livez')).status, 200)
    const response = await get('/readyz')
    assert.equal(response.status, 503)
    assert.deepEqual(await response.json(), { ready: false, reasons: peer.notReady })
  })

  it('metrics are text for Prometheus', async () => {
    const response = await get('/metrics')
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    assert.match(await response.text(), /quorate_certificates_total 2/)
  })

  it('OpenAPI lists every route, its parameters and bounds', async () => {
    const document = (await (await get('/v1/openapi.json')).json()) as {
      openapi: string
      paths: Record<string, Record<string, { operationId: string; parameters?: { name: string; schema: unknown }[] }>>
    }
    assert.equal(document.openapi, '3.1.0')
    for (const route of ROUTES) assert.ok(document.paths[route.path]?.[route.method], `${route.method} ${route.path}`)
    const windows = document.paths['/v1/jobs/{name}/windows']!.get!
    assert.deepEqual(
      windows.parameters?.map((parameter) => parameter.name),
      ['name', 'key', 'from', 'to', 'open', 'stale', 'limit', 'cursor'],
    )
    const limit = windows.parameters?.find((parameter) => parameter.name === 'limit')
    assert.deepEqual(limit?.schema, { type: 'integer', minimum: 1, maximum: 1000, default: 100 })
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
    assert.equal(new Set(operations.map((operation) => operation.operationId)).size, operations.length)
  })

  it('the dashboard runs only its own files', async () => {
    for (const { path } of dashboardFiles()) {
      const response = await get(path)
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/)
      const text = await response.text()
      assert.doesNotMatch(text, /https?:\/\/(?!www\.w3\.org)/, 'names another host')
      assert.doesNotMatch(text, /style="|<script>|onclick=/, 'is against its own policy')
    }
  })
})

/** A body without a declared length, over the bound; answers with the first line of the response. */
async function streamTooMuch(): Promise<string> {
  const { hostname, port } = new URL(server.address)
  const socket = connect(Number(port), hostname)
  const answered = new Promise<string>((resolve, reject) => {
    socket.once('data', (data) => resolve(data.toString()))
    socket.once('error', reject)
  })
  const head = `POST /v1/jobs HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/yaml\r\ntransfer-encoding: chunked\r\n\r\n`
  socket.write(head)
  const chunk = 'x'.repeat(64 * 1024)
  for (let i = 0; i < 5; i++) socket.write(`10000\r\n${chunk}\r\n`)
  try {
    return await answered
  } finally {
    socket.destroy()
  }
}
