/** A thread that plays the seeds it is given, one after another. */
import { parentPort } from 'node:worker_threads'
import { type PlayRequest, playSeed } from './play.ts'

parentPort?.on('message', ({ options, twice }: PlayRequest) => {
  playSeed(options, twice).then(
    (played) => parentPort?.postMessage(played),
    (error) => {
      throw error
    },
  )
})
