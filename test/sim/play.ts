/** Plays seeds on several threads; each twice, when asked, with equal traces. */
import { appendFileSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Fault } from './faults.ts'
import { type RunOptions, type RunResult, run } from './run.ts'

export interface PlayRequest {
  readonly options: RunOptions
  readonly twice: boolean
}

export interface Played extends RunResult {
  readonly wallMs: number
}

const SEEDS = new URL('seeds.txt', import.meta.url)

export interface PlayOptions {
  readonly seeds: readonly number[]
  readonly faultsMs: number
  /** As in RunOptions. */
  readonly only?: readonly Fault[] | undefined
  readonly peers?: number | undefined
  readonly twice: boolean
  readonly workers: number
  readonly onPlayed: (played: Played) => void
}

/** Seeds that once failed. */
export function keptSeeds(): number[] {
  const text = readFileSync(SEEDS, 'utf8')
  return text.split('\n').flatMap((line) => (/^\d+$/.test(line.trim()) ? [Number(line)] : []))
}

export function keepSeeds(seeds: readonly number[]): void {
  const known = keptSeeds()
  const added = seeds.filter((seed) => !known.includes(seed))
  appendFileSync(SEEDS, added.map((seed) => `${seed}\n`).join(''))
}

/** One seed; a difference between two runs is a violation like any other. */
export async function playSeed(options: RunOptions, twice: boolean): Promise<Played> {
  const started = performance.now()
  const first = await run(options)
  const second = twice && first.violation === undefined ? await run(options) : first
  const violation = first.trace === second.trace ? first.violation : 'two runs of this seed are not equal'
  return { ...first, violation, wallMs: performance.now() - started }
}

export async function play({ seeds, faultsMs, only, peers, twice, workers, onPlayed }: PlayOptions): Promise<void> {
  const waiting = [...seeds]
  await Promise.all(
    Array.from({ length: Math.min(workers, seeds.length) }, async () => {
      const worker = new Worker(new URL('play-worker.ts', import.meta.url))
      try {
        for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
          onPlayed(await ask(worker, { options: { seed, faultsMs, only, peers }, twice }))
        }
      } finally {
        await worker.terminate()
      }
    }),
  )
}

function ask(worker: Worker, request: PlayRequest) {
  return new Promise<Played>((resolve, reject) => {
    const failed = (error: Error) => reject(error)
    worker.once('error', failed)
    worker.once('message', (played: Played) => {
      worker.off('error', failed)
      resolve(played)
    })
    worker.postMessage(request)
  })
}
