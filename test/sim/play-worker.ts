/**
 * A thread that plays the seeds it is given, one after another. What fails there says what, and not from where: errors are
 * made by the thousand, and `--verbose` plays a seed that fails again with all of it.
 */
import { parentPort } from 'node:worker_threads'
import { type PlayRequest, playSeed } from './play.ts'

Error.stackTraceLimit = 0

parentPort?.on('message', ({ options, twice }: PlayRequest) => {
  playSeed(options, twice).then(
    (played) => parentPort?.postMessage(played),
    (error) => {
      throw error
    },
  )
})
