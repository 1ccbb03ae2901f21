import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { QuorateError } from '../../src/errors.ts'
import { decodeJob, encodeJob, type JobBody } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { jobValue, SEED } from './documents.ts'
import { GOOD } from './faults.ts'

function bodyOf(text: string, partitions = 2): JobBody {
  const document = parseJob(text, 'yaml', 'job')
  const sources = assumedSources(document, partitions)
  const compiled = compileJob(document, {
    cluster: 'c',
    submission: 3,
    sources,
    missingTopics: [],
  })
  return { document: { text, format: 'yaml' }, compiled, submittedAt: '2026-01-02T03:04:05.678Z' }
}

/** The body as JSON with some of its text replaced, as bytes. */
function tampered(part: string | RegExp, replacement: string): Uint8Array {
  const text = new TextDecoder().decode(encodeJob(bodyOf(GOOD)))
  const changed = text.replace(part, replacement)
  assert.ok(changed !== text, `${part} is there`)
  return new TextEncoder().encode(changed)
}

const refused = (bytes: Uint8Array, message: RegExp): void =>
  assert.throws(
    () => decodeJob(bytes),
    (error: unknown) =>
      error instanceof QuorateError && error.code === 'QRT_JOB_INVALID' && message.test(error.message),
  )

describe('a stored job', () => {
  it('is read back as it was', () => {
    fc.assert(
      fc.property(jobValue, fc.integer({ min: 1, max: 3 }), (value, partitions) => {
        const body = bodyOf(JSON.stringify(value), partitions)
        assert.deepEqual(decodeJob(encodeJob(body)), body)
      }),
      { seed: SEED, numRuns: 200 },
    )
  })

  it('has one form: fields of any order give the same bytes', () => {
    const body = bodyOf(GOOD)
    const { document, compiled, submittedAt } = body
    assert.deepEqual(encodeJob({ submittedAt, compiled: { ...compiled }, document }), encodeJob(body))
  })

  it('never takes bytes for another job than they were made of', () => {
    const bytes = encodeJob(bodyOf(GOOD))
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ flip
        try {
          // What is still a job is exactly what the changed bytes say.
          assert.deepEqual(encodeJob(decodeJob(changed)), changed)
        } catch (error) {
          if (!(error instanceof QuorateError)) throw error
          assert.equal(error.code, 'QRT_JOB_INVALID')
        }
      }),
      { seed: SEED, numRuns: 1_000 },
    )
  })
})

describe('bytes that are no stored job', () => {
  it('are not JSON, or not in UTF-8', () => {
    refused(new Uint8Array(), /JSON in UTF-8/)
    refused(Uint8Array.of(0x22, 0xff, 0x22), /JSON in UTF-8/)
    refused(new TextEncoder().encode('\ufeff{}'), /JSON in UTF-8/)
    refused(new TextEncoder().encode('null'), /not valid/)
  })

  it('are too many', () => {
    refused(new Uint8Array(3 * 1024 * 1024 + 1), /at most 3145728 bytes, found 3145729/)
  })

  it('are of another version, which another Quorate wrote', () => {
    refused(tampered('"version":2', '"version":1'), /of version 2, found 1; run the same Quorate on all peers/)
  })

  it('are not in their canonical form', () => {
    refused(tampered('{"compiled"', '{ "compiled"'), /canonical/)
    refused(tampered('"submittedAt"', '"submitt\\u0065dAt"'), /canonical/)
  })

  it('have fields that no job has', () => {
    refused(tampered('"version":2', '"version":2,"x":1'), /not valid at/)
    refused(tampered('"format":"yaml"', '"__proto__":1,"format":"yaml"'), /not valid at|canonical/)
  })

  it('have parts that do not fit one another', () => {
    refused(tampered('"startOffsets":[0,0]', '"startOffsets":[0]'), /a start offset for each partition/)
    refused(tampered('"write":2', '"write":1'), /more than half of the replicas/)
    refused(tampered('"write":2', '"write":7'), /quorums within the replicas/)
    refused(tampered('"generation":"delays-', '"generation":"others-'), /begins with the name/)
    refused(tampered('"sources":2', '"sources":3'), /merges all partitions/)
    refused(tampered('"kind":"shuffle","partitions":2', '"kind":"shuffle","partitions":3'), /ends in the shuffle/)
    refused(tampered(/"stage":1/, '"stage":0'), /stages that are numbered in their order/)
  })

  it('have expressions that do not compile', () => {
    refused(
      tampered('"source":"distance > 100"', '"source":"distance >"'),
      /stage 0 of the stored job does not compile/,
    )
    refused(tampered('"name":"n"', '"name":"key"'), /stage 0 of the stored job does not compile/)
  })
})
