/**
 * A peer of three is killed (SIGKILL) in mid-stream, at 2,000 records a second from Kafka with windows of 1 s, and started
 * again. Nothing may be lost, doubled or changed at any sink; the figure is the longest time between two certified windows
 * beyond the window's own second.
 *
 *   npm run chaos -- kill [--runs 20] [-o json]
 */
import { flagsOf } from './flags.ts'
import type { Scene } from './scene.ts'
import { pass, Stage } from './stage.ts'
import { type Outcome, pauses, playOnScene } from './verdict.ts'

const BEFORE_MS = 5_000
const DOWN_MS = 4_000
const AFTER_MS = 4_000
const WITHIN_MS = 300_000

interface KillRun extends Outcome {
  readonly victim: string
  readonly records: number
  readonly rows: number
  readonly longestPauseMs: number
}

export async function main(argv: readonly string[]): Promise<void> {
  const flags = flagsOf(argv, { runs: '20' })
  await playOnScene<KillRun>({
    json: flags.json,
    runs: flags.number('runs'),
    withinMs: WITHIN_MS,
    play: (scene, run) => play(scene, run),
    line: ({ victim, records, rows, longestPauseMs }) =>
      `${victim} killed; ${records} records, ${rows} rows; longest pause beyond the window ${longestPauseMs} ms`,
    figures: (results) => pauses(results.map(({ longestPauseMs }) => longestPauseMs)),
  })
}

async function play(scene: Scene, run: number): Promise<KillRun> {
  const stage = await Stage.start(scene, {
    names: ['ada', 'bo', 'cy'],
    partitions: 4,
    recordsPerSecond: 2_000,
    replicas: 3,
    write: 2,
  })
  const { peers, load } = stage
  try {
    await pass(BEFORE_MS)
    const victim = peers.all[run % peers.all.length]
    if (victim === undefined) throw new Error('there are peers')
    const killedAt = performance.now()
    await victim.kill()
    await pass(DOWN_MS)
    await victim.start()
    await pass(AFTER_MS)
    const endedAt = performance.now()
    const wrong = await stage.settle()
    const longestPauseMs = stage.longestPauseMs(killedAt, endedAt)
    return { victim: victim.name, records: load.sent, rows: load.expected.size, longestPauseMs, wrong }
  } finally {
    await stage.stop()
  }
}
