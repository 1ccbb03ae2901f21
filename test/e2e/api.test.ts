/**
 * The HTTP API of real peers: four of them with three replicas a unit, so that every peer is asked about units that it does
 * not hold. Flights of one week in twelve partitions, with records among them that no window takes.
 */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import type { StreamedEvent } from '../../src/cli/client.ts'
import { readEvents } from '../../src/cli/event-stream.ts'
import type { CertificateView, JobSummary, RingView, StatusView, WindowPage } from '../../src/http/api.ts'
import type { Problem } from '../../src/http/problems.ts'
import { eventually } from '../eventually.ts'
import { delayRows, type FlightRecord, flightRecords } from './flights.ts'
import { FlightsCluster, JOB, jobText, TOPIC } from './flights-cluster.ts'
import type { PeerProcess, Peers } from './peers.ts'
import { PublishedApi } from './published-api.ts'

const PARTITIONS = 12
const ANSWER_WITHIN_MS = 120_000
const NAMES = ['ada', 'bo', 'cy', 'dee']

const flights = flightRecords().filter(({ date }) => date < '2001/01/08')
/** Behind every watermark by days: late wherever it goes. */
const late: FlightRecord = { date: '2001/01/01 00:00', delay: 1, distance: 500, origin: 'ORD', destination: 'SFO' }
const unreadable = [
  '{"date":',
  '{"date":"2001/01/07 12:00"}',
  '{"date":"soon","distance":200,"origin":"ORD","delay":0}',
]

let cluster: FlightsCluster
let peers: Peers
let api: PublishedApi

before(async () => {
  cluster = await FlightsCluster.start({ names: NAMES, partitions: PARTITIONS })
  peers = cluster.peers
  api = await PublishedApi.of(peers.all[0]!.httpAddress)
  await cluster.append(flights)
  await cluster.submit()
  await cluster.settled()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await cluster.appendText(partition, [...unreadable, JSON.stringify(late)])
  }
  await cluster.settled()
  // A cut that replicas decided on is in place when all of them have heard of its term: until then they answer nothing.
  for (const peer of peers.all) {
    await eventually(`${peer.name} knows who holds what, and is answered`, async () => {
      const { units } = await peer.client().ring()
      await peer.client().windows(JOB, { limit: 1000 })
      return units.length === PARTITIONS && units.every(({ replicas }) => replicas.length === 3)
    })
  }
})
after(() => cluster?.stop())

/** A GET of a published path with its parameters filled in, read as it is published. */
async function get<Body>(peer: PeerProcess, path: string, query: Record<string, string> = {}): Promise<Body> {
  const search = new URLSearchParams(query).toString()
  const response = await fetch(`${peer.httpAddress}${path.replace('{name}', JOB)}${search === '' ? '' : `?${search}`}`)
  assert.equal(response.status, 200, await described(response))
  return (await api.read('get', path, response)) as Body
}

const described = async (response: Response) => `${response.url} → ${await response.clone().text()}`

/** Every page, each asked of the next peer: a cursor is good at any of them. */
async function everyPage<Page extends { next?: string }>(path: string, query: Record<string, string>): Promise<Page[]> {
  const pages: Page[] = []
  let cursor: string | undefined
  do {
    const peer = peers.all[pages.length % peers.all.length]!
    const page = await get<Page>(peer, path, { ...query, ...(cursor === undefined ? {} : { cursor }) })
    pages.push(page)
    cursor = page.next
    assert.ok(pages.length < 2_000, `${path} has no last page`)
  } while (cursor !== undefined)
  return pages
}

