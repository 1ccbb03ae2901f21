import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import {
  type Certificate,
  type ControlDocument,
  contentDigest,
  type Decision,
  type JobEntry,
  type PeerId,
  type Term,
} from '../../mesh/index.ts'
import { DirectoryPlace } from '../../src/checkpoint/directory.ts'
import { Keeper } from '../../src/checkpoint/keeper.ts'
import { restorable } from '../../src/checkpoint/restoring.ts'
import type { SinkPlan } from '../../src/commit/sink.ts'
import { FileSink } from '../../src/commit/sinks/file.ts'
import { FILES } from '../../src/commit/sinks/file-calls.ts'
import { decodeJob, encodeJob } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { parseJob } from '../../src/job/parse.ts'
import { placeJob } from '../../src/peer/jobs.ts'
import { firstTerms } from '../../src/replica/loading.ts'
import { certificateOf, contentOf, OLD, recordOf, snapshotOf, termOf } from './kept.ts'

const folder = await mkdtemp(join(tmpdir(), 'quorate-restoring-'))
after(() => rm(folder, { recursive: true, force: true }))
let scenes = 0

const TEXT = `
name: orders
source: { topic: orders }
pipeline: [ { filter: price > 1 } ]
sinks: [ { file: { directory: one } }, { file: { directory: two } } ]
quorum: { replicas: 3, write: 2, read: 2 }
`
const VIEW = { number: 1, members: OLD }
const NEW = ['1', '2', '3'].map((digit) => digit.repeat(32) as PeerId)

/** A job of one unit in a lost cluster, its checkpoints and its two sinks. */
async function scene() {
  scenes += 1
  const root = join(folder, String(scenes))
  const keeper = new Keeper(new DirectoryPlace(join(root, 'kept')))
  const document = parseJob(TEXT, 'yaml', 'orders.yaml')
  const topic = { name: 'orders', partitions: 1, cleanupPolicy: 'delete', retentionMs: -1 }
  const facts = {
    cluster: 'lost',
    submission: 4,
    sources: [{ topic, offsets: [{ start: 7, end: 9 }] }],
    missingTopics: [],
  }
  const compiled = compileJob(document, facts)
  const body = encodeJob({
    document: { text: TEXT, format: 'yaml' },
    compiled,
    submittedAt: '2026-01-01T00:00:00.000Z',
  })
  const save = async (cluster: string, bytes: Uint8Array): Promise<JobEntry> => {
    const hash = createHash('sha256').update(bytes).digest('hex') as JobEntry['hash']
    const entry = {
      name: 'orders',
      generation: compiled.generation,
      hash,
      earlier: [],
      view: VIEW,
      state: 'running',
    } as const
    const control: ControlDocument = {
      ...{ cluster, number: 5, forced: 0, view: VIEW, names: {}, banned: [], lost: [], acceptors: OLD },
      ...{ jobs: [entry], submissions: 4 },
    }
    await keeper.saveDocument(control, [bytes])
    return entry
  }
  const entry = await save('lost', body)
  const { unit } = placeJob(entry, decodeJob(body), [decodeJob(body)], 'lost').units[0]!.description
  const sinkOf = (plan: SinkPlan) => {
    if (plan.kind !== 'file') throw new Error('this job writes files')
    return new FileSink(join(root, 'rows'), plan.directory, OLD[0]!)
  }
  const restore = async (cluster = 'lost', verifies: (certificate: Certificate) => boolean = () => true) =>
    found(await restorable(cluster, { keeper, sink: sinkOf, verifies, wanted: () => true }))
  return {
    unit,
    restore,
    /** How many sinks are opened when another peer has restored the job after so many. */
    async opened(before: number) {
      let opened = 0
      const counting = (plan: SinkPlan) => {
        const sink = sinkOf(plan)
        const open: typeof sink.open = (identity) => {
          opened += 1
          return sink.open(identity)
        }
        return Object.assign(Object.create(sink), { open }) as typeof sink
      }
      const wanted = () => opened < before
      return { restored: await restorable('lost', { keeper, sink: counting, verifies: () => true, wanted }), opened }
    },
    saveBody: save,
    async checkpoint(seq: number, applied: number, terms: readonly Term[], cluster = 'lost') {
      const { certificate, stored } = snapshotOf(unit, seq, applied)
      await keeper.saveUnit(cluster, certificate, terms, stored)
      return certificate.content
    },
    /** A sink has a cut, with these terms beside it. `rows`: those are not there yet, and the writer is gone. */
    async write(directory: string, certificate: Certificate, terms: readonly Term[], rows: 'there' | 'lost' = 'there') {
      const { content } = certificate
      const link = async (from: string, to: string) => {
        if (to.endsWith('.jsonl')) throw new Error('the machine burns down')
        return FILES.link(from, to)
      }
      const sink =
        rows === 'there'
          ? sinkOf({ kind: 'file', directory })
          : new FileSink(join(root, 'rows'), directory, OLD[0]!, undefined, { ...FILES, link })
      const session = await sink.open({ cluster: 'lost', job: 'orders', generation: compiled.generation, unit })
      const written = session.write([
        {
          ...{ cluster: 'lost', job: 'orders', generation: compiled.generation, unit, previous: undefined },
          ...{ position: content, body: new Uint8Array(), outDigest: content.outDigest },
          ...{ certificate: new Uint8Array(), record: recordOf(certificate, terms), restorable: true },
        },
      ])
      if (rows === 'there') await written
      else await assert.rejects(written, { code: 'QRT_SINK_UNREACHABLE' })
    },
    /** The unit as peers of the new cluster find it in the body. */
    async restored(cluster?: string) {
      const { jobs, submissions } = await restore(cluster)
      const [job] = jobs
      const found = decodeJob(job!.bodies[0]!)
      const placed = placeJob({ ...entry, view: { number: 1, members: NEW } }, found, [found], 'new').units[0]!
      return { job: job!, submissions, origin: found.origin!, description: placed.description }
    },
  }
}

