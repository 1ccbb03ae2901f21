/**
 * The network between peers fails while records flow, each peer in a network namespace of its own and Kafka and the stores
 * within reach of all: a majority cut from a minority, an even split of four, packets that are lost in one direction, and a
 * bad network (a tenth of all packets lost, each 200 ms under way). Whoever is too few commits nothing, at the sink as by its
 * own account, and tells readers so; when the network is whole again, all agree again within 15 s; nobody has been removed.
 *
 *   npm run chaos -- partition [--case majority,even,oneway,lossy] [--runs 1] [--seconds 30] [-o json]
 */
import { join } from 'node:path'
import { ProblemError } from '../../src/cli/client.ts'
import type { PeerProcess } from '../e2e/peers.ts'
import { eventually } from '../eventually.ts'
import { asked, isPlaced, metric } from './asked.ts'
import { flagsOf } from './flags.ts'
import { Network } from './network/network.ts'
import type { Scene } from './scene.ts'
import { pass, Stage } from './stage.ts'
import { type Outcome, pauses, playOnScene } from './verdict.ts'

const BEFORE_MS = 5_000
/** No packet from before the cut is under way any longer. */
const UNDER_WAY_MS = 2_000
const DRAINED_WITHIN_MS = 30_000
const AFTER_MS = 3_000
const CONVERGED_WITHIN_MS = 15_000
const REST_MS = 240_000

interface Case {
  readonly names: readonly string[]
  readonly write: number
  /** Who must not be able to commit. */
  readonly few: readonly string[]
  readonly fault: (network: Network) => Promise<void>
}

const FIVE = ['ada', 'bo', 'cy', 'dee', 'eve']
const FOUR = FIVE.slice(0, 4)
const CASES: Readonly<Record<string, Case>> = {
  majority: {
    names: FIVE,
    write: 3,
    few: ['dee', 'eve'],
    fault: (network) => network.split(['ada', 'bo', 'cy'], ['dee', 'eve']),
  },
  even: {
    names: FOUR,
    write: 3,
    few: FOUR,
    fault: (network) => network.split(['ada', 'bo'], ['cy', 'dee']),
  },
  oneway: {
    names: FIVE,
    write: 3,
    few: [],
    fault: (network) => network.link(['ada'], FIVE, { loss: 1, delayMs: 0 }),
  },
  lossy: {
    names: FIVE,
    write: 3,
    few: [],
    fault: (network) => network.link(FIVE, FIVE, { loss: 0.1, delayMs: 200 }),
  },
}

interface PartitionRun extends Outcome {
  readonly case: string
  readonly records: number
  readonly rows: number
  readonly longestPauseMs: number
  /** From the moment at which the network was whole until all saw the same, and every unit had its replicas. */
  readonly convergedAfterMs: number
  readonly suspected: number
  readonly dead: number
}

export async function main(argv: readonly string[]): Promise<void> {
  const flags = flagsOf(argv, { case: Object.keys(CASES).join(), runs: '1', seconds: '30' })
  const names = flags.text.case.split(',')
  const faultMs = flags.number('seconds') * 1000
  await playOnScene<PartitionRun>({
    json: flags.json,
    runs: flags.number('runs') * names.length,
    withinMs: faultMs + REST_MS,
    play: (scene, run) => play(scene, names[run % names.length] ?? '', faultMs),
    line: ({ case: name, records, rows, longestPauseMs, convergedAfterMs, suspected, dead }) =>
      `${name}; ${records} records, ${rows} rows; longest pause beyond the window ${longestPauseMs} ms; whole again after ` +
      `${convergedAfterMs} ms; ${suspected} times suspected, ${dead} times held dead`,
    figures: (results) => ({
      ...pauses(results.map(({ longestPauseMs }) => longestPauseMs)),
      longestConvergenceMs: Math.max(...results.map(({ convergedAfterMs }) => convergedAfterMs)),
    }),
  })
}

async function play(scene: Scene, name: string, faultMs: number): Promise<PartitionRun> {
  const planned = CASES[name]
  if (planned === undefined) throw new Error(`there is no case ${name}; there are ${Object.keys(CASES).join(', ')}`)
  const network = await Network.open(planned.names, scene.endpoints, join(scene.folder, `network-${performance.now()}`))
  try {
    const stage = await Stage.start(scene, {
      names: planned.names,
      partitions: 4,
      recordsPerSecond: 2_000,
      replicas: planned.names.length,
      write: planned.write,
      hosts: network.peerHosts,
    })
    try {
      return await playOn(stage, network, { name, planned, faultMs })
    } finally {
      await network.heal()
      await stage.stop()
    }
  } finally {
    await network.close()
  }
}

