/**
 * The one Kafka broker of a cluster has a bad time, while peers that commit through it are killed and started again:
 *
 * - `starved`: it gets next to no processor time, again and again, in pieces of up to three seconds. It misses its own
 *   heartbeats, loses its leaderships and gets them back, and works on with what it knew; transactions end in between.
 * - `wire`: what peers send to it comes late, also after they have given up; what it answers comes late, says something
 *   else than what came of it, or is lost with the connection.
 *
 * All of that is about transactions and their progress, so that what is in each sink is the whole verdict. When it is wrong
 * the data of the broker stay too.
 *
 *   npm run chaos -- broker [--case starved,wire] [--runs 1] [--seconds 90] [-o json]
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KafkaCluster } from '../../src/log/kafka/cluster.ts'
import { committedRecords } from '../e2e/kafka-rows.ts'
import { API, type Fault, FaultyWire } from '../services/faulty-wire.ts'
import { committer } from './asked.ts'
import { flagsOf } from './flags.ts'
import type { Scene } from './scene.ts'
import { pass, Stage } from './stage.ts'
import { type Outcome, pauses, playOnScene } from './verdict.ts'

const BEFORE_MS = 5_000
const BAD_MS = 12_000
const CALM_MS = 4_000
const AFTER_MS = 8_000
const REST_MS = 300_000
const DOWN_MS = 2_000
/** How long it stands still, and runs, in turns. A session of the broker is two seconds. */
const STOPS_MS = [60, 400, 900, 2_900]
const RUNS_MS = [5, 20, 40]
/** One request of so many is disturbed. */
const EACH = 12
const FAULTS: readonly Fault[] = [
  { cut: 'answer' },
  { requestMs: 3_000, cut: 'request' },
  { answerMs: 2_000 },
  { requestMs: 16_000 },
  { requestMs: 500, answerMs: 500 },
  { cut: 'answer', answerMs: 1_000 },
]
/** COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS: of what was done all the same. */
const ERRORS = [15, 16, 51]
const DISTURBED: readonly number[] = [
  API.produce,
  API.initProducerId,
  API.addPartitionsToTxn,
  API.endTxn,
  API.findCoordinator,
]
const LEFT_OUT = /Couldn't find leader endpoint for partitions/g

type Case = 'starved' | 'wire'

interface BrokerRun extends Outcome {
  readonly case: Case
  readonly killed: number
  /** How often partitions of the source got another leader epoch. */
  readonly elections: number
  /** How often the coordinator left out markers because it knew no leader. */
  readonly markersLeftOut: number
  readonly disturbed: number
  readonly records: number
  readonly rows: number
  readonly longestPauseMs: number
}

export async function main(argv: readonly string[]): Promise<void> {
  const flags = flagsOf(argv, { case: 'starved,wire', runs: '1', seconds: '90' })
  const names = flags.text.case.split(',').filter((name): name is Case => name === 'starved' || name === 'wire')
  const cases = names.flatMap((name) => Array.from({ length: flags.number('runs') }, () => name))
  const badMs = flags.number('seconds') * 1000
  const wire = await FaultyWire.open()
  try {
    await playOnScene<BrokerRun>(
      {
        json: flags.json,
        runs: cases.length,
        withinMs: badMs + REST_MS,
        play: (scene, run) => play(scene, wire, cases[run] ?? 'starved', badMs),
        line: ({ case: name, killed, elections, markersLeftOut, disturbed, records, rows, longestPauseMs }) =>
          `${name} for ${flags.text.seconds} s, ${killed} peers killed; ${elections} elections, markers left out ` +
          `${markersLeftOut} times, ${disturbed} requests disturbed; ${records} records, ${rows} rows; longest pause ` +
          `beyond the window ${longestPauseMs} ms`,
        figures: (results) => pauses(results.map(({ longestPauseMs }) => longestPauseMs)),
      },
      { private: true, wire: wire.port },
    )
  } finally {
    await wire.close()
  }
}

