/** A peer that is told to end does so by itself, whatever keeps one of its parts: a record without end, or a log that is away. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { LogSettings } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { eventually } from '../eventually.ts'
import { skipReason } from '../services/availability.ts'
import { kafka } from '../services/kafka.ts'
import { Peers } from './peers.ts'

const FUNCTIONS = fileURLToPath(new URL('./endless.ts', import.meta.url))
const broker = await kafka({ private: true })

const jobText = (step: string) => `name: orders
source: { topic: orders, time: { field: at }, idleAfter: 10m }
pipeline: [ ${step} ]
sinks: [ { kafka: { topic: rows } } ]
quorum: { replicas: 1, write: 1, read: 1 }
maxCutAge: 200ms
`

let directory: string
let peers: Peers | undefined
afterEach(async () => {
  await peers?.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** A cluster of one with a job, and a record in the partition that it reads. */
async function start(settings: LogSettings, step: string, record: object, args: readonly string[] = []) {
  const log = await openLog(settings)
  for (const topic of ['orders', 'rows']) await log.createTopic(topic, { partitions: 1 })
  await log.append({ topic: 'orders', partition: 0 }, [{ key: null, value: Buffer.from(JSON.stringify(record)) }])
  await log.close()
  peers = new Peers({ directory, log: settings, names: ['ada'], args })
  await peers.start()
  await peers.client().submit({ format: 'yaml', text: jobText(step) })
  return peers.named('ada')
}

const unit = async () => (await peers!.client().status('orders')).units[0]!

describe('a peer that is told to end', () => {
  it('ends though a record keeps a thread', async () => {
    directory = mkdtempSync(join(tmpdir(), 'quorate-stopping-'))
    const settings = { kind: 'embedded', directory: join(directory, 'log') } as const
    const record = { at: 1, text: 'endless' }
    const ada = await start(settings, 'filter: endless(text)', record, ['--functions', FUNCTIONS])
    // Its thread is ended after a while, and the next one takes the record again.
    await eventually('the record is missed', async () => /it took no message/.test(readFileSync(ada.logFile, 'utf8')))
    const { exited } = ada
    ada.signal('SIGTERM')
    assert.equal(await exited, 0)
  })

  it('ends though its log is away', { skip: skipReason(broker) }, async () => {
    if ('unavailable' in broker) return
    directory = mkdtempSync(join(tmpdir(), 'quorate-stopping-'))
    const settings = { kind: 'kafka', brokers: broker.brokers, clientId: 'stopping' } as const
    const ada = await start(settings, 'filter: text != "endless"', { at: 1, text: 'fine' })
    await eventually('a row is at the sink', async () => (await unit()).committed !== undefined)
    await broker.kill()
    await eventually('it misses its log', async () => (await unit()).reasons.join().includes('the log cannot be read'))
    const { exited } = ada
    ada.signal('SIGTERM')
    assert.equal(await exited, 0)
    await broker.stop()
  })
})
