/**
 * A process that is killed while it commits: it opens the log and a writer of its own and commits many megabytes; when
 * the log has begun to grow, and the commit has not been answered, it gets a SIGKILL.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { LogPartition, LogSettings } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import type { LogHarness } from './log.contract.ts'

interface Order {
  readonly settings: LogSettings
  readonly partition: LogPartition
  readonly id: string
  readonly progressTopic: string
}

const RECORDS = 60_000
const RECORD_BYTES = 2_000
const UNDER_WAY_BYTES = 4 << 20
const DEADLINE_MS = 60_000

export async function killWhileCommitting({
  harness,
  ...order
}: Omit<Order, 'settings'> & { readonly harness: LogHarness }): Promise<void> {
  const before = await harness.bytes(order.partition)
  const text = JSON.stringify({ settings: harness.settings, ...order } satisfies Order)
  const child = spawn(process.execPath, [import.meta.filename, text], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (data) => {
    said += data
  })
  const ended = once(child, 'exit')
  const deadline = Date.now() + DEADLINE_MS
  while ((await harness.bytes(order.partition)) < before + UNDER_WAY_BYTES) {
    assert.ok(child.exitCode === null && Date.now() < deadline, `it does not write; it said "${said}"`)
    await delay(2)
  }
  child.kill('SIGKILL')
  await ended
  assert.equal(said, 'committing\n', 'it is killed before its commit is answered')
}

const [, file, text] = process.argv
if (file === import.meta.filename && text !== undefined) {
  const { settings, partition, id, progressTopic } = JSON.parse(text) as Order
  const log = await openLog(settings)
  const writer = await log.openWriter(id, progressTopic)
  const value = Buffer.alloc(RECORD_BYTES, 'v')
  const records = Array.from({ length: RECORDS }, () => ({ key: null, value }))
  process.stdout.write('committing\n')
  await writer.commit(new Map([[partition, records]]), Buffer.from('killed'))
  process.stdout.write('committed\n')
}
