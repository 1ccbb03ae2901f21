/** The thread of a replica worker: opens its own log, takes commands and sends reports. */
import { parentPort, workerData } from 'node:worker_threads'
import { createVerifier, monotonicClock } from '../../mesh/index.ts'
import { loadFunctions } from '../functions/module.ts'
import { openLog } from '../log/open.ts'
import { Mark } from './mark.ts'
import type { WorkerCommand, WorkerData } from './protocol.ts'
import { ReplicaWorker } from './worker.ts'

const BEAT_EVERY_MS = 200

const port = parentPort
if (port === null) throw new Error('worker-thread.ts runs as a worker thread, started by the pool')
const data = workerData as WorkerData
for (const module of data.functions) await loadFunctions(module)
const log = await openLog(data.log)
const mark = new Mark(data.mark)
// It is ready: from now on its beats are late only while something keeps it busy, be it with the first record.
mark.beat()
setInterval(() => mark.beat(), BEAT_EVERY_MS).unref()
const worker = new ReplicaWorker({
  log,
  now: () => monotonicClock.now(),
  verifier: createVerifier(),
  mark,
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
