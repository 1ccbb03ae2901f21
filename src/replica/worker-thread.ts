/** The thread of a replica worker: opens its own log, takes commands and sends reports. */
import { parentPort, workerData } from 'node:worker_threads'
import { createVerifier, monotonicClock } from '../../mesh/index.ts'
import { openLog } from '../log/open.ts'
import type { WorkerCommand, WorkerData } from './protocol.ts'
import { ReplicaWorker } from './worker.ts'

const port = parentPort
if (port === null) throw new Error('worker-thread.ts runs as a worker thread, started by the pool')
const log = await openLog((workerData as WorkerData).log)
const worker = new ReplicaWorker({
  log,
  now: () => monotonicClock.now(),
  verifier: createVerifier(),
  report: (report, transfer) => port.postMessage(report, [...transfer]),
})
port.on('message', (command: WorkerCommand) => {
  worker.command(command).then(
    () => {
      if (command.kind === 'close') port.close()
    },
    (error) => {
      // A command that fails is a bug: the thread ends loudly, and its host starts the units again and says so.
      setImmediate(() => {
        throw error
      })
    },
  )
})
