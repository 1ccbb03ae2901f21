/**
 * When a peer looks at the source topics of its jobs, and what it proposes:
 *
 *   topic    2 partitions │ 3               │ deleted, made anew with 1
 *   looks        ●             ● grow             ● perhaps a broker is behind    ● stop
 */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { type ControlChange, MeshError, seededRandom } from '../../mesh/index.ts'
import { decodeJob } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { parseJob } from '../../src/job/parse.ts'
import { HOST_TIMING } from '../../src/limits.ts'
import { Growth } from '../../src/peer/growth.ts'
import type { Job } from '../../src/peer/jobs.ts'
import type { Peer } from '../../src/peer/peer.ts'
import { SimulatedClock } from '../sim/clock.ts'
import { SimulatedLog } from '../sim/log.ts'
import { SimulatedProcess } from '../sim/process.ts'
import { quietLogger } from '../sim/quiet.ts'

const TEXT = `name: delays
source: { topic: flights, format: json, time: { field: date } }
pipeline: [ { filter: distance > 100 } ]
sinks: [ { kafka: { topic: out } } ]
quorum: { replicas: 1, write: 1, read: 1 }
`
const { growthMs } = HOST_TIMING

let clock: SimulatedClock
let log: SimulatedLog
let entry: Job['entry']
let members: string[]
let changes: ControlChange[]
let answer: (change: ControlChange) => void

beforeEach(() => {
  clock = new SimulatedClock()
  log = new SimulatedLog(clock, seededRandom(1))
  log.createTopic('flights', { partitions: 2 })
  entry = { name: 'delays', generation: 'delays-0123456789ab-1', earlier: [] } as unknown as Job['entry']
  members = ['me']
  changes = []
  answer = () => undefined
  const document = parseJob(TEXT, 'yaml', 'job')
  const topic = { name: 'flights', partitions: 2, cleanupPolicy: 'delete', retentionMs: -1 }
  const offsets = [0, 1].map(() => ({ start: 0, end: 0 }))
  const facts = { cluster: 'c', submission: 1, sources: [{ topic, offsets }], missingTopics: [] }
  const compiled = compileJob(document, facts)
  const body = { document: { text: TEXT, format: 'yaml' }, compiled, submittedAt: '2026-01-01T00:00:00.000Z' } as const
  const change = async (wanted: ControlChange) => {
    changes.push(wanted)
    answer(wanted)
  }
  const peer = {
    node: {
      ...{ self: 'me', change },
      get document() {
        return { view: { members } }
      },
    },
    jobs: {
      get all() {
        return [{ entry, body, revisions: [body] }]
      },
    },
  } as unknown as Peer
  const process = new SimulatedProcess(clock)
  new Growth({ peer, log: log.open(process), clock: process, random: seededRandom(2), logger: quietLogger }).start()
})

describe('a member of the view looks now and then', () => {
  it('and proposes the job with the partitions that there are, once for each look', async () => {
    await clock.run(growthMs + 1_000)
    assert.deepEqual([...changes], [], 'nothing has changed')
    log.growTopic('flights', 3)
    await clock.run(growthMs + 1_000)
    const [change] = changes
    assert.ok(changes.length === 1 && change?.kind === 'upgrade')
    assert.deepEqual([change.generation, change.revision, change.grows], ['delays-0123456789ab-1', 1, true])
    assert.equal(decodeJob(change.body).compiled.sources[0]?.partitions, 3)
  })

  it('and takes fewer partitions for true when it has seen them twice', async () => {
    const again = (partitions: number) => {
      log.deleteTopic('flights')
      log.createTopic('flights', { partitions })
    }
    again(1)
    await clock.run(growthMs + 1_000)
    again(2)
    await clock.run(growthMs + 1_000)
    again(1)
    await clock.run(growthMs + 1_000)
    assert.deepEqual([...changes], [], 'a broker that is behind the others is no reason to stop')
    await clock.run(growthMs)
    const [change] = changes
    assert.ok(changes.length === 1 && change?.kind === 'stop')
    assert.equal(change.why.code, 'QRT_SOURCE_SHRANK')
  })

  it('and again after the log could not be asked, or the others could not agree', async () => {
    log.growTopic('flights', 3)
    log.outage = true
    await clock.run(growthMs + 1_000)
    assert.deepEqual([...changes], [])
    log.outage = false
    answer = () => {
      throw new MeshError('QRT_MESH_CHANGE', 'conflict')
    }
    await clock.run(2 * growthMs)
    assert.equal(changes.length, 2)
  })

  it('and stops a job that has had all the revisions that it can have', async () => {
    log.growTopic('flights', 3)
    answer = ({ kind }) => {
      if (kind === 'upgrade') throw new MeshError('QRT_MESH_CHANGE', 'revisions')
    }
    await clock.run(growthMs + 1_000)
    const [, change] = changes
    assert.ok(changes.length === 2 && change?.kind === 'stop')
    assert.match(change.why.message, /was changed as often as can be/)
  })

  it('but not at a job that was stopped, or whose latest body is on its way, nor as a peer that is no member', async () => {
    log.growTopic('flights', 3)
    const before = entry
    entry = { ...before, stopped: { code: 'QRT_SOURCE_GREW', message: '' } }
    await clock.run(growthMs + 1_000)
    entry = { ...before, earlier: ['0' as Job['entry']['hash']] }
    await clock.run(growthMs)
    entry = before
    members = ['another']
    await clock.run(growthMs)
    assert.deepEqual([...changes], [])
    members = ['me']
    await clock.run(growthMs)
    assert.equal(changes.length, 1)
  })
})
