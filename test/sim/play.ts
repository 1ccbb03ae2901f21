/** Plays seeds on several threads; each twice, when asked, with equal traces. */
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { type RunResult, run } from './run.ts'

export interface Played extends RunResult {
  readonly wallMs: number
}

export interface PlayOptions {
  readonly seeds: readonly number[]
  readonly faultsMs: number
  readonly twice: boolean
  readonly workers: number
  readonly onPlayed: (played: Played) => void
}

/** Seeds that once failed. */
export function keptSeeds(): number[] {
  const text = readFileSync(new URL('seeds.txt', import.meta.url), 'utf8')
  return text.split('\n').flatMap((line) => (/^\d+$/.test(line.trim()) ? [Number(line)] : []))
}

/** One seed; a difference between two runs is a violation like any other. */
export async function playSeed(seed: number, faultsMs: number, twice: boolean): Promise<Played> {
  const started = performance.now()
  const first = await run({ seed, faultsMs })
  const second = twice && first.violation === undefined ? await run({ seed, faultsMs }) : first
  const violation = first.trace === second.trace ? first.violation : 'two runs of this seed are not equal'
  return { ...first, violation, wallMs: performance.now() - started }
}

export async function play({ seeds, faultsMs, twice, workers, onPlayed }: PlayOptions): Promise<void> {
  const waiting = [...seeds]
  await Promise.all(
    Array.from({ length: Math.min(workers, seeds.length) }, async () => {
      const worker = new Worker(new URL('play-worker.ts', import.meta.url))
      try {
        for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
          onPlayed(await ask(worker, { seed, faultsMs, twice }))
        }
      } finally {
        await worker.terminate()
      }
    }),
  )
}

function ask(worker: Worker, request: { readonly seed: number; readonly faultsMs: number; readonly twice: boolean }) {
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
