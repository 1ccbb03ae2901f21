/** A process of its own that appends to an embedded log, one record after another, as fast as it can. */
import { type ChildProcess, spawn } from 'node:child_process'
import { openLog } from '../../src/log/open.ts'

interface Order {
  readonly directory: string
  readonly topic: string
  readonly prefix: string
  readonly records: number
}

export const spawnAppending = (order: Order): ChildProcess =>
  spawn(process.execPath, [import.meta.filename, JSON.stringify(order)], { stdio: ['ignore', 'ignore', 'inherit'] })

const [, file, text] = process.argv
if (file === import.meta.filename && text !== undefined) {
  const { directory, topic, prefix, records } = JSON.parse(text) as Order
  const log = await openLog({ kind: 'embedded', directory })
  for (let i = 0; i < records; i++) {
    await log.append({ topic, partition: 0 }, [{ key: null, value: Buffer.from(`${prefix}${i}`) }])
  }
  await log.close()
}
