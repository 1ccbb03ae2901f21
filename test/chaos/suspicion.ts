/**
 * Five peers, first idle, then under as many records as keep the machine busy, for minutes each. Nothing is done to them, so
 * whoever is suspected is suspected wrongly, and nobody may be declared dead. Every claim is counted, as every peer's event
 * stream tells it, and so is how often a peer had to contradict one: it raises its incarnation.
 *
 *   npm run chaos -- suspicion [--minutes 30] [--rate 20000] [-o json]
 */
import { cpus } from 'node:os'
import type { PeerProcess } from '../e2e/peers.ts'
import { asked, metric } from './asked.ts'
import { flagsOf } from './flags.ts'
import type { Scene } from './scene.ts'
import { pass, Stage } from './stage.ts'
import { type Outcome, playOnScene } from './verdict.ts'

const NAMES = ['ada', 'bo', 'cy', 'dee', 'eve']
/** Until what was written is at every sink, and compared: a machine that was full has a backlog by then. */
const BUSY_REST_MS = 2_400_000
const IDLE = { rate: 0, name: 'idle' }

interface SuspicionRun extends Outcome {
  readonly load: string
  readonly minutes: number
  readonly records: number
  /** Of the machine, this script and the servers included: from 0 to 1. */
  readonly busy: number
  /** Claims, as each of the peers made or believed them. */
  readonly suspected: number
  readonly dead: number
  /** By the peers themselves, of claims about them. */
  readonly refuted: number
  /** The longest that a peer's main thread reacted late since it was last asked, in seconds. */
  readonly longestLoopLagSeconds: number
}

export async function main(argv: readonly string[]): Promise<void> {
  const flags = flagsOf(argv, { minutes: '30', rate: '20000' })
  const minutes = flags.number('minutes')
  const loads = [IDLE, { rate: flags.number('rate'), name: `${flags.text.rate} records a second` }]
  await playOnScene<SuspicionRun>({
    json: flags.json,
    runs: loads.length,
    withinMs: minutes * 60_000 + BUSY_REST_MS,
    play: (scene, run) => play(scene, loads[run] ?? IDLE, minutes),
    line: ({ load, busy, records, suspected, refuted, dead, longestLoopLagSeconds }) =>
      `${load}, ${minutes} minutes, machine ${Math.round(busy * 100)} % busy, ${records} records: ${suspected} suspected, ` +
      `${refuted} refuted, ${dead} declared dead; longest lag of a main thread ${longestLoopLagSeconds} s`,
    figures: (results) => ({
      suspected: results.reduce((sum, { suspected }) => sum + suspected, 0),
      dead: results.reduce((sum, { dead }) => sum + dead, 0),
    }),
  })
}

async function play(scene: Scene, load: { rate: number; name: string }, minutes: number): Promise<SuspicionRun> {
  const stage = await Stage.start(scene, {
    names: NAMES,
    partitions: 8,
    recordsPerSecond: load.rate,
    replicas: 3,
    write: 2,
  })
  const { peers } = stage
  try {
    const before = await incarnations(peers.all)
    const processor = processorTimes()
    const claimsBefore = { suspect: stage.watch.claims('suspect'), dead: stage.watch.claims('dead') }
    let longestLoopLagSeconds = 0
    for (let minute = 0; minute < minutes; minute++) {
      await pass(60_000)
      for (const peer of peers.all) {
        const lag = await metric(peer, 'nodejs_eventloop_lag_max_seconds')
        longestLoopLagSeconds = Math.max(longestLoopLagSeconds, Math.round(lag * 1000) / 1000)
      }
    }
    const busy = busyBetween(processor, processorTimes())
    const suspected = stage.watch.claims('suspect') - claimsBefore.suspect
    const dead = stage.watch.claims('dead') - claimsBefore.dead
    const refuted = (await incarnations(peers.all)) - before
    const wrong = await stage.settle()
    if (dead > 0) wrong.push(`${dead} times a peer was declared dead that was not`)
    if (stage.watch.gaps > 0) wrong.push('events were missed, so that the counts may be too small')
    const records = stage.load.sent
    return { load: load.name, minutes, records, busy, suspected, dead, refuted, longestLoopLagSeconds, wrong }
  } finally {
    await stage.stop()
  }
}

/** The sum of how often peers have spoken up for themselves. */
async function incarnations(peers: readonly PeerProcess[]): Promise<number> {
  let sum = 0
  for (const peer of peers) {
    for (const { self, incarnation } of await asked(() => peer.client().members())) if (self) sum += incarnation
  }
  return sum
}

interface ProcessorTimes {
  readonly idle: number
  readonly all: number
}

function processorTimes(): ProcessorTimes {
  const times = cpus().map(({ times }) => times)
  const sum = (pick: (each: (typeof times)[number]) => number) => times.reduce((total, each) => total + pick(each), 0)
  return { idle: sum(({ idle }) => idle), all: sum(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq) }
}

const busyBetween = (from: ProcessorTimes, to: ProcessorTimes): number =>
  Math.round((1 - (to.idle - from.idle) / (to.all - from.all)) * 100) / 100
