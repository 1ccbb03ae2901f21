/**
 * The peer that commits most is frozen (SIGSTOP) for a minute under load and goes on as if nothing had been (SIGCONT): it
 * still holds what it was about to write, open transactions among it. Others have written all of that meanwhile, so that
 * nothing of it may be seen at any sink, neither at once nor later.
 *
 *   npm run chaos -- stop [--runs 3] [--seconds 60] [-o json]
 */
import { eventually } from '../eventually.ts'
import { committer, isPlaced } from './asked.ts'
import { flagsOf } from './flags.ts'
import type { Scene } from './scene.ts'
import { pass, Stage } from './stage.ts'
import { type Outcome, pauses, playOnScene } from './verdict.ts'

const BEFORE_MS = 5_000
/** Late writes of the one that was frozen would come within this time. */
const AFTER_MS = 10_000
const BACK_WITHIN_MS = 60_000
const REST_MS = 300_000

interface StopRun extends Outcome {
  readonly frozen: string
  /** Rows that it had brought to sinks before. */
  readonly written: number
  readonly records: number
  readonly rows: number
  readonly longestPauseMs: number
  /** From SIGCONT until it was a replica like the others again. */
  readonly backAfterMs: number
}

export async function main(argv: readonly string[]): Promise<void> {
  const flags = flagsOf(argv, { runs: '3', seconds: '60' })
  const frozenMs = flags.number('seconds') * 1000
  await playOnScene<StopRun>({
    json: flags.json,
    runs: flags.number('runs'),
    withinMs: frozenMs + REST_MS,
    play: (scene) => play(scene, frozenMs),
    line: ({ frozen, written, records, rows, longestPauseMs, backAfterMs }) =>
      `${frozen} frozen for ${flags.text.seconds} s after ${written} rows of its own; ${records} records, ${rows} rows; ` +
      `longest pause beyond the window ${longestPauseMs} ms; back after ${backAfterMs} ms`,
    figures: (results) => pauses(results.map(({ longestPauseMs }) => longestPauseMs)),
  })
}

async function play(scene: Scene, frozenMs: number): Promise<StopRun> {
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
    const { peer: frozen, written } = await committer(peers.all)
    const frozenAt = performance.now()
    frozen.signal('SIGSTOP')
    await pass(frozenMs)
    frozen.signal('SIGCONT')
    const continuedAt = performance.now()
    await eventually('it is a replica again', () => isPlaced(frozen, peers.all.length), BACK_WITHIN_MS)
    const backAfterMs = Math.round(performance.now() - continuedAt)
    await pass(AFTER_MS)
    const endedAt = performance.now()
    const wrong = await stage.settle()
    const longestPauseMs = stage.longestPauseMs(frozenAt, endedAt)
    return {
      frozen: frozen.name,
      written,
      records: load.sent,
      rows: load.expected.size,
      longestPauseMs,
      backAfterMs,
      wrong,
    }
  } finally {
    // A frozen process does not end when it is asked to.
    for (const peer of peers.all) peer.signal('SIGCONT')
    await stage.stop()
  }
}
