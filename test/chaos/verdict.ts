/**
 * What every script does with its runs: plays one after the other, each within a bounded time, tells what came of each, and
 * ends in a verdict that is also the exit code. With `-o json` the verdict is one document, with every run in it.
 */
import type { KafkaOptions } from '../services/kafka.ts'
import { Scene } from './scene.ts'

export interface Outcome {
  /** In words; nothing when all is as it must be. */
  readonly wrong: readonly string[]
}

export interface Playing<Result extends Outcome> {
  readonly json: boolean
  readonly runs: number
  /** Of one run. */
  readonly withinMs: number
  readonly play: (run: number) => Promise<Result>
  /** One line about a run, without what is wrong. */
  readonly line: (result: Result) => string
  /** Of all runs together. */
  readonly figures: (results: readonly Result[]) => Readonly<Record<string, unknown>>
}

/** A script's runs on a scene of their own, which is kept where something was wrong. */
export async function playOnScene<Result extends Outcome>(
  playing: Omit<Playing<Result>, 'play'> & { readonly play: (scene: Scene, run: number) => Promise<Result> },
  broker: KafkaOptions = {},
): Promise<void> {
  const scene = await Scene.start(broker)
  let passed = false
  try {
    passed = await playAll({ ...playing, play: (run) => playing.play(scene, run) })
  } finally {
    await scene.stop({ keep: !passed })
  }
}

/** @throws Error when a run comes to no end, or breaks off: the ones before it are told, and the verdict is that it failed */
export async function playAll<Result extends Outcome>(playing: Playing<Result>): Promise<boolean> {
  const { json, runs, withinMs, play, line, figures } = playing
  const results: Result[] = []
  for (let run = 0; run < runs; run++) {
    const result = await within(withinMs, play(run))
    results.push(result)
    const { wrong } = result
    if (!json) console.log(`run ${run + 1}: ${line(result)}; ${wrong.length === 0 ? 'all exact' : wrong.join('; ')}`)
  }
  const wrong = results.filter((result) => result.wrong.length > 0).length
  const summary = { runs, wrong, ...figures(results) }
  if (json) console.log(JSON.stringify({ ...summary, each: results }))
  else {
    const words = Object.entries(summary).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    console.log(`${wrong === 0 ? 'PASSED' : 'FAILED'}: ${words.join(', ')}`)
  }
  if (wrong > 0) process.exitCode = 1
  return wrong === 0
}

async function within<Result>(ms: number, running: Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the run came to no end within ${ms} ms`)), ms)
  try {
    return await Promise.race([running, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Longest and middle of some durations, in milliseconds. */
export function pauses(durations: readonly number[]): {
  readonly longestPauseMs: number
  readonly medianPauseMs: number
} {
  const sorted = [...durations].sort((a, b) => a - b)
  return { longestPauseMs: sorted[sorted.length - 1] ?? 0, medianPauseMs: sorted[Math.floor(sorted.length / 2)] ?? 0 }
}
