import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { parseJob } from '../../src/job/parse.ts'
import { createLogger } from '../../src/logger.ts'
import { FakePeer } from '../http/fake-peer.ts'
import { MOST_MS } from './measure.ts'
import { hostileDocuments, type Rejection, rejections } from './rejections.ts'

describe('what is hostile', () => {
  const all = [...rejections()]
  const of = (kind: Rejection['kind']) => all.filter((each) => each.kind === kind)

  it('are hundreds of documents, expressions and records', () => {
    assert.ok(of('document').length >= 200 && of('expression').length >= 60 && of('record').length >= 500)
  })

  it('is no job: every document and expression has a fault with its place', () => {
    for (const { what, verdict } of [...of('document'), ...of('expression')]) {
      assert.match(verdict ?? 'taken', /^[1-9]\d*:[1-9]\d* ./, what)
    }
  })

  it('is a dead letter with a code, or after all a record', () => {
    const refused = of('record').filter(({ verdict }) => verdict !== undefined)
    assert.ok(refused.length >= 500, `${refused.length}`)
    for (const { what, verdict } of refused) assert.match(verdict ?? '', /^QRT_RECORD_/, what)
  })

  it('is answered, or too much work, where a pattern is made to be slow', () => {
    const searches = of('search')
    assert.ok(searches.length >= 30)
    for (const { what, verdict } of searches) assert.ok(verdict === undefined || verdict === 'QRT_EXPR_WORK', what)
  })

  it(`keeps a thread for less than ${MOST_MS} ms`, () => {
    for (const { what, ms } of all) assert.ok(ms < MOST_MS, `${what}: ${ms} ms`)
  })

  it('leaves no trace in what all objects have', () => {
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
  })
})

/** Reads documents as peers do before they look for topics. */
class ReadingPeer extends FakePeer {
  override async submit(document: Parameters<FakePeer['submit']>[0]) {
    parseJob(document.text, document.format, 'the document')
    return super.submit(document)
  }
}

describe('what is hostile, submitted over HTTP', () => {
  it('is a problem that says what and where, and the server goes on', async () => {
    const peer = new ReadingPeer()
    const logger = createLogger({ write: () => {} })
    const server: HttpServer = await startHttp(peer, { listen: { host: '127.0.0.1', port: 0 }, logger })
    try {
      for (const { what, format, text } of hostileDocuments()) {
        const headers = { 'content-type': `application/${format}` }
        const response = await fetch(`${server.address}/v1/jobs`, { method: 'POST', body: text, headers })
        const problem = (await response.json()) as { code?: string; errors?: readonly { line?: number }[] }
        assert.ok(response.status >= 400 && response.status < 500, `${what}: ${response.status}`)
        assert.match(problem.code ?? '', /^QRT_/, what)
        // What is too large, or no text at all, is refused before it is read.
        if (problem.code === 'QRT_JOB_INVALID') assert.ok((problem.errors?.[0]?.line ?? 0) >= 1, what)
      }
      assert.deepEqual(peer.submitted, [])
      assert.equal((await fetch(`${server.address}/livez`)).status, 200)
    } finally {
      await server.close()
    }
  })
})
