/** The threads of a peer end when it is closed, whatever they are told meanwhile. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { openLog } from '../../src/log/open.ts'
import { WorkerPool } from '../../src/replica/pool.ts'
import { TOPIC, unitOfJob } from './assignments.ts'

const directory = mkdtempSync(join(tmpdir(), 'quorate-pool-'))
after(() => rmSync(directory, { recursive: true, force: true }))

describe('a pool of replica threads', () => {
  it('ends though a unit is given to it while it closes', { timeout: 60_000 }, async () => {
    const log = { kind: 'embedded', directory } as const
    const opened = await openLog(log)
    await opened.createTopic(TOPIC, { partitions: 1 })
    await opened.close()
    const failures: Error[] = []
    const pool = new WorkerPool({
      log,
      functions: [],
      threads: 2,
      onReport: () => undefined,
      onFailure: (_, error) => failures.push(error),
    })
    const closed = pool.close()
    for (const [partition, careful] of [false, true].entries()) {
      const assignment = unitOfJob('late', { partition })
      pool.port(assignment.unit, careful).post({ kind: 'assign', epoch: 1, assignment })
    }
    await closed
    assert.deepEqual(failures, [])
  })

  it('ends though something keeps a thread, and whoever waits for rows of that one gets none', async () => {
    const pool = new WorkerPool({
      log: { kind: 'embedded', directory },
      functions: [],
      threads: 2,
      thread: new URL('./busy-thread.ts', import.meta.url),
      onReport: () => undefined,
      onFailure: (_, error) => assert.fail(error),
    })
    const { unit } = unitOfJob('busy', { partition: 0 })
    pool.port(unit, false).post({ kind: 'release', unit })
    const asked = pool.openRows(unit, { key: undefined, from: 0, to: 1, after: undefined, limit: 1 })
    await pool.close()
    assert.equal((await asked).length, 0)
  })
})
