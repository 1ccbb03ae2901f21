/** The log as a peer uses it: topics are made, records committed in a transaction and read, and all of it is removed again. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { QuorateError } from '../errors.ts'
import { LOG_FILE } from '../log/embedded/database.ts'
import type { Log, LogSettings } from '../log/log.ts'
import { openLog } from '../log/open.ts'
import { type Check, milliseconds, ok, type Said } from './check.ts'
import { existing } from './machine.ts'

export function logCheck(settings: LogSettings, address: string): Check {
  return { name: `log ${address}`, look: () => look(settings) }
}

async function look(settings: LogSettings): Promise<Said> {
  if (settings.kind === 'embedded' && !isThere(settings)) {
    return ok(`not there yet; the first peer makes it, below ${existing(settings.directory)}`)
  }
  return withLog(settings, async (log) => {
    const from = performance.now()
    await useAsPeersDo(log)
    return ok(`id ${await log.id()}; topics, transactions and reads work, in ${milliseconds(performance.now() - from)}`)
  })
}

/** Opened for one look. An embedded log that is not there stays so: whoever only looks makes none. */
export async function withLog<T>(settings: LogSettings, use: (log: Log) => Promise<T>): Promise<T> {
  if (!isThere(settings)) {
    throw new QuorateError('QRT_LOG_UNREACHABLE', 'there is no such log yet; start a peer, or name its log with --log')
  }
  const log = await openLog(settings)
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}

const isThere = (settings: LogSettings): boolean =>
  settings.kind !== 'embedded' || existsSync(join(settings.directory, LOG_FILE))

async function useAsPeersDo(log: Log): Promise<void> {
  const topic = `quorate-doctor-${randomUUID()}`
  const progress = `${topic}-progress`
  try {
    await log.createTopic(topic, { partitions: 1 })
    const writer = await log.openWriter(topic, progress)
    try {
      const record = { key: null, value: Buffer.from('probe') }
      await writer.commit(new Map([[{ topic, partition: 0 }, [record]]]), Buffer.from('probe'))
    } finally {
      await writer.close()
    }
    await firstRecord(log, topic)
  } finally {
    for (const each of [topic, progress]) await log.deleteTopic(each)
  }
}

function firstRecord(log: Log, topic: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = log.reader({
      onBatch(_, batch, start) {
        end(resolve)
        return batch.length - start
      },
      onEmpty: (_, position, last) => {
        const what = `a committed record is not delivered: read to ${position} of ${last} in "${topic}"`
        if (position >= last) end(() => reject(new QuorateError('QRT_LOG_UNSUPPORTED', what)))
      },
      onHalt: (_, error) => end(() => reject(error)),
      onOutage: () => undefined,
    })
    // Not from inside a call of the reader's own.
    const end = (then: () => void) => queueMicrotask(() => void reader.close().then(then, reject))
    reader.add({ topic, partition: 0 }, 0)
  })
}
