/**
 * A cluster grows and shrinks under 2,000 records a second: two peers join three, started like any other, are admitted and
 * take units over; then two of the five leave (others in each run). Nothing may be lost, doubled or changed at any sink; the
 * figures are the longest times between two certified windows of a unit beyond the window's own second.
 *
 *   npm run chaos -- scale [--runs 10] [-o json]
 */
import type { PeerProcess } from '../e2e/peers.ts'
import { eventually } from '../eventually.ts'
import { isPlaced } from './asked.ts'
import { flagsOf } from './flags.ts'
import type { Scene } from './scene.ts'
import { pass, Stage } from './stage.ts'
import { type Outcome, pauses, playOnScene } from './verdict.ts'

const FIRST = ['ada', 'bo', 'cy']
const LATER = ['dee', 'eve']
const BETWEEN_MS = 4_000
const MOVED_WITHIN_MS = 60_000
const WITHIN_MS = 420_000

interface ScaleRun extends Outcome {
  readonly left: readonly string[]
  readonly records: number
  readonly rows: number
  /** From the start of the joiners until every unit had the replicas that the ring of five wants. */
  readonly joinedAfterMs: number
  /** From the request until both processes had ended by themselves. */
  readonly leftAfterMs: number
  readonly joiningPauseMs: number
  readonly leavingPauseMs: number
}

export async function main(argv: readonly string[]): Promise<void> {
  const flags = flagsOf(argv, { runs: '10' })
  await playOnScene<ScaleRun>({
    json: flags.json,
    runs: flags.number('runs'),
    withinMs: WITHIN_MS,
    play: (scene, run) => play(scene, run),
    line: ({ left, records, rows, joinedAfterMs, leftAfterMs, joiningPauseMs, leavingPauseMs }) =>
      `two joined in ${joinedAfterMs} ms, ${left.join(' and ')} left in ${leftAfterMs} ms; ${records} records, ${rows} ` +
      `rows; longest pause beyond the window ${joiningPauseMs} ms and ${leavingPauseMs} ms`,
    figures: (results) => pauses(results.map((each) => Math.max(each.joiningPauseMs, each.leavingPauseMs))),
  })
}

async function play(scene: Scene, run: number): Promise<ScaleRun> {
  const stage = await Stage.start(scene, {
    names: FIRST,
    partitions: 8,
    recordsPerSecond: 2_000,
    replicas: 3,
    write: 2,
  })
  const { peers, load } = stage
  try {
    await pass(BETWEEN_MS)
    const joiningAt = performance.now()
    for (const peer of await Promise.all(LATER.map((name) => peers.join(name)))) stage.watch.follow(peer)
    await settled(peers.all)
    const joinedAt = performance.now()
    await pass(BETWEEN_MS)
    const leavers = pairOf(peers.all, run)
    const leavingAt = performance.now()
    const wrong: string[] = []
    await Promise.all(leavers.map((leaver) => leave(leaver, wrong)))
    const leftAt = performance.now()
    await settled(peers.all.filter(({ running }) => running))
    await pass(BETWEEN_MS)
    const endedAt = performance.now()
    wrong.push(...(await stage.settle()))
    return {
      left: leavers.map(({ name }) => name),
      records: load.sent,
      rows: load.expected.size,
      joinedAfterMs: Math.round(joinedAt - joiningAt),
      leftAfterMs: Math.round(leftAt - leavingAt),
      joiningPauseMs: stage.longestPauseMs(joiningAt, leavingAt),
      leavingPauseMs: stage.longestPauseMs(leavingAt, endedAt),
      wrong,
    }
  } finally {
    await stage.stop()
  }
}

/** All of them are members, and nobody else; every unit is where the ring wants it. */
async function settled(peers: readonly PeerProcess[]): Promise<void> {
  for (const peer of peers) {
    const what = `${peer.name} sees every unit in its place among ${peers.length} members`
    await eventually(what, () => isPlaced(peer, peers.length), MOVED_WITHIN_MS)
  }
}

async function leave(peer: PeerProcess, wrong: string[]): Promise<void> {
  const { exited } = peer
  await peer.client().leave()
  await eventually(`${peer.name} has left`, () => !peer.running, MOVED_WITHIN_MS)
  const code = await exited
  if (code !== 0) wrong.push(`${peer.name} ended with ${code} after it had left`)
}

/** Another two of them in each of ten runs. */
function pairOf(peers: readonly PeerProcess[], run: number): PeerProcess[] {
  const pairs = peers.flatMap((one, i) => peers.slice(i + 1).map((other) => [one, other]))
  return pairs[(run * 3) % pairs.length] ?? []
}
