/**
 * A source topic gets another partition while records flow. One job has a shuffle and goes on with all partitions; another
 * relies on where its keys are, and stops.
 *
 *   hits[0], hits[1]   ●●●●●●●●●●●●●●●●●●●●●●●●
 *   hits[2]                  ●●●●●●●●●●●●●●●●●●    from its first record on, though nobody knew of it yet
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { runCli } from '../cli/run-cli.ts'
import { readAll } from '../contract/log-recorder.ts'
import { eventually } from '../eventually.ts'
import { Peers } from './peers.ts'

const TOPIC = 'hits'
/** A look of each peer comes within half a minute. */
const NOTICED_WITHIN_MS = 120_000
const WITHIN_MS = 120_000
const EPOCH = Date.UTC(2001, 0, 1)
const WINDOW_MS = 60_000
/** After all others, and after all that is allowed to be late. */
const LAST = EPOCH + 30 * 86_400_000

const jobText = (name: string, extra: string) => `
name: ${name}
source: { topic: ${TOPIC}, format: json, time: { field: at }, idleAfter: 1h${extra} }
pipeline:
  - keyBy: key
  - window: { tumbling: 1m, allowedLateness: 7d }
  - aggregate: { hits: count(), total: sum(value) }
sinks: [ { kafka: { topic: ${name}-out } } ]
quorum: { replicas: 3, write: 2, read: 2 }
maxCutAge: 200ms
`

interface Hit {
  readonly key: string
  readonly value: number
  readonly at: number
}

let directory: string
let log: Log
let peers: Peers
const hits: Hit[] = []
let partitions = 2
let flowing = true
let producing: Promise<void>

/** One after the other to each partition there is, as fast as the log takes them and no faster than peers read them. */
async function produce(): Promise<void> {
  while (flowing) {
    const base = hits.length
    for (let partition = 0; partition < partitions; partition++) {
      const batch = Array.from({ length: 5 }, (_, i): Hit => {
        const number = base + 5 * partition + i
        return { key: `k${number % 7}`, value: number % 10, at: EPOCH + number * 500 }
      })
      await send(partition, batch)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function send(partition: number, batch: readonly Hit[]): Promise<void> {
  const records = batch.map((hit) => ({ key: Buffer.from(hit.key), value: Buffer.from(JSON.stringify(hit)) }))
  await log.append({ topic: TOPIC, partition }, records)
  hits.push(...batch)
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-growth-'))
  const settings = { kind: 'embedded', directory: join(directory, 'log') } as const
  log = await openLog(settings)
  peers = new Peers({ directory, log: settings, names: ['ada', 'bo', 'cy'] })
  await log.createTopic(TOPIC, { partitions })
  for (const name of ['free', 'kept']) await log.createTopic(`${name}-out`, { partitions: 1 })
  await peers.start()
  producing = produce()
  for (const text of [jobText('free', ''), jobText('kept', ', partitionedBy: key')]) {
    await peers.client().submit({ format: 'yaml', text })
  }
  for (const name of ['free', 'kept']) {
    await eventually(`${name} has rows`, async () => (await sinkEnd(name)) > 0, WITHIN_MS)
  }
})
after(async () => {
  flowing = false
  await producing
  await peers?.stop()
  await log?.close()
  await rm(directory, { recursive: true, force: true })
})

const sinkEnd = async (name: string) => (await log.offsets(`${name}-out`))[0]?.end ?? 0

/** `window start, key: hits, total`, the newest revision of each. */
async function rows(name: string): Promise<string[]> {
  const newest = new Map<string, { revision: number; text: string }>()
  for (const { value } of await readAll(log, { topic: `${name}-out`, partition: 0 }, 0)) {
    const row = JSON.parse(value ?? '')
    const start = Date.parse(row.window.start)
    const place = `${start} ${row.key}`
    if (start >= LAST || (newest.get(place)?.revision ?? -1) >= row.revision) continue
    newest.set(place, { revision: row.revision, text: `${place}: ${row.hits}, ${row.total}` })
  }
  return [...newest.values()].map(({ text }) => text).sort()
}

function expectedRows(): string[] {
  const windows = new Map<string, { hits: number; total: number }>()
  for (const { key, value, at } of hits) {
    const place = `${Math.floor(at / WINDOW_MS) * WINDOW_MS} ${key}`
    const { hits: count, total } = windows.get(place) ?? { hits: 0, total: 0 }
    windows.set(place, { hits: count + 1, total: total + value })
  }
  return [...windows].map(([place, { hits: count, total }]) => `${place}: ${count}, ${total}`).sort()
}

describe('a source topic grows under a running producer', () => {
  it('a job with a shuffle takes the new partition, from its first record on', async () => {
    await log.growTopic(TOPIC, 3)
    await send(2, [{ key: 'k0', value: 1, at: EPOCH }])
    partitions = 3
    for (const peer of peers.all) {
      await eventually(
        `${peer.name} knows, and every unit is there`,
        async () => {
          const { units } = await peer.client().status('free')
          const added = units.find(({ stage, partition }) => stage === 0 && partition === 2)
          return (added?.offset ?? 0) > 0 && units.length === 5 && units.every(({ revision }) => revision === 1)
        },
        NOTICED_WITHIN_MS,
      )
    }
    const { revision, units, state, stopped } = await peers.client().job('free')
    assert.deepEqual([revision, units, state, stopped], [1, 5, 'running', undefined])
  })

  it('a job that relies on where its keys are stops at a place that its replicas agree on, and says why', async () => {
    const why = /"hits" has 3 partitions now, and had 2: "kept" has no shuffle .* submit it anew under another name/
    for (const peer of peers.all) {
      await eventually(
        `${peer.name} tells that it has stopped`,
        async () => (await peer.client().status('kept')).units.every(({ state }) => state === 'halted'),
        NOTICED_WITHIN_MS,
      )
      const { state, stopped } = await peer.client().job('kept')
      assert.deepEqual([state, stopped?.code], ['halted', 'QRT_SOURCE_GREW'])
      assert.match(stopped?.message ?? '', why)
    }
    const { units } = await peers.client().status('kept')
    for (const { reasons } of units) assert.match(reasons.join('\n'), why)
    const metrics = await (await fetch(`${peers.all[0]!.httpAddress}/metrics`)).text()
    assert.match(metrics, /quorate_units\{job="kept",state="halted"\} 2/)
    assert.match(metrics, /quorate_job_stopped\{job="kept"\} 1/)
    assert.match(metrics, /quorate_job_stopped\{job="free"\} 0/)
    const { code, stderr } = await runCli(['resume', 'kept', '--url', peers.all[0]!.httpAddress])
    assert.equal(code, 1)
    assert.match(stderr, why)
    assert.match(stderr, /QRT_JOB_STOPPED/)
  })

  it('a peer that starts again has all units, and the sink holds in the end what was sent, record for record', async () => {
    await peers.named('bo').kill()
    await peers.named('bo').start()
    await peers.ready()
    flowing = false
    await producing
    const sent = expectedRows()
    for (let partition = 0; partition < partitions; partition++) {
      await send(partition, [{ key: 'last', value: 0, at: LAST }])
    }
    let found: string[] = []
    const complete = async () => {
      found = await rows('free')
      return found.length === sent.length && found.every((row, i) => row === sent[i])
    }
    await eventually('the sink holds all that was sent', complete, WITHIN_MS).catch(() => undefined)
    assert.deepEqual(found, sent)
  })
})
