/**
 * A replica worker whose units read the same partition, as units of two jobs on one topic do:
 *
 *   flights[0]  0 1 2 3 4 5 …
 *   first       ─────────────▶   from the beginning
 *   second            ──▶ ✕      from offset 2; released
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createVerifier, monotonicClock, type UnitId } from '../../mesh/index.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import type { WorkerReport } from '../../src/replica/protocol.ts'
import { ReplicaWorker } from '../../src/replica/worker.ts'
import { eventually } from '../eventually.ts'
import { TOPIC, unitOfJob } from './assignments.ts'

let directory: string
let log: Log
let worker: ReplicaWorker
let reports: WorkerReport[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-worker-'))
  const settings = { kind: 'embedded', directory } as const
  log = await openLog(settings)
  await log.createTopic(TOPIC, { partitions: 1 })
  reports = []
  worker = new ReplicaWorker({
    log: await openLog(settings),
    now: () => monotonicClock.now(),
    verifier: createVerifier(),
    report: (report) => reports.push(report),
  })
})
afterEach(async () => {
  await worker.command({ kind: 'close' })
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

async function assign(job: string, startOffset: number): Promise<UnitId> {
  const assignment = unitOfJob(job, { startOffset })
  await worker.command({ kind: 'assign', epoch: 1, assignment })
  return assignment.unit
}

/** One record a second from `from` on: each closes the second before it. */
const append = (from: number, count: number) =>
  log.append(
    { topic: TOPIC, partition: 0 },
    Array.from({ length: count }, (_, index) => ({
      key: null,
      value: Buffer.from(JSON.stringify({ at: (from + index) * 1_000 })),
    })),
  )

const cuts = (unit: UnitId) =>
  reports.flatMap((report) => (report.kind === 'cut' && report.unit === unit ? [report.content] : []))
const reaches = (unit: UnitId, offset: number) =>
  eventually(`${unit} cuts at ${offset}`, () => (cuts(unit).at(-1)?.offset ?? 0) >= offset)

describe('a worker that closes', () => {
  it('takes no unit any more, so that nothing of it goes on reading', async () => {
    await append(0, 4)
    const closed = worker.command({ kind: 'close' })
    await assign('late', 0)
    await closed
    assert.deepEqual(
      reports.map(({ kind }) => kind),
      ['closed'],
    )
  })
})

describe('units that read one partition', () => {
  it('each get all of it, from where each began', async () => {
    await append(0, 6)
    const first = await assign('first', 0)
    await reaches(first, 6)
    const second = await assign('second', 2)
    await reaches(second, 6)
    await append(6, 4)
    await Promise.all([reaches(first, 10), reaches(second, 10)])
    const taken = (unit: UnitId) => cuts(unit).reduce((sum, { counts }) => sum + counts.in, 0)
    assert.deepEqual([taken(first), taken(second)], [10, 8])
  })

  it('go on when another of them is released, or starts again', async () => {
    await append(0, 4)
    const [first, second] = [await assign('first', 0), await assign('second', 0)]
    await Promise.all([reaches(first, 4), reaches(second, 4)])
    await worker.command({ kind: 'release', unit: second })
    await append(4, 2)
    await reaches(first, 6)
    const third = await assign('third', 0)
    await assign('first', 6)
    await append(6, 2)
    await Promise.all([reaches(first, 8), reaches(third, 8)])
  })
})
