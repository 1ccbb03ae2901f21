/**
 * The store's own thread: a sync takes milliseconds and must never look like a dead peer. Writes that arrive while one
 * is being synced wait in the port; the next transaction takes all of them (group commit), so the cost of a sync is
 * shared by whoever waits for it.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { QuorateError } from '../errors.ts'
import { SqliteFile } from './sqlite.ts'
import type { StoreFault, StoreOutcome, StoreReply, StoreRequest, StoreResult } from './thread-protocol.ts'

/** Requests served together at most, so that the first does not wait for a crowd. */
const GROUP_REQUESTS = 1_024

function faultOf(error: unknown): StoreFault {
  if (error instanceof QuorateError) return { code: error.code, message: error.message, indefinite: error.indefinite }
  return { code: 'QRT_STORE_FAILED', message: String((error as Error)?.message ?? error), indefinite: true }
}

function outcomeOf(id: number, action: () => StoreResult): StoreOutcome {
  try {
    return { id, result: action() }
  } catch (error) {
    return { id, fault: faultOf(error) }
  }
}

/** Writes first: a read sees every write made before it, and may see one made while it waited. */
function serve(sqlite: SqliteFile, requests: readonly StoreRequest[]): StoreOutcome[] {
  const outcomes: StoreOutcome[] = []
  const writes = requests.filter((request) => request.kind === 'write')
  if (writes.length > 0) {
    const together = outcomeOf(0, () => {
      sqlite.write(writes.map(({ ops }) => ops))
      return undefined
    })
    for (const { id } of writes) outcomes.push({ ...together, id })
  }
  for (const request of requests) {
    if (request.kind === 'get') {
      outcomes.push(outcomeOf(request.id, () => sqlite.get(request.table, request.key)))
    } else if (request.kind === 'range') {
      const { id, table, from, to, limit } = request
      outcomes.push(outcomeOf(id, () => sqlite.range(table, from, to, limit)))
    }
  }
  return outcomes
}

/** Buffers that only this thread knows move to the other one without a copy. */
function transferable(outcomes: readonly StoreOutcome[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  const add = (value: Uint8Array) => {
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) buffers.add(value.buffer)
  }
  for (const outcome of outcomes) {
    if (!('result' in outcome) || outcome.result === undefined) continue
    if (outcome.result instanceof Uint8Array) add(outcome.result)
    else for (const entry of outcome.result) if ('value' in entry) add(entry.value)
  }
  return [...buffers]
}

function run(port: MessagePort, sqlite: SqliteFile): void {
  port.on('message', (first: StoreRequest) => {
    const requests = [first]
    while (requests.length < GROUP_REQUESTS) {
      const next = receiveMessageOnPort(port)
      if (next === undefined) break
      requests.push(next.message as StoreRequest)
    }
    const outcomes = serve(sqlite, requests)
    const closing = requests.find((request) => request.kind === 'close')
    if (closing !== undefined) {
      outcomes.push(
        outcomeOf(closing.id, () => {
          sqlite.close()
          return undefined
        }),
      )
    }
    port.postMessage({ kind: 'outcomes', outcomes } satisfies StoreReply, transferable(outcomes))
    if (closing !== undefined) port.close()
  })
}

if (parentPort === null) throw new Error('thread-worker.ts runs as a worker thread, started by openStoreThread')
try {
  const sqlite = new SqliteFile((workerData as { file: string }).file)
  parentPort.postMessage({ kind: 'opened' } satisfies StoreReply)
  run(parentPort, sqlite)
} catch (error) {
  parentPort.postMessage({ kind: 'refused', fault: faultOf(error) } satisfies StoreReply)
}
