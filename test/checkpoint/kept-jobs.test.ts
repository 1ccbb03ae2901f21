/** Which revisions of jobs the checkpoints name, and who sees to it that they name all. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ControlDocument, Digest, JobEntry } from '../../mesh/index.ts'
import { KeptJobs } from '../../src/checkpoint/kept-jobs.ts'
import { HOST_TIMING } from '../../src/limits.ts'
import { OLD } from './kept.ts'

const VIEW = { number: 1, members: OLD }
const hashOf = (text: string): Digest => text.padEnd(64, '0') as Digest

/** A job with these bodies, the latest last. */
function job(...bodies: readonly string[]): JobEntry {
  const hashes = bodies.map(hashOf)
  const hash = hashes[hashes.length - 1]!
  return { name: 'orders', generation: 'orders-1', hash, earlier: hashes.slice(0, -1), view: VIEW, state: 'running' }
}

const documentOf = (number: number, entry: JobEntry): ControlDocument => ({
  ...{ cluster: 'here', number, forced: 0, view: VIEW, names: {}, banned: [], lost: [], acceptors: OLD },
  ...{ jobs: [entry], submissions: 1 },
})

describe('the revisions of a job that are kept', () => {
  it('are those of the document that was written last', () => {
    const kept = new KeptJobs()
    assert.equal(kept.of(job('a')), 0)
    kept.saved(documentOf(1, job('a')))
    assert.equal(kept.of(job('a')), 1)
    assert.equal(kept.of(job('a', 'b')), 1)
    kept.saved(documentOf(2, job('a', 'b')))
    assert.equal(kept.of(job('a', 'b')), 2)
  })

  it('are no others that take their numbers, as after a majority was lost', () => {
    const kept = new KeptJobs()
    kept.saved(documentOf(2, job('a', 'b')))
    assert.equal(kept.of(job('a', 'c')), 1)
    kept.note({ jobs: [] })
    assert.equal(kept.of(job('a', 'c')), 0)
  })
})

describe('a document that is not kept yet', () => {
  it('is written by the first living member at once, and again with each change', () => {
    const kept = new KeptJobs()
    assert.equal(kept.due(0, documentOf(1, job('a')), 0), 'save')
    kept.saved(documentOf(1, job('a')))
    assert.equal(kept.due(1, documentOf(1, job('a')), 0), undefined)
    assert.equal(kept.due(2, documentOf(2, job('a')), 0), 'save')
  })

  it('is looked for now and then by the others, while it names what no kept one does', () => {
    const kept = new KeptJobs()
    const document = documentOf(1, job('a', 'b'))
    assert.equal(kept.due(0, document, 1), 'look')
    kept.note(documentOf(0, job('a')))
    assert.equal(kept.due(HOST_TIMING.keptLookMs - 1, document, 1), undefined)
    assert.equal(kept.due(HOST_TIMING.keptLookMs, document, 1), 'look')
    kept.note(document)
    assert.equal(kept.due(2 * HOST_TIMING.keptLookMs, document, 1), undefined)
  })

  it('is written by the next one when the first does not, and by nobody who is no member', () => {
    const kept = new KeptJobs()
    const document = documentOf(1, job('a'))
    kept.due(0, document, 2)
    assert.equal(kept.due(HOST_TIMING.checkpointMs, document, 2), 'look')
    assert.equal(kept.due(2 * HOST_TIMING.checkpointMs, document, 2), 'save')
    assert.equal(kept.due(9 * HOST_TIMING.checkpointMs, document, -1), undefined)
  })
})
