/**
 * Functions of one's own on real peers: they reach the threads that compute, and a peer that was started without them says so and
 * computes nothing, while nothing is certified by the other alone.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { runCli } from '../cli/run-cli.ts'
import { eventually } from '../eventually.ts'
import { Peers } from './peers.ts'

const FUNCTIONS = fileURLToPath(new URL('../../configs/functions/geo.ts', import.meta.url))
const WITHIN_MS = 120_000
const JOB = `name: cards
source: { topic: cards, time: { field: at } }
pipeline:
  - filter: luhn(card)
  - keyBy: cell(lat, lon, 10)
  - window: { tumbling: 1m }
  - aggregate: { cards: count() }
quorum: { replicas: 2, write: 2, read: 2 }
`

let directory: string
let log: Log
let peers: Peers

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'quorate-functions-'))
  const settings = { kind: 'embedded', directory: join(directory, 'log') } as const
  log = await openLog(settings)
  await log.createTopic('cards', { partitions: 1 })
  // Peers take their environment from here.
  process.env.QUORATE_FUNCTIONS = FUNCTIONS
  peers = new Peers({ directory, log: settings, names: ['ada', 'bo'] })
  await peers.start()
})
after(async () => {
  delete process.env.QUORATE_FUNCTIONS
  await peers?.stop()
  await log?.close()
  rmSync(directory, { recursive: true, force: true })
})

/** A card that is valid, one that is not, and one that closes the minute. */
const append = (minute: number) =>
  log.append(
    { topic: 'cards', partition: 0 },
    [
      { card: '4111111111111111', at: minute * 60_000 },
      { card: '4111111111111112', at: minute * 60_000 + 1 },
      { card: '4111111111111111', at: minute * 60_000 + 59_999 },
      { card: '1', at: (minute + 1) * 60_000 },
    ].map((record) => ({ key: null, value: Buffer.from(JSON.stringify({ ...record, lat: 52, lon: -3 })) })),
  )

const rows = async () => {
  const { rows } = await peers.client().windows('cards', { limit: 100 })
  return rows.filter(({ final }) => final).map(({ key, values }) => [key, values?.cards])
}

it('compute the same on all peers', async () => {
  await peers.client().submit({ text: JOB, format: 'yaml', file: 'cards.yaml' })
  await append(0)
  await eventually('the first minute is certified', async () => (await rows()).length === 1, WITHIN_MS)
  assert.deepEqual(await rows(), [['5:-1', 2]])
})

it('are missed by a peer without them, which says so and computes nothing', async () => {
  const bo = peers.named('bo')
  await bo.stop()
  delete process.env.QUORATE_FUNCTIONS
  await bo.start()
  await bo.ready()
  await eventually(
    'bo says what it lacks',
    async () => {
      const { units } = await bo.client().status('cards')
      return units.some(
        ({ state, reasons }) => state === 'halted' && /--functions.*QRT_FUNCTIONS_UNKNOWN/.test(reasons.join()),
      )
    },
    WITHIN_MS,
  )
  await append(2)
  const refused = JOB.replace('name: cards', 'name: others')
  await assert.rejects(bo.client().submit({ text: refused, format: 'yaml', file: 'others.yaml' }), /luhn\(\): unknown/)
  assert.deepEqual(await rows(), [['5:-1', 2]], 'ada alone certifies nothing')
})

it('go on when it is started with them', async () => {
  const bo = peers.named('bo')
  await bo.stop()
  process.env.QUORATE_FUNCTIONS = FUNCTIONS
  await bo.start()
  await eventually('the other minute is certified', async () => (await rows()).length === 2, WITHIN_MS)
  assert.deepEqual(await rows(), [
    ['5:-1', 2],
    ['5:-1', 2],
  ])
})

it('are checked where a document is', async () => {
  const file = join(directory, 'cards.yaml')
  writeFileSync(file, JOB)
  assert.equal((await runCli(['lint', file])).code, 3)
  assert.equal((await runCli(['lint', file, '--functions', FUNCTIONS])).code, 0)
})