describe('every peer', () => {
  it('answers every route as the published description says', async () => {
    const paths = api.readable
    assert.ok(paths.length >= 9)
    for (const peer of peers.all) for (const path of paths) await get(peer, path)
  })

  it('tells of all units, those that it does not hold among them', async () => {
    const rings = await Promise.all(peers.all.map((peer) => get<RingView>(peer, '/v1/ring')))
    for (const ring of rings) {
      assert.deepEqual(ring, rings[0])
      assert.equal(ring.units.length, PARTITIONS)
    }
    const held = peers.all.map(
      ({ id }) => rings[0]!.units.filter(({ replicas }) => replicas.includes(id as never)).length,
    )
    assert.equal(
      held.reduce((sum, units) => sum + units, 0),
      3 * PARTITIONS,
    )
    assert.ok(Math.min(...held) < PARTITIONS, 'some peer is asked about units that it does not hold')
    for (const peer of peers.all) {
      const { units, reasons } = await get<StatusView>(peer, '/v1/status', { job: JOB })
      assert.deepEqual(reasons, [])
      assert.equal(units.length, PARTITIONS)
      for (const unit of units) {
        assert.equal(unit.replicas.length, 3)
        assert.equal(unit.offset, unit.endOffset)
        assert.ok(unit.watermark !== undefined)
      }
    }
  })

  it('gives the rows of an independent computation, each with a certificate of two signers', async () => {
    const expected = delayRows(flights)
    for (const peer of peers.all) {
      const page = await get<WindowPage>(peer, '/v1/jobs/{name}/windows', { limit: '1000' })
      assert.equal(page.next, undefined)
      assert.equal(page.mayBeStale, false)
      for (const row of page.rows) {
        const found = expected.find(({ start, key }) => start === row.window.start && key === row.key)
        assert.deepEqual(row.values, found && valuesOf(found))
        const { certificate, signerNames } = page.certificates[row.certificate!]!
        assert.equal(certificate.content.unit, row.unit)
        assert.ok(signerNames.length >= 2 && signerNames.every((name) => NAMES.includes(name)))
      }
      // The windows that the last flights are in are not closed.
      assert.ok(page.rows.length > expected.length / 2 && page.rows.length < expected.length)
    }
  })

  it('counts what the job has given: rows, dead letters, late records', async () => {
    const { rows } = await get<WindowPage>(peers.all[0]!, '/v1/jobs/{name}/windows', { limit: '1000' })
    for (const peer of peers.all) {
      const { units } = await get<StatusView>(peer, '/v1/status')
      const sum = (count: (unit: StatusView['units'][number]) => number) =>
        units.reduce((total, unit) => total + count(unit), 0)
      assert.equal(
        sum((unit) => unit.rows),
        rows.length,
      )
      assert.equal(
        sum((unit) => unit.deadLetters),
        PARTITIONS * 4,
      )
      assert.equal(
        sum((unit) => unit.lateRecords),
        PARTITIONS,
      )
    }
  })
})

describe('pages', () => {
  const one = { limit: '1000' }

  for (const query of [{}, { open: 'true' }, { key: '"ORD"', open: 'true' }, { from: '2001-01-05T00:00:00Z' }]) {
    it(`of windows${JSON.stringify(query)} are together what one large page is`, async () => {
      const whole = await get<WindowPage>(peers.all[0]!, '/v1/jobs/{name}/windows', { ...query, ...one })
      assert.equal(whole.next, undefined)
      assert.equal(
        whole.rows.some(({ certified }) => !certified),
        'open' in query,
      )
      for (const limit of [1, 7, whole.rows.length]) {
        if (whole.rows.length / limit > 100) continue
        const pages = await everyPage<WindowPage>('/v1/jobs/{name}/windows', { ...query, limit: String(limit) })
        assert.ok(pages.every(({ rows }) => rows.length <= limit))
        const rows = pages.flatMap((page) => page.rows.map((row) => withProof(page, row)))
        assert.deepEqual(
          rows,
          whole.rows.map((row) => withProof(whole, row)),
        )
      }
    })
  }

  it('of dead letters are together what one large page is', async () => {
    const whole = await get<{ rows: unknown[]; next?: string }>(peers.all[0]!, '/v1/jobs/{name}/dead-letters', one)
    assert.equal(whole.next, undefined)
    assert.equal(whole.rows.length, PARTITIONS * 4)
    for (const limit of ['1', '5', '48']) {
      const pages = await everyPage<{ rows: unknown[]; next?: string }>('/v1/jobs/{name}/dead-letters', { limit })
      assert.deepEqual(
        pages.flatMap(({ rows }) => rows),
        whole.rows,
      )
    }
  })

  it('of certificates are together what one large page is, at a peer that holds only some of them', async () => {
    interface Page {
      certificates: CertificateView[]
      next?: string
    }
    const whole = await get<Page>(peers.all[0]!, '/v1/jobs/{name}/certificates', one)
    const { units } = await get<StatusView>(peers.all[0]!, '/v1/status')
    assert.equal(whole.next, undefined)
    assert.deepEqual(
      whole.certificates.map(({ certificate: { content } }) => `${content.unit} ${content.seq}.${content.part}`),
      units.flatMap(({ unit, certified }) =>
        Array.from({ length: certified!.seq }, (_, index) => `${unit} ${index + 1}.0`),
      ),
    )
    for (const limit of ['3', '50']) {
      const pages = await everyPage<Page>('/v1/jobs/{name}/certificates', { limit })
      // Which W of the signatures a peer came to hold first is its own.
      const contents = (page: Page) => page.certificates.map(({ certificate }) => certificate.content)
      assert.deepEqual(pages.flatMap(contents), contents(whole))
    }
  })

  it('refuse a cursor that no page gave out', async () => {
    for (const part of ['windows', 'dead-letters', 'certificates']) {
      for (const cursor of [
        'x',
        Buffer.from('{"end":1}').toString('base64url'),
        Buffer.from('null').toString('base64url'),
      ]) {
        const path = `/v1/jobs/{name}/${part}`
        const response = await fetch(`${peers.all[1]!.httpAddress}${path.replace('{name}', JOB)}?cursor=${cursor}`)
        assert.equal(response.status, 400, `${part} ${cursor}`)
        await api.read('get', path, response)
      }
    }
  })
})

