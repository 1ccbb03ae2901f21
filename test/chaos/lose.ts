/**
 * A whole cluster is lost under load: its three peers are killed at once, and their directories deleted. Three new ones are
 * started with `--restore` from the checkpoints in the S3 store, while records go on coming, and take the job over. Nothing
 * may be lost, doubled or changed at any sink, though some of what is there was written by peers of which nothing is left.
 *
 *   npm run chaos -- lose [--runs 3] [-o json]
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Peers } from '../e2e/peers.ts'
import { eventually } from '../eventually.ts'
import { asked, isPlaced } from './asked.ts'
import { flagsOf } from './flags.ts'
import type { Scene } from './scene.ts'
import { pass, Stage } from './stage.ts'
import { type Outcome, pauses, playOnScene } from './verdict.ts'

const NAMES = ['ada', 'bo', 'cy']
const PARTITIONS = 4
const CHECKPOINTED_WITHIN_MS = 120_000
const RESTORED_WITHIN_MS = 120_000
/** Further results come to the sinks between the checkpoints and the loss: other ones in each run. */
const BEYOND_MS = 2_000
const GONE_MS = 3_000
const AFTER_MS = 5_000
const WITHIN_MS = 480_000

interface LoseRun extends Outcome {
  readonly records: number
  readonly rows: number
  /** From the start of the new peers until every unit ran again. */
  readonly restoredAfterMs: number
  readonly longestPauseMs: number
}

export async function main(argv: readonly string[]): Promise<void> {
  const flags = flagsOf(argv, { runs: '3' })
  await playOnScene<LoseRun>({
    json: flags.json,
    runs: flags.number('runs'),
    withinMs: WITHIN_MS,
    play: (scene, run) => play(scene, run),
    line: ({ records, rows, restoredAfterMs, longestPauseMs }) =>
      `three peers and their disks lost; ${records} records, ${rows} rows; restored in ${restoredAfterMs} ms; longest ` +
      `pause beyond the window ${longestPauseMs} ms`,
    figures: (results) => pauses(results.map(({ longestPauseMs }) => longestPauseMs)),
  })
}

async function play(scene: Scene, run: number): Promise<LoseRun> {
  const stage = await Stage.start(scene, {
    names: NAMES,
    partitions: PARTITIONS,
    recordsPerSecond: 2_000,
    replicas: 3,
    write: 2,
  })
  const { place, load, watch } = stage
  try {
    const { cluster } = await asked(() => stage.peers.client().status(undefined))
    if (cluster === undefined) throw new Error('the cluster has an id')
    const kept = async () => (await place.checkpointed()) === PARTITIONS
    await eventually('every unit has a checkpoint', kept, CHECKPOINTED_WITHIN_MS)
    await pass(BEYOND_MS + run * 700)
    const lostAt = performance.now()
    const lost = stage.peers
    await Promise.all(lost.all.map((peer) => peer.kill()))
    for (const name of NAMES) await rm(join(scene.folder, place.name, name), { recursive: true })
    await pass(GONE_MS)
    const startedAt = performance.now()
    stage.peers = new Peers({
      directory: join(scene.folder, `${place.name}-anew`),
      log: scene.logSettings,
      connections: scene.connections,
      checkpoints: place.checkpoints,
      names: NAMES,
      args: ['--restore', cluster],
    })
    const { peers } = stage
    await peers.start()
    for (const peer of peers.all) watch.follow(peer)
    const runs = async () => {
      const { units } = await asked(() => peers.client().status(undefined))
      const running = units.filter(({ state }) => state === 'running').length
      return running === PARTITIONS && (await isPlaced(peers.named('ada'), NAMES.length))
    }
    await eventually('every unit runs again', runs, RESTORED_WITHIN_MS)
    const restoredAfterMs = Math.round(performance.now() - startedAt)
    await pass(AFTER_MS)
    const endedAt = performance.now()
    const wrong = await stage.settle()
    const longestPauseMs = stage.longestPauseMs(lostAt, endedAt)
    return { records: load.sent, rows: load.expected.size, restoredAfterMs, longestPauseMs, wrong }
  } finally {
    await stage.stop()
  }
}
