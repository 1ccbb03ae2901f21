/** Which revisions of a job a peer knows, by the documents that name them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ControlDocument, JobEntry, PeerId } from '../../mesh/index.ts'
import { encodeJob } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { Jobs } from '../../src/peer/jobs.ts'

const members = ['a', 'b', 'c'].map((letter) => letter.repeat(32) as PeerId)

function bodyOf(least: number): Uint8Array {
  const text = `name: delays
source: { topic: flights, format: json, time: { field: date } }
pipeline: [ { filter: delay > ${least} } ]
sinks: [ { kafka: { topic: out } } ]
quorum: { replicas: 3, write: 2, read: 2 }
`
  const document = parseJob(text, 'yaml', 'job')
  const facts = { sources: assumedSources(document, 2), missingTopics: [], cluster: 'c0ffee', submission: 1 }
  return encodeJob({
    compiled: compileJob(document, facts),
    document: { text, format: 'yaml' },
    submittedAt: '2026-01-01T00:00:00.000Z',
  })
}

/** `1`, `2` and so on are bodies with that condition. */
const bodies = (hash: string) => bodyOf(Number(hash))
const named = (...hashes: readonly number[]): ControlDocument => {
  const entry = {
    ...{ name: 'delays', generation: 'delays-1', state: 'running', view: { number: 1, members } },
    ...{ earlier: hashes.slice(0, -1).map(String), hash: String(hashes[hashes.length - 1]) },
  } as unknown as JobEntry
  return { cluster: 'c0ffee', jobs: [entry] } as unknown as ControlDocument
}
const known = (jobs: Jobs) =>
  (jobs.named('delays')?.revisions ?? []).map(({ document }) => /> (\d+)/.exec(document.text)?.[1])

describe('a job of the document', () => {
  it('has the revisions that the document names, as their bodies come', () => {
    const jobs = new Jobs()
    assert.equal(jobs.follow(named(1), bodies).added.length, 1)
    jobs.follow(named(1, 2, 3), (hash) => (hash === '2' ? undefined : bodies(hash)))
    assert.deepEqual(known(jobs), ['1'])
    jobs.follow(named(1, 2, 3), bodies)
    assert.deepEqual(known(jobs), ['1', '2', '3'])
  })

  it('has none any more that a document lacks, which was made without the majority that had it', () => {
    const jobs = new Jobs()
    jobs.follow(named(1, 2), bodies)
    jobs.follow(named(1), bodies)
    assert.deepEqual(known(jobs), ['1'])
  })

  it('has what came in the place of one that was lost', () => {
    const jobs = new Jobs()
    jobs.follow(named(1, 2), bodies)
    jobs.follow(named(1, 3), bodies)
    assert.deepEqual(known(jobs), ['1', '3'])
    jobs.follow(named(1, 3, 4), bodies)
    assert.deepEqual(known(jobs), ['1', '3', '4'])
  })
})