describe('submitting and deleting', () => {
  it('works at every peer, in every format, and is seen by the others', async () => {
    const [yaml, toml, json] = [jobText('by-yaml'), TOML, JSON.stringify({ ...JSON.parse(JSON_JOB), name: 'by-json' })]
    const submissions = [
      { format: 'yaml', name: 'by-yaml', text: yaml },
      { format: 'toml', name: 'by-toml', text: toml },
      { format: 'json', name: 'by-json', text: json },
      { format: 'json', name: 'by-dee', text: JSON_JOB },
    ]
    for (const [index, { format, name, text }] of submissions.entries()) {
      const response = await submit(peers.all[index]!, text, format)
      const job = (await api.read('post', '/v1/jobs', response)) as JobSummary
      assert.deepEqual([response.status, job.name, job.format, job.document], [201, name, format, text])
      const location = response.headers.get('location') ?? ''
      for (const peer of peers.all) {
        await eventually(`${peer.name} knows ${name}`, async () => (await fetch(peer.httpAddress + location)).ok)
      }
    }
    for (const [index, { name }] of submissions.entries()) {
      const peer = peers.all[(index + 1) % peers.all.length]!
      const response = await fetch(`${peer.httpAddress}/v1/jobs/${name}`, { method: 'DELETE' })
      assert.equal(response.status, 204)
    }
    for (const peer of peers.all) {
      const names = async () => (await get<{ jobs: JobSummary[] }>(peer, '/v1/jobs')).jobs.map(({ name }) => name)
      await eventually(`${peer.name} has one job left`, async () => (await names()).join() === JOB)
    }
  })
})

