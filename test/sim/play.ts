/** Plays seeds on several threads; each twice, when asked, with equal traces. */
import { appendFileSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { PlantedBug } from '../../mesh/planted.ts'
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
  /** The rule that peers break. */
  readonly bug?: PlantedBug | undefined
  /** No seed is begun any more once this holds. */
  readonly enough?: () => boolean
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
  const differs = first.trace !== second.trace
  const found = differs ? ({ violation: 'two runs of this seed are not equal', check: 'same trace' } as const) : {}
  return { ...first, ...found, wallMs: performance.now() - started }
}

export async function play(options: PlayOptions): Promise<void> {
  const { seeds, faultsMs, only, peers, twice, workers, bug, enough, onPlayed } = options
  const waiting = [...seeds]
  await Promise.all(
    Array.from({ length: Math.min(workers, seeds.length) }, async () => {
      const worker = new Worker(new URL('play-worker.ts', import.meta.url))
      try {
        for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
          if (enough?.() === true) break
          onPlayed(await ask(worker, { options: { seed, faultsMs, only, peers, bug }, twice }))
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
