/** The replica thread of a peer that computes wrongly: see wrong-peer.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { createVerifier, monotonicClock } from '../../mesh/index.ts'
import { type CutOutput, createStage, type StagePlan, type StageProcessor } from '../../operators/index.ts'
import { openLog } from '../../src/log/open.ts'
import type { WorkerCommand, WorkerData } from '../../src/replica/protocol.ts'
import { ReplicaWorker } from '../../src/replica/worker.ts'

const WRONG_CUT = 3
const spoiled = new Set<number>()

function wrongStage(plan: StagePlan, unit: { readonly partition: number }): StageProcessor {
  const stage = createStage(plan, unit)
  let cuts = 0
  const cut = stage.cut.bind(stage)
  stage.cut = (): CutOutput => {
    const output = cut()
    cuts += 1
    if (cuts === WRONG_CUT && !spoiled.has(unit.partition)) {
      spoiled.add(unit.partition)
      spoil(output.parts[0]?.bodies[0])
    }
    return output
  }
  return stage
}

/** Another digit in the last number of the body. */
function spoil(body: Uint8Array | undefined): void {
  for (let at = (body?.length ?? 0) - 1; body !== undefined && at >= 0; at--) {
    const byte = body[at] as number
    if (byte < 0x30 || byte > 0x39) continue
    body[at] = byte === 0x39 ? 0x30 : byte + 1
    return
  }
}

const port = parentPort
if (port === null) throw new Error('wrong-thread.ts runs as a worker thread')
const worker = new ReplicaWorker({
  log: await openLog((workerData as WorkerData).log),
  now: () => monotonicClock.now(),
  verifier: createVerifier(),
  createStage: wrongStage,
  report: (report, transfer) => port.postMessage(report, [...transfer]),
})
port.on('message', (command: WorkerCommand) => {
  worker.command(command).then(
    () => {
      if (command.kind === 'close') port.close()
    },
    (error) => {
      throw error
    },
  )
})