describe('problems', () => {
  const problem = async (method: string, path: string, response: Response, status: number, code: string) => {
    const body = (await api.read(method, path, response)) as Problem
    assert.deepEqual([response.status, body.status, body.code], [status, status, code], body.detail)
    return body
  }

  it('a job that nobody submitted', async () => {
    for (const peer of peers.all) {
      for (const path of api.readable.filter((candidate) => candidate.includes('{name}'))) {
        const response = await fetch(`${peer.httpAddress}${path.replace('{name}', 'flight-delay')}`)
        const { detail } = await problem('get', path, response, 404, 'QRT_JOB_UNKNOWN')
        assert.match(detail, /"flight-delay"; there is flight-delays/)
      }
      const gone = await fetch(`${peer.httpAddress}/v1/jobs/flight-delay`, { method: 'DELETE' })
      await problem('delete', '/v1/jobs/{name}', gone, 404, 'QRT_JOB_UNKNOWN')
    }
  })

  it('a name that is taken', async () => {
    for (const peer of peers.all) {
      const { detail } = await problem('post', '/v1/jobs', await submit(peer, jobText()), 409, 'QRT_JOB_CONFLICT')
      assert.match(detail, /"flight-delays" already/)
    }
  })

  it('several at once under one name: one of them wins', async () => {
    // The same text at the same moment would be the same submission.
    const text = ({ name }: PeerProcess) => `${jobText('contended')}# from ${name}\n`
    const responses = await Promise.all(peers.all.map((peer) => submit(peer, text(peer))))
    assert.deepEqual(responses.map(({ status }) => status).toSorted(), [201, 409, 409, 409])
    for (const response of responses) await api.read('post', '/v1/jobs', response)
    await peers.client().deleteJob('contended')
  })

  it('a document with faults, each with its line and column', async () => {
    const text = jobText('faulty').replace('topic: flights', 'topics: flights').replace('write: 2', 'write: 1')
    const lines = text.split('\n')
    const { errors = [] } = await problem('post', '/v1/jobs', await submit(peers.all[1]!, text), 422, 'QRT_JOB_INVALID')
    const faultAt = (word: string) => {
      const line = lines.findIndex((each) => each.includes(word))
      return errors.find((fault) => fault.line === line + 1)
    }
    assert.equal(faultAt('topics')?.column, 3)
    assert.match(faultAt('topics')?.suggestion ?? '', /topic/)
    assert.equal(faultAt('write: 1')?.pointer, '/quorum/write')
  })

  it('a topic that is not there, and a document that is too large or of no known format', async () => {
    const [first] = peers.all
    const elsewhere = jobText('elsewhere').replace(`topic: ${TOPIC}`, 'topic: fligths')
    const { detail } = await problem('post', '/v1/jobs', await submit(first!, elsewhere), 422, 'QRT_TOPIC_UNKNOWN')
    assert.match(detail, /fligths/)
    const large = `${jobText('large')}# ${'x'.repeat(256 * 1024)}\n`
    await problem('post', '/v1/jobs', await submit(first!, large), 413, 'QRT_BODY_TOO_LARGE')
    await problem('post', '/v1/jobs', await submit(first!, jobText('plain'), 'plain'), 400, 'QRT_REQUEST_INVALID')
  })

  it('a page of another origin, or a name that somebody pointed at this address', async () => {
    const [first] = peers.all
    const headers = { origin: 'https://example.org' }
    const read = await fetch(`${first!.httpAddress}/v1/members`, { headers })
    await problem('get', '/v1/members', read, 403, 'QRT_FORBIDDEN')
    const written = await fetch(`${first!.httpAddress}/v1/jobs/${JOB}`, { method: 'DELETE', headers })
    await problem('delete', '/v1/jobs/{name}', written, 403, 'QRT_FORBIDDEN')
    assert.equal(await statusFor(first!, 'rebound.example.org'), 403)
    assert.equal((await get<{ jobs: JobSummary[] }>(first!, '/v1/jobs')).jobs.length, 1)
  })
})