async function play(scene: Scene, wire: FaultyWire, name: Case, badMs: number): Promise<BrokerRun> {
  const { logSettings, broker } = scene
  wire.leadTo(broker.wired ?? '')
  const stage = await Stage.start(scene, {
    names: ['ada', 'bo', 'cy'],
    partitions: 4,
    recordsPerSecond: 1_000,
    replicas: 3,
    write: 2,
    mayFail: true,
    ...(name === 'wire' && logSettings.kind === 'kafka'
      ? { logSettings: { ...logSettings, brokers: [`127.0.0.1:${wire.port}`] } }
      : {}),
  })
  const { peers, load, place } = stage
  const before = { faults: disturbed(wire), elections: await elections(scene, place.topic), left: await leftOut(scene) }
  let killed = 0
  try {
    await pass(BEFORE_MS)
    const beganAt = performance.now()
    while (performance.now() < beganAt + badMs) {
      const bad = name === 'starved' ? starve(scene, BAD_MS) : disturb(wire, BAD_MS)
      await pass(BAD_MS / 2)
      const { peer: victim } = await committer(peers.all)
      await victim.kill()
      killed += 1
      await pass(DOWN_MS)
      await bad
      await victim.start()
      await pass(CALM_MS)
    }
    const endedAt = performance.now()
    await pass(AFTER_MS)
    await load.end()
    // What was sent is what is there: the load's own requests met a bad broker too.
    load.recount((await committedRecords(scene.brokers, place.topic)).map(({ value }) => value))
    const { sent } = load
    const rows = load.expected.size
    const wrong = await stage.settle()
    return {
      case: name,
      killed,
      elections: (await elections(scene, place.topic)) - before.elections,
      markersLeftOut: (await leftOut(scene)) - before.left,
      disturbed: disturbed(wire) - before.faults,
      records: sent,
      rows,
      longestPauseMs: stage.longestPauseMs(beganAt, endedAt),
      wrong,
    }
  } finally {
    wire.disturb()
    broker.signal('SIGCONT')
    await stage.stop()
  }
}

async function starve({ broker }: Scene, ms: number): Promise<void> {
  const until = performance.now() + ms
  for (let turn = 0; performance.now() < until; turn++) {
    broker.signal('SIGSTOP')
    await pass(STOPS_MS[turn % STOPS_MS.length] ?? 0)
    broker.signal('SIGCONT')
    await pass(RUNS_MS[turn % RUNS_MS.length] ?? 0)
  }
}

async function disturb(wire: FaultyWire, ms: number): Promise<void> {
  let requests = 0
  let faults = 0
  wire.disturb((apiKey) => {
    requests += DISTURBED.includes(apiKey) ? 1 : 0
    if (!DISTURBED.includes(apiKey) || requests % EACH !== 0) return undefined
    faults += 1
    const lies = apiKey === API.endTxn || apiKey === API.initProducerId
    return lies && faults % 3 === 0 ? { error: ERRORS[faults % ERRORS.length] ?? 0 } : FAULTS[faults % FAULTS.length]
  })
  await pass(ms)
  wire.disturb()
}

const disturbed = (wire: FaultyWire): number => [...wire.faults.values()].reduce((sum, count) => sum + count, 0)

/** The sum of the leader epochs of a topic. */
async function elections({ brokers }: Scene, topic: string): Promise<number> {
  const cluster = new KafkaCluster({ kind: 'kafka', brokers, clientId: 'chaos' })
  try {
    const { topics } = await cluster.metadata([topic])
    return topics.flatMap(({ partitions }) => partitions).reduce((sum, { leaderEpoch }) => sum + leaderEpoch, 0)
  } finally {
    cluster.close()
  }
}

async function leftOut({ broker }: Scene): Promise<number> {
  if (broker.folder === undefined) return 0
  return (await readFile(join(broker.folder, 'server.log'), 'utf8')).match(LEFT_OUT)?.length ?? 0
}
