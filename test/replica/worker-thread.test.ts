/** The thread of a replica worker, as the pool sees it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Mark } from '../../src/replica/mark.ts'
import type { WorkerCommand, WorkerData } from '../../src/replica/protocol.ts'
import { unitOfJob } from './assignments.ts'

const directory = mkdtempSync(join(tmpdir(), 'quorate-thread-'))
after(() => rmSync(directory, { recursive: true, force: true }))

describe('the thread of a replica worker', () => {
  // The pool ends a thread that beat once and does so no more: the first record that it takes may be one without end.
  it('has said that it lives before it takes its first command', async () => {
    const mark = new Mark()
    const workerData: WorkerData = {
      log: { kind: 'embedded', directory },
      functions: [],
      index: 0,
      mark: mark.buffer,
    }
    const worker = new Worker(new URL('../../src/replica/worker-thread.ts', import.meta.url), { workerData })
    const send = (command: WorkerCommand) => worker.postMessage(command)
    const { unit } = unitOfJob('endless', {})
    send({ kind: 'openRows', unit, request: 1, range: { key: undefined, from: 0, to: 1, after: undefined, limit: 1 } })
    send({ kind: 'close' })
    const reported = once(worker, 'message').then(() => mark.beats)
    const [[code], beats] = await Promise.all([once(worker, 'exit'), reported])
    assert.equal(code, 0)
    assert.ok(beats > 0n)
  })
})
