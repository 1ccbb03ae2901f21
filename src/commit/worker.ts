/** The commit thread: owns the clients of the sinks and answers the calls of thread.ts, one session per open unit. */
import { parentPort, workerData } from 'node:worker_threads'
import { createPlace } from '../checkpoint/index.ts'
import { Keeper } from '../checkpoint/keeper.ts'
import { QuorateError } from '../errors.ts'
import { openLog } from '../log/open.ts'
import type { Sink, SinkPlan, UnitSink } from './sink.ts'
import { createSink } from './sinks/index.ts'
import type { CommitAnswer, CommitCall, CommitThreadData } from './thread.ts'

const port = parentPort
if (port === null) throw new Error('the commit worker runs on a thread')
const { log: logSettings, connections, self, checkpoints } = workerData as CommitThreadData
const log = await openLog(logSettings)
const sinks = new Map<string, Sink>()
const place = checkpoints === undefined ? undefined : createPlace(checkpoints, connections)
const keeper = place === undefined ? undefined : new Keeper(place)
const sessions = new Map<number, UnitSink>()

/** One for all units and branches that write to one place in one way: two jobs may write to a topic, each in a format of its own. */
function sinkOf(plan: SinkPlan): Sink {
  const way = JSON.stringify({ ...plan, branch: undefined })
  const known = sinks.get(way)
  if (known !== undefined) return known
  const sink = createSink(plan, connections, log, self)
  sinks.set(way, sink)
  return sink
}

function sessionOf(number: number): UnitSink {
  const session = sessions.get(number)
  if (session === undefined) throw new QuorateError('QRT_SINK_FENCED', 'the session was closed')
  return session
}

async function handle(call: CommitCall): Promise<unknown> {
  switch (call.call) {
    case 'probe':
      return sinkOf(call.plan).probe()
    case 'shared':
      return sinkOf(call.plan).sharedBy?.(call.peers)
    case 'open': {
      const session = await sinkOf(call.plan).open(call.unit)
      sessions.set(call.session, session)
      return session.progress
    }
    case 'write':
      return sessionOf(call.session).write(call.batches)
    case 'announced':
      return sessionOf(call.session).announced()
    case 'close': {
      const session = sessions.get(call.session)
      sessions.delete(call.session)
      return session?.close()
    }
    case 'checkpoint': {
      const run = keeper?.[call.method] as ((...args: readonly unknown[]) => Promise<unknown>) | undefined
      return run?.apply(keeper, [...call.args])
    }
    case 'stop':
      // One that cannot close must not keep the others open.
      await Promise.allSettled([...sessions.values()].map((session) => session.close()))
      await Promise.allSettled([...sinks.values()].map((sink) => sink.close()))
      await Promise.allSettled([place?.close(), log.close()])
      return undefined
  }
}

port.on('message', (message: CommitCall & { readonly id: number }) => {
  const { id } = message
  const answer = (reply: CommitAnswer) => port.postMessage(reply)
  handle(message).then(
    (value) => answer({ id, ok: true, value }),
    (error) => {
      const failure =
        error instanceof QuorateError
          ? error
          : new QuorateError('QRT_SINK_UNREACHABLE', error instanceof Error ? error.message : String(error), {
              indefinite: true,
            })
      answer({ id, ok: false, code: failure.code, message: failure.message, indefinite: failure.indefinite })
    },
  )
})
