/** Three peers in processes of their own on an embedded log, whose jobs write files: set up for one test, and gone after it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordsOf } from '../../src/demo/job.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { eventually } from '../eventually.ts'
import { flightRecords } from './flights.ts'
import { Peers } from './peers.ts'

export const WITHIN_MS = 120_000
export const NAMES = ['ada', 'bo', 'cy']

export interface FileCluster {
  /** Not started yet: a test fills the log first. */
  readonly peers: Peers
  readonly log: Log
  /** Holds everything: the log, the peers' directories, and the files unless a test says otherwise. */
  readonly folder: string
  /** Where a sink's files are. */
  readonly rows: (sink?: string) => string
}

/** @param rootOf what each peer is told to write files to; default: one directory for all */
export async function withFileCluster(
  name: string,
  test: (cluster: FileCluster) => Promise<void>,
  rootOf: (folder: string, peer: string) => string = (folder) => join(folder, 'rows'),
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `quorate-${name}-`))
  const settings = { kind: 'embedded', directory: join(folder, 'log') } as const
  const log = await openLog(settings)
  const connections = (peer: string) => ({ file: { directory: rootOf(folder, peer) } })
  const peers = new Peers({ directory: join(folder, 'peers'), log: settings, connections, names: NAMES })
  try {
    await test({ peers, log, folder, rows: (sink = '') => join(folder, 'rows', sink) })
  } finally {
    await peers.stop()
    await log.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Every flight, in the partition of its airport. */
export async function appendFlights(log: Log): Promise<void> {
  await log.createTopic('flights', { partitions: 3 })
  for (const [partition, records] of recordsOf(flightRecords())) await log.append(partition, records)
}

export async function appendValues(
  log: Log,
  topic: string,
  partition: number,
  values: readonly object[],
): Promise<void> {
  const records = values.map((value) => ({ key: null, value: Buffer.from(JSON.stringify(value)) }))
  await log.append({ topic, partition }, records)
}

/** Starts the peers and gives them the job. */
export async function run(peers: Peers, text: string): Promise<void> {
  await peers.start()
  await peers.client().submit({ format: 'yaml', file: 'e2e', text })
}

/** Once something of this stage or a later one is certified, a peer is killed and started again. */
export async function killOne(peers: Peers, job: string, from = 0): Promise<void> {
  await eventually(
    'something is certified',
    async () =>
      (await peers.client().status(job)).units.some(({ stage, certified }) => stage >= from && certified !== undefined),
    WITHIN_MS,
  )
  await peers.named('bo').kill()
  await peers.named('bo').start()
}
