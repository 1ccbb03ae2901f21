import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { PeerId } from '../../mesh/index.ts'
import type { SinkPlan } from '../../src/commit/sink.ts'
import { CommitThread } from '../../src/commit/thread.ts'
import { batch, identity, oneBody, row } from '../contract/sink-batches.ts'

describe('the commit thread', () => {
  it('writes for two jobs to one place, for each in its own format', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quorate-commit-'))
    const thread = new CommitThread(
      {
        log: { kind: 'embedded', directory: join(folder, 'log') },
        connections: { file: { directory: join(folder, 'rows') } },
        self: 'a'.repeat(64) as PeerId,
        checkpoints: undefined,
      },
      (error) => assert.fail(error),
    )
    try {
      const plans: readonly SinkPlan[] = [
        { kind: 'file', directory: 'rows' },
        { kind: 'file', directory: 'rows', format: 'yaml' },
      ]
      for (const [i, plan] of plans.entries()) {
        const unit = identity(i + 1)
        const session = await thread.sink(plan).open(unit)
        const first = batch(unit, { seq: 1, part: 0 }, undefined, [row(0, '"a"', '1')], oneBody)
        await session.write([first])
        const { position, outDigest } = (await session.announced()) ?? {}
        assert.deepEqual([position, outDigest], [first.position, first.outDigest])
        await session.close()
      }
      const names = await readdir(join(folder, 'rows'), { recursive: true })
      assert.deepEqual(names.filter((name) => /\.(?:jsonl|yaml)$/.test(name)).sort(), [
        'rows/test/orders-0123456789ab-1/0-0/000000000001-000000000000.jsonl',
        'rows/test/orders-0123456789ab-2/0-0/000000000001-000000000000.yaml',
      ])
    } finally {
      await thread.stop()
      await rm(folder, { recursive: true, force: true })
    }
  })
  it('says once that it cannot go on; from then on every call fails, and it can be stopped', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quorate-commit-'))
    const file = join(folder, 'file')
    await writeFile(file, 'where the directory of the log should be')
    const failures: Error[] = []
    const { promise: failed, resolve } = Promise.withResolvers<void>()
    const thread = new CommitThread(
      {
        log: { kind: 'embedded', directory: file },
        connections: {},
        self: 'a'.repeat(64) as PeerId,
        checkpoints: undefined,
      },
      (error) => {
        failures.push(error)
        resolve()
      },
    )
    const sink = thread.sink({ kind: 'file', directory: 'rows' })
    await assert.rejects(sink.open(identity(1)), { code: 'QRT_WORKER_FAILED', indefinite: true })
    await failed
    await assert.rejects(sink.open(identity(1)), { code: 'QRT_WORKER_FAILED', indefinite: true })
    await thread.stop()
    assert.equal(failures.length, 1)
    await rm(folder, { recursive: true, force: true })
  })
})