describe('live events', () => {
  const certified = (events: readonly StreamedEvent[]) =>
    events.flatMap((streamed) => (streamed.kind === 'event' && streamed.event.kind === 'certified' ? streamed : []))

  /** Connected when it resolves: what happens from then on is told. */
  async function follow(peer: PeerProcess, since: string | undefined): Promise<AsyncIterable<StreamedEvent>> {
    const headers: Record<string, string> = since === undefined ? {} : { 'last-event-id': since }
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const response = await fetch(`${peer.httpAddress}/v1/events`, { headers, signal })
    assert.equal(response.status, 200)
    return readEvents(response.body!)
  }

  /** What comes until a number of cuts were certified; the connection is closed then. */
  async function take(stream: AsyncIterable<StreamedEvent>, cuts: number): Promise<StreamedEvent[]> {
    const events: StreamedEvent[] = []
    for await (const event of stream) {
      events.push(event)
      if (certified(events).length >= cuts) break
    }
    return events
  }

  /** A day later in every partition: windows close, and certificates form. */
  async function oneDayMore(day: string): Promise<void> {
    const origins = [...new Set(flights.map(({ origin }) => origin))]
    await cluster.append(origins.map((origin) => ({ ...late, origin, date: `2001/01/${day} 00:00` })))
  }

  it('come as they happen, with what a cut took and gave', async () => {
    const peer = peers.all[0]!
    const stream = await follow(peer, undefined)
    await oneDayMore('09')
    for (const { event } of certified(await take(stream, 3))) {
      assert.ok(event.kind === 'certified' && event.signers.length >= 2)
      assert.equal(event.job, JOB)
      assert.deepEqual(Object.keys(event.counts).toSorted(), ['dead', 'in', 'late'])
    }
    await cluster.settled()
  })

  it('begin with all that is kept where that is asked for', async () => {
    const peer = peers.all[0]!
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const response = await fetch(`${peer.httpAddress}/v1/events?since=start`, { signal })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('event: certified')) text += (await reader.read()).value ?? assert.fail(text)
    await reader.cancel()
    assert.doesNotMatch(text, /event: gap/)
    assert.match(text, /event: job\ndata: .*"submitted"/)
  })

  it('go on behind the last one seen, and say so where a restart lost some', async () => {
    const peer = peers.all[0]!
    const stream = await follow(peer, undefined)
    await oneDayMore('10')
    const seen = certified(await take(stream, 4))
    await cluster.settled()
    const [first, ...rest] = seen
    const again = certified(await take(await follow(peer, first!.id), rest.length))
    assert.deepEqual(again.slice(0, rest.length), rest)

    const { exited } = peer
    await peer.stop()
    assert.equal(await exited, 0)
    await peer.start()
    await peer.ready()
    const resumed = await follow(peer, seen.at(-1)!.id)
    await eventually('the peer has its units again', async () => (await peer.client().status(JOB)).units.length > 0)
    await oneDayMore('11')
    const events = await take(resumed, 3)
    assert.ok(
      events[0]?.kind === 'gap',
      `the first thing told is that some were missed, not ${JSON.stringify(events)}; the log is ${peer.logFile}`,
    )
    assert.match(events[0].gap.reason, /restarted/)
    assert.ok(certified(events).every(({ id }) => id.split('-')[0] !== first!.id.split('-')[0]))
    await cluster.settled()
  })
})

const JSON_JOB = JSON.stringify({
  name: 'by-dee',
  source: { topic: TOPIC, time: { field: 'date', pattern: 'yyyy/MM/dd HH:mm' }, partitionedBy: 'origin' },
  pipeline: [{ keyBy: 'origin' }, { window: { tumbling: '1d' } }, { aggregate: { flights: 'count()' } }],
  sinks: [],
  quorum: { replicas: 3, write: 2, read: 2 },
})

const TOML = `name = "by-toml"
sinks = []

[source]
topic = "${TOPIC}"
time = { field = "date", pattern = "yyyy/MM/dd HH:mm" }

[[pipeline]]
filter = "distance >= 3000"

[quorum]
replicas = 3
write = 2
read = 2
`

function submit(peer: PeerProcess, body: string, format = 'yaml'): Promise<Response> {
  const headers = { 'content-type': `application/${format}` }
  return fetch(`${peer.httpAddress}/v1/jobs`, { method: 'POST', headers, body })
}

const valuesOf = ({ flights, delayed, meanDelay, worst }: ReturnType<typeof delayRows>[number]) => ({
  flights,
  delayed,
  meanDelay,
  worst,
})

/** A row with the cut that proves it, wherever in its page that stands. */
function withProof({ certificates }: WindowPage, { certificate, ...row }: WindowPage['rows'][number]) {
  const content = certificate === undefined ? undefined : certificates[certificate]?.certificate.content
  return { ...row, content }
}

/** fetch does not let a caller choose the Host header. */
function statusFor(peer: PeerProcess, host: string): Promise<number | undefined> {
  const { port } = new URL(peer.httpAddress)
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/v1/members', headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
