import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { compileJob } from '../../src/job/compile.ts'
import { gatherFacts, JobUnfitError, type LogFacts } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { edited, GOOD } from './faults.ts'

const document = (text: string = GOOD) => parseJob(text, 'yaml', 'job')
const dead = `${GOOD}deadLetters: { kafka: { topic: dead } }\n`

describe('facts from a log', () => {
  let directory: string
  let log: Log

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quorate-facts-'))
    log = await openLog({ kind: 'embedded', directory })
    await log.createTopic('flights', { partitions: 2 })
    await log.createTopic('results', { partitions: 1 })
    await log.append({ topic: 'flights', partition: 1 }, [{ key: null, value: new Uint8Array([1]) }])
  })

  after(async () => {
    await log.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('are the partitions and ends of the source, and which topics are missing', async () => {
    const { sources, missingTopics } = await gatherFacts(document(dead), log)
    assert.equal(sources[0]?.topic.name, 'flights')
    assert.deepEqual(sources[0]?.offsets, [
      { start: 0, end: 0 },
      { start: 0, end: 1 },
    ])
    assert.deepEqual(missingTopics, ['dead'])
  })

  it('are enough to compile by', async () => {
    const facts = await gatherFacts(document(), log)
    const job = compileJob(document(), { ...facts, cluster: 'c', submission: 1 })
    assert.deepEqual(job.sources, [{ topic: 'flights', partitions: 2, startOffsets: [0, 0], idleAfterMs: 10_000 }])
  })

  it('say that there is no source', async () => {
    const { sources } = await gatherFacts(document(edited(['topic: flights', 'topic: fligths'])), log)
    assert.deepEqual(sources, [undefined])
  })
})

describe('a job that a cluster cannot run', () => {
  const source = (cleanupPolicy: string): LogFacts['sources'][number] => ({
    topic: { name: 'flights', partitions: 1, cleanupPolicy, retentionMs: -1 },
    offsets: [{ start: 0, end: 0 }],
  })
  const fault = (facts: LogFacts): JobUnfitError => {
    try {
      compileJob(document(dead), { cluster: 'c', submission: 1, ...facts })
    } catch (error) {
      if (error instanceof JobUnfitError) return error
      throw error
    }
    throw new Error('the job was compiled')
  }

  it('reads a topic that is not there', () => {
    const { code, errors, message } = fault({ sources: [undefined], missingTopics: [] })
    assert.equal(code, 'QRT_TOPIC_UNKNOWN')
    assert.equal(message, 'the log has no topic "flights"')
    assert.deepEqual(errors, [
      {
        pointer: '/source/topic',
        message: 'the log has no topic "flights"',
        suggestion:
          'create the topic "flights" in the log that the peers read ("quorate produce flights FILE" does), or name another',
      },
    ])
  })

  it('reads a table', () => {
    for (const policy of ['compact', 'compact,delete']) {
      const { code, errors } = fault({ sources: [source(policy)], missingTopics: [] })
      assert.equal(code, 'QRT_TOPIC_COMPACTED')
      assert.match(errors[0]?.message ?? '', new RegExp(`its policy is ${policy}, which removes records`))
    }
    assert.equal(
      compileJob(document(dead), { cluster: 'c', submission: 1, sources: [source('delete')], missingTopics: [] }).name,
      'delays',
    )
  })

  it('writes to topics that are not there, each of which is told', () => {
    const { code, errors } = fault({ sources: [undefined], missingTopics: ['results', 'dead'] })
    assert.equal(code, 'QRT_TOPIC_UNKNOWN')
    assert.deepEqual(
      errors.map(({ pointer }) => pointer),
      ['/source/topic', '/sinks/0/kafka/topic', '/deadLetters/kafka/topic'],
    )
  })
})
