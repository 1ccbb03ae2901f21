/**
 * A peer of three is killed (SIGKILL) in mid-stream, at 2,000 records a second from Kafka with windows of 1 s, and started
 * again. Nothing may be lost, doubled or changed at any sink; the figure is the longest time between two certified windows
 * beyond the window's own second.
 *
 *   npm run chaos -- kill [--runs 20] [-o json]
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Peers } from '../e2e/peers.ts'
import { CertificateWatch } from './certificates.ts'
import { Load, loadJob } from './load.ts'
import { Scene } from './scene.ts'

const WINDOW_MS = 1_000
const RATE = 2_000
const PARTITIONS = 4
const BEFORE_MS = 5_000
const DOWN_MS = 4_000
const AFTER_MS = 4_000

interface KillRun {
  readonly victim: string
  readonly records: number
  readonly rows: number
  readonly longestPauseMs: number
  readonly differences: Readonly<Record<string, string>>
}

export async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: { runs: { type: 'string', default: '20' }, output: { type: 'string', short: 'o', default: 'text' } },
  })
  const json = values.output === 'json'
  const scene = await Scene.start()
  const runs: KillRun[] = []
  try {
    for (let run = 0; run < Number(values.runs); run++) {
      const result = await play(scene, run)
      runs.push(result)
      if (!json) {
        const wrong = Object.entries(result.differences).map(([sink, what]) => `${sink}: ${what}`)
        console.log(
          `run ${run + 1}: ${result.victim} killed; ${result.records} records, ${result.rows} rows; longest pause beyond ` +
            `the window ${result.longestPauseMs} ms; ${wrong.length === 0 ? 'all sinks exact' : wrong.join('; ')}`,
        )
      }
    }
  } finally {
    await scene.stop()
  }
  const pauses = runs.map(({ longestPauseMs }) => longestPauseMs).sort((a, b) => a - b)
  const wrong = runs.filter(({ differences }) => Object.keys(differences).length > 0).length
  const summary = {
    runs: runs.length,
    wrong,
    longestPauseMs: pauses[pauses.length - 1],
    medianPauseMs: pauses[Math.floor(pauses.length / 2)],
  }
  if (json) console.log(JSON.stringify({ ...summary, each: runs }))
  else
    console.log(
      `${summary.runs} runs, ${wrong} wrong; longest pause ${summary.longestPauseMs} ms, median ${summary.medianPauseMs} ms`,
    )
  if (wrong > 0) process.exitCode = 1
}

async function play(scene: Scene, run: number): Promise<KillRun> {
  const place = await scene.place(PARTITIONS)
  const { log, logSettings, connections } = scene
  const names = ['ada', 'bo', 'cy']
  const peers = new Peers({ directory: join(scene.folder, place.name), log: logSettings, connections, names })
  const load = new Load({
    log,
    topic: place.topic,
    partitions: PARTITIONS,
    recordsPerSecond: RATE,
    keys: 40,
    windowMs: WINDOW_MS,
  })
  await peers.start()
  const watch = new CertificateWatch(peers)
  try {
    const job = { name: place.name, topic: place.topic, windowMs: WINDOW_MS, replicas: 3, write: 2, sinks: place.sinks }
    await peers.client().submit({ format: 'yaml', file: 'chaos', text: loadJob(job) })
    load.start()
    await pass(BEFORE_MS)
    const victim = peers.all[run % peers.all.length]
    if (victim === undefined) throw new Error('there are peers')
    const killedAt = performance.now()
    await victim.kill()
    await pass(DOWN_MS)
    await victim.start()
    await pass(AFTER_MS)
    const endedAt = performance.now()
    await load.stop()
    const differences = await place.compare(load)
    return {
      victim: victim.name,
      records: load.sent,
      rows: load.expected.size,
      longestPauseMs: Math.max(0, Math.round(watch.longestGapMs(killedAt, endedAt) - WINDOW_MS)),
      differences,
    }
  } finally {
    await watch.stop()
    await peers.stop()
  }
}

/** The load goes on meanwhile: time itself is what the run is about. */
async function pass(ms: number): Promise<void> {
  const until = performance.now() + ms
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
