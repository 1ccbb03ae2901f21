/**
 * A cluster that something has happened to: three peers as processes, and a job that has met late records, a record that is no
 * JSON and windows that stay open, and has brought its rows to a sink. All is over and quiet when `startObserved` returns.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '../../src/cli/client.ts'
import type { LogRecord } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { Peers } from '../e2e/peers.ts'
import { eventually } from '../eventually.ts'
import { type Family, parseExposition, total } from './exposition.ts'

export const NAMES = ['ada', 'bo', 'cy'] as const

/** What the job was given: every number that the metrics can be compared with. */
export const FACTS = { records: 63, windows: 20, keys: 3, late: 2, notJson: 1, rows: 57, open: 3 } as const

/** At each peer, of what it knows itself. */
const LEFT_TO_DO = ['quorate_lag_records', 'quorate_uncertified_seconds', 'quorate_sink_backlog_bytes']

const JOB = `name: observed
source:
  topic: readings
  time: { field: at }
  idleAfter: 1h
pipeline:
  - keyBy: k
  - window: { tumbling: 1s }
  - aggregate: { n: count() }
sinks: [ { kafka: { topic: counts } } ]
deadLetters: { kafka: { topic: dead } }
quorum: { replicas: 3, write: 2, read: 2 }
`

export interface Observed {
  readonly peers: Peers
  readonly folder: string
  readonly token: string
  readonly client: Client
  metricsOf(name: string): Promise<ReadonlyMap<string, Family>>
  /** Further seconds of the input, each of which closes the window before it. */
  append(from: number, to: number): Promise<void>
  stop(): Promise<void>
}

export async function startObserved(): Promise<Observed> {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-observed-'))
  const token = randomBytes(16).toString('hex')
  const tokens = join(folder, 'tokens')
  const tokenFile = join(folder, 'token')
  await writeFile(tokens, `admin ${token}\n`, { mode: 0o600 })
  await writeFile(tokenFile, token, { mode: 0o600 })
  const log = await openLog({ kind: 'embedded', directory: join(folder, 'log') })
  const peers = new Peers({
    directory: join(folder, 'peers'),
    log: { kind: 'embedded', directory: join(folder, 'log') },
    names: NAMES,
    args: ['--tokens-file', tokens, '--workers', '1'],
  })
  const stop = async () => {
    await peers.stop()
    await log.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    for (const topic of ['readings', 'counts', 'dead']) await log.createTopic(topic, { partitions: 1 })
    await peers.start()
    const url = peers.named('ada').httpAddress
    const client = new Client({ url, tokenFile, timeoutMs: 60_000, signal: new AbortController().signal })
    await client.submit({ format: 'yaml', file: 'observed', text: JOB })
    const append = async (values: readonly string[]): Promise<void> => {
      const records = values.map((value): LogRecord => ({ key: null, value: Buffer.from(value) }))
      await log.append({ topic: 'readings', partition: 0 }, records)
    }
    await append(readings())
    const metricsOf = async (name: string) => {
      const headers = { authorization: `Bearer ${token}` }
      return parseExposition(await (await fetch(`${peers.named(name).httpAddress}/metrics`, { headers })).text())
    }
    const settled = async (name: string) => {
      const families = await metricsOf(name)
      const read = total(families, 'quorate_records_in_total') === FACTS.records
      return read && total(families, 'quorate_dead_letters_total') === FACTS.late + FACTS.notJson
    }
    const quiet = async (name: string) => {
      const families = await metricsOf(name)
      return LEFT_TO_DO.every((metric) => total(families, metric) === 0)
    }
    for (const name of NAMES) await eventually(`${name} has taken everything`, () => settled(name))
    await eventually('every row is at the sinks', () => committed(client))
    for (const name of NAMES) await eventually(`${name} knows that nothing is left to do`, () => quiet(name))
    return {
      peers,
      folder,
      token,
      client,
      metricsOf,
      append: (from, to) => append(seconds(from, to)),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Twenty seconds of three keys, a record a second and key; two records of second 0 come at the end, and one is no JSON. */
function readings(): string[] {
  const late = seconds(0, 1).slice(0, FACTS.late)
  return [...seconds(0, FACTS.windows), 'not JSON', ...late]
}

function seconds(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => {
    const at = (from + index) * 1000
    return Array.from({ length: FACTS.keys }, (_, key) => JSON.stringify({ at, k: `k${key}` }))
  }).flat()
}

async function committed(client: Client): Promise<boolean> {
  const { units } = await client.status('observed')
  return units.every(({ certified, committed }) => {
    return certified !== undefined && committed?.seq === certified.seq && committed.part === certified.part
  })
}
