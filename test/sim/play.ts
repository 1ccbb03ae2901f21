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
  readonly faultsMs: number
  readonly wallMs: number
}

const SEEDS = new URL('seeds.txt', import.meta.url)
const MINUTE_MS = 60_000
/** A run makes much that lives for a moment: with less, a tenth of the time goes into moving what is still in use. */
const YOUNG_GENERATION_MB = 192

/** One run to be made. */
export type Planned = Pick<RunOptions, 'seed' | 'faultsMs'>

export interface PlayOptions {
  readonly seeds: readonly Planned[]
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

/** Seeds that once failed, each for as long as it was played then: what fails after the faults fails after that time only. */
export function keptSeeds(): Planned[] {
  return readFileSync(SEEDS, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [seed, minutes] = /^(\d+) ([\d.]+)$/.exec(line)?.slice(1).map(Number) ?? []
      return seed === undefined || minutes === undefined ? [] : [{ seed, faultsMs: minutes * MINUTE_MS }]
    })
}

export function keepSeeds(seeds: readonly Planned[]): void {
  const known = keptSeeds()
  const added = seeds.filter(
    (one) => !known.some(({ seed, faultsMs }) => seed === one.seed && faultsMs === one.faultsMs),
  )
  appendFileSync(SEEDS, added.map(({ seed, faultsMs }) => `${seed} ${faultsMs / MINUTE_MS}\n`).join(''))
}

/** One seed; a difference between two runs is a violation like any other. */
export async function playSeed(options: RunOptions, twice: boolean): Promise<Played> {
  const started = performance.now()
  const first = await run(options)
  const second = twice && first.violation === undefined ? await run({ ...options, first }) : first
  const differs = first.trace !== second.trace
  const found = differs ? ({ violation: 'two runs of this seed are not equal', check: 'same trace' } as const) : {}
  return { ...first, ...found, faultsMs: options.faultsMs, wallMs: performance.now() - started }
}

export async function play(options: PlayOptions): Promise<void> {
  const { seeds, only, peers, twice, workers, bug, enough, onPlayed } = options
  const waiting = [...seeds]
  await Promise.all(
    Array.from({ length: Math.min(workers, seeds.length) }, async () => {
      const worker = new Worker(new URL('play-worker.ts', import.meta.url), {
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      })
      try {
        for (let planned = waiting.shift(); planned !== undefined; planned = waiting.shift()) {
          if (enough?.() === true) break
          onPlayed(await ask(worker, { options: { ...planned, only, peers, bug }, twice }))
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
