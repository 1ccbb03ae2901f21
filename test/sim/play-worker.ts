/** A thread that plays the seeds it is given, one after another. */
import { parentPort } from 'node:worker_threads'
import { playSeed } from './play.ts'

parentPort?.on('message', ({ seed, faultsMs, twice }: { seed: number; faultsMs: number; twice: boolean }) => {
  playSeed(seed, faultsMs, twice).then(
    (played) => parentPort?.postMessage(played),
    (error) => {
      throw error
    },
  )
})