/** Another peer has not been faster. */
function found<T>(value: T | undefined): T {
  assert.ok(value !== undefined)
  return value
}

const cutAt = (offset: number): Decision => ({ kind: 'cut', offset })

describe('a unit of a lost cluster', () => {
  it('is left alone when another peer has restored it meanwhile: its sinks are written to', async () => {
    const { opened } = await scene()
    assert.deepEqual(await opened(0), { restored: undefined, opened: 0 })
    assert.equal((await opened(9)).opened, 2)
  })

  it('begins at its first record when neither a checkpoint nor a sink has anything of it', async () => {
    const { restored } = await scene()
    const { description, origin, job, submissions } = await restored()
    assert.equal(job.state, 'running')
    assert.equal(submissions, 4)
    assert.equal(origin.cluster, 'lost')
    assert.equal(description.cluster, 'lost')
    assert.equal(description.startOffset, 7)
    const terms = firstTerms(description)
    assert.deepEqual(
      terms.map(({ number }) => number),
      [1, 2],
    )
    assert.deepEqual(terms[1]?.members, description.members)
    assert.ok(terms[0]?.members.every((member) => OLD.includes(member)))
    assert.ok(description.members.every((member) => NEW.includes(member)))
    assert.deepEqual([terms[1]?.base, terms[1]?.open, terms[1]?.restored], [undefined, [], 1])
  })

  //   checkpoint   cut 16, decisions up to term 4, and no term after that one
  it('has its first term after all of theirs, also where the checkpoint holds every decision', async () => {
    const { unit, checkpoint, restored } = await scene()
    const terms = [1, 2, 3, 4].map((number) => termOf(unit, number, number === 1 ? undefined : cutAt(100 * number)))
    await checkpoint(16, 4, terms)
    const { description } = await restored()
    // A certificate of term 3 is one of the voters of term 1, and a number names one term only.
    assert.deepEqual(
      firstTerms(description).map(({ number, members }) => [number, members.every((each) => OLD.includes(each))]),
      [
        [1, true],
        [4, true],
        [5, false],
      ],
    )
  })

  /**
   *   checkpoint      cut 16, decisions up to term 2
   *   sink one        cut 20, terms 1 … 4 beside it          sink two        cut 18, terms 1 … 3
   */
  it('goes on from its checkpoint, bound to what each sink has beyond it, under the decisions since', async () => {
    const { unit, checkpoint, write, restored } = await scene()
    const terms = [1, 2, 3, 4].map((number) => termOf(unit, number, number === 1 ? undefined : cutAt(100 * number)))
    const base = await checkpoint(16, 2, terms.slice(0, 2))
    const [at18, at20] = [contentOf(unit, 18), contentOf(unit, 20)]
    await write('two', certificateOf(at18, 3), terms.slice(0, 3))
    await write('one', certificateOf(at20, 4), terms)
    const { origin, description } = await restored()
    assert.deepEqual(origin.units[0]?.base, {
      seq: 16,
      part: 0,
      last: true,
      offset: 1_600,
      digest: contentDigest(base),
    })
    assert.deepEqual(origin.units[0]?.open, [
      { seq: 18, part: 0, offset: 1_800, digest: contentDigest(at18), term: 3 },
      { seq: 20, part: 0, offset: 2_000, digest: contentDigest(at20), term: 4 },
    ])
    // Term 2 is in the state; the first one stays for the names of those who signed.
    const history = firstTerms(description)
    assert.deepEqual(
      history.map(({ number, decision }) => [number, decision?.offset]),
      [
        [1, undefined],
        [3, 300],
        [4, 400],
        [5, undefined],
      ],
    )
    assert.deepEqual([history[3]?.floor, history[3]?.members], [400, description.members])
  })

  //   sink one   cut 18, term 3 beside it, and the certificate of cut 19, with terms up to 4: some of its rows may be there
  it('is bound to what was about to be written as well', async () => {
    const { unit, checkpoint, write, restored } = await scene()
    const terms = [1, 2, 3, 4].map((number) => termOf(unit, number, number === 1 ? undefined : cutAt(100 * number)))
    await checkpoint(16, 2, terms.slice(0, 2))
    const [at18, at19] = [contentOf(unit, 18), contentOf(unit, 19)]
    await write('one', certificateOf(at18, 3), terms.slice(0, 3))
    await write('one', certificateOf(at19, 4), terms, 'lost')
    const { origin } = await restored()
    assert.deepEqual(
      origin.units[0]?.open.map(({ seq, digest, term }) => [seq, digest, term]),
      [
        [18, contentDigest(at18), 3],
        [19, contentDigest(at19), 4],
      ],
    )
    assert.equal(origin.units[0]?.terms.at(-1)?.number, 4)
  })

  it('is as it is in the checkpoint when no sink has more', async () => {
    const { unit, checkpoint, write, restored } = await scene()
    const terms = [termOf(unit, 1)]
    await write('one', certificateOf(contentOf(unit, 9), 1), terms)
    await checkpoint(16, 0, terms)
    const { origin } = await restored()
    assert.deepEqual(origin.units[0]?.open, [])
    assert.equal(origin.units[0]?.base?.seq, 16)
  })

  it('is refused when a sink is ahead by terms that nobody carries', async () => {
    const { unit, checkpoint, write, restore } = await scene()
    await checkpoint(16, 1, [termOf(unit, 1)])
    await write('one', certificateOf(contentOf(unit, 20), 3), [termOf(unit, 1)])
    await assert.rejects(restore(), { code: 'QRT_CHECKPOINT_INCOMPLETE', message: /neither its checkpoint nor a sink/ })
    const other = await scene()
    await other.checkpoint(16, 1, [termOf(unit, 1)])
    await other.write('one', certificateOf(contentOf(unit, 20), 3), [termOf(unit, 1), termOf(unit, 3)])
    await assert.rejects(other.restore(), { code: 'QRT_CHECKPOINT_INCOMPLETE' })
  })

  it('is refused when what a sink has is not signed by its members', async () => {
    const { unit, write, restore } = await scene()
    await write('two', certificateOf(contentOf(unit, 2), 1), [termOf(unit, 1)])
    await assert.rejects(
      restore('lost', () => false),
      { code: 'QRT_CHECKPOINT_INCOMPLETE', message: /file:two.*not signed/ },
    )
  })

  it('is refused when its sinks hold different results', async () => {
    const { unit, write, restore } = await scene()
    await write('one', certificateOf(contentOf(unit, 2), 1), [termOf(unit, 1)])
    await write('two', certificateOf(contentOf(unit, 2, { offset: 201 }), 1), [termOf(unit, 1)])
    await assert.rejects(restore(), { code: 'QRT_SINK_FORK', message: /file:one/ })
  })

  it('is refused when it went over a gap from a state that is not in the checkpoint', async () => {
    const { unit, checkpoint, write, restore } = await scene()
    const gap: Decision = { kind: 'gap', offset: 1_700, value: 9_000, snapshot: { seq: 32, part: 0 }, floor: null }
    const terms = [termOf(unit, 1), termOf(unit, 2, gap)]
    await checkpoint(16, 1, terms.slice(0, 1))
    await write('one', certificateOf(contentOf(unit, 33), 2), terms)
    await assert.rejects(restore(), { code: 'QRT_CHECKPOINT_INCOMPLETE', message: /gap/ })
  })

  /**
   *   lost     checkpoint at 16       new     restored, no checkpoint of its own yet, lost as well       newest
   */
  it('keeps its first cluster and its checkpoint through a second loss', async () => {
    const { unit, checkpoint, saveBody, restored } = await scene()
    await checkpoint(16, 1, [termOf(unit, 1)])
    await saveBody('new', (await restored()).job.bodies[0]!)
    const { origin, description } = await restored('new')
    assert.deepEqual([origin.cluster, origin.restored], ['lost', 2])
    assert.equal(origin.units[0]?.checkpoint?.cluster, 'lost')
    const history = firstTerms(description)
    assert.deepEqual(
      history.map(({ number, restored }) => [number, restored]),
      [
        [1, undefined],
        [2, 1],
        [3, 2],
      ],
    )
  })
})

describe('a cluster that has no checkpoints', () => {
  it('is told apart from those that have', async () => {
    const { restore } = await scene()
    await assert.rejects(restore('other'), { code: 'QRT_CHECKPOINT_UNKNOWN', message: /"other"; there is lost/ })
  })
})