async function playOn(
  stage: Stage,
  network: Network,
  { name, planned, faultMs }: { name: string; planned: Case; faultMs: number },
): Promise<PartitionRun> {
  const { peers, load } = stage
  await pass(BEFORE_MS)
  const view = (await asked(() => peers.client().ring())).view
  const faultAt = performance.now()
  await planned.fault(network)
  const few = planned.few.map((each) => peers.named(each))
  const wrong: string[] = []
  if (few.length > 0) wrong.push(...(await withTooFew(stage, few, faultMs)))
  else await pass(faultMs)
  await network.heal()
  const healedAt = performance.now()
  await eventually('all see the same', () => agreed(peers.all, view), REST_MS / 4)
  const convergedAfterMs = Math.round(performance.now() - healedAt)
  if (convergedAfterMs > CONVERGED_WITHIN_MS)
    wrong.push(`all agreed only ${convergedAfterMs} ms after the network was whole`)
  await pass(AFTER_MS)
  const endedAt = performance.now()
  wrong.push(...(await stage.settle()))
  if ((await asked(() => peers.client().ring())).view !== view)
    wrong.push('the view has changed, though nobody came or went')
  return {
    case: name,
    records: load.sent,
    rows: load.expected.size,
    longestPauseMs: stage.longestPauseMs(faultAt, endedAt),
    convergedAfterMs,
    suspected: stage.watch.claims('suspect'),
    dead: stage.watch.claims('dead'),
    wrong,
  }
}

/**
 * While it lasts: those who are too few certify nothing, bring nothing to sinks but what had its certificate before, and say
 * so to readers. When they are all there are, nothing comes to the sink at all.
 */
async function withTooFew(stage: Stage, few: readonly PeerProcess[], faultMs: number): Promise<string[]> {
  const began = performance.now()
  const wrong: string[] = []
  const all = few.length === stage.peers.all.length
  await pass(UNDER_WAY_MS)
  const certified = await frontiers(few)
  await eventually('what had its certificate is at the sinks', () => isDrained(few), DRAINED_WITHIN_MS)
  const written = await writtenBy(few)
  const before = await stage.place.rows('kafka')
  await pass(faultMs - (performance.now() - began))
  const after = await stage.place.rows('kafka')
  if (all && after !== before) wrong.push(`${after - before} rows came to the sink while nobody could certify any`)
  if (!all && after === before) wrong.push('the majority brought nothing to the sink')
  const more = (await writtenBy(few)) - written
  if (more > 0) wrong.push(`a minority brought ${more} rows to sinks`)
  if ((await frontiers(few)) !== certified) wrong.push('a minority has new certificates')
  for (const peer of few) {
    const told = await toldTo(peer, stage.job)
    if (told !== undefined) wrong.push(told)
  }
  return wrong
}

/** What each of them holds certified, in one text. */
async function frontiers(peers: readonly PeerProcess[]): Promise<string> {
  const statuses = await Promise.all(peers.map((peer) => asked(() => peer.client().status(undefined))))
  return JSON.stringify(statuses.map(({ units }) => units.map(({ unit, certified }) => [unit, certified])))
}

/** All that they hold certified is at every sink, as far as they know. */
async function isDrained(peers: readonly PeerProcess[]): Promise<boolean> {
  const statuses = await Promise.all(peers.map((peer) => asked(() => peer.client().status(undefined))))
  return statuses.every(({ units }) =>
    units.every(({ certified, committed }) => (committed?.seq ?? 0) >= (certified?.seq ?? 0)),
  )
}

async function writtenBy(peers: readonly PeerProcess[]): Promise<number> {
  const counts = await Promise.all(peers.map((peer) => metric(peer, 'quorate_rows_out_total')))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** What a peer that is cut off says to a reader as if nothing were wrong; undefined when it says that something is. */
async function toldTo(peer: PeerProcess, job: string): Promise<string | undefined> {
  const client = peer.client()
  try {
    const { mayBeStale } = await asked(() => client.windows(job, {}))
    if (!mayBeStale) return `${peer.name} answered a reader as if it had a quorum`
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code !== 'QRT_QUORUM_NOT_MET') throw error
  }
  const { units } = await asked(() => client.status(job))
  const content = units.filter(({ state, reasons }) => state === 'running' || reasons.length === 0)
  return content.length === 0 ? undefined : `${peer.name} has ${content.length} units in which nothing is amiss`
}

/** Every peer holds every other alive, in the view that was, and every unit has all of its replicas. */
async function agreed(peers: readonly PeerProcess[], view: number): Promise<boolean> {
  for (const peer of peers) {
    const client = peer.client()
    const [members, ring] = await asked(() => Promise.all([client.members(), client.ring()]))
    if (ring.view !== view || members.some(({ state }) => state !== 'alive')) return false
    if (!(await isPlaced(peer, peers.length))) return false
  }
  return true
}
