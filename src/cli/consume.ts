/** `quorate consume`: the records of a topic, to its present end. */
import type { RecordBatch } from '../../operators/index.ts'
import { QuorateError } from '../errors.ts'
import type { Log } from '../log/log.ts'
import { EXIT } from './exit.ts'
import { LOG_OPTIONS, openSettingsLog } from './log-setting.ts'
import type { Output } from './output.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'The records of a topic of the log, to its present end',
  args: [{ name: 'TOPIC', required: true, help: 'the topic' }],
  options: { ...LOG_OPTIONS },
  examples: [
    { command: 'quorate consume flight-delays', what: 'values, one a line' },
    { command: 'quorate consume flight-delays -o jsonl', what: 'with partition, offset and key' },
  ],
  run: async ({ args: [topic = ''], options, output }) => {
    const { log, address } = await openSettingsLog(options)
    try {
      if ((await log.describeTopic(topic)) === undefined) {
        const message = `the log ${address} has no topic "${topic}"; name another topic, or with --log the log that the peers read`
        throw new QuorateError('QRT_TOPIC_UNKNOWN', message)
      }
      await printAll(log, topic, output)
      return EXIT.ok
    } finally {
      await log.close()
    }
  },
}

async function printAll(log: Log, topic: string, output: Output): Promise<void> {
  const ranges = await log.offsets(topic)
  const open = new Set(ranges.flatMap(({ start, end }, partition) => (start < end ? [partition] : [])))
  if (open.size === 0) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const passed = (partition: number, position: number) => {
    if (position < (ranges[partition]?.end ?? 0) || !open.delete(partition)) return
    if (open.size === 0) resolve()
  }
  const reader = log.reader({
    onBatch({ partition }, batch, start) {
      const end = ranges[partition]?.end ?? 0
      for (let i = start; i < batch.length && batch.offset(i) < end; i++) print(partition, batch, i, output)
      passed(partition, batch.offset(batch.length - 1) + 1)
      return batch.length - start
    },
    onEmpty: ({ partition }, position) => passed(partition, position),
    onHalt: (_, error) => reject(error),
    onOutage: () => undefined,
  })
  try {
    for (const partition of open) reader.add({ topic, partition }, ranges[partition]?.start ?? 0)
    await promise
  } finally {
    await reader.close()
  }
}

function print(partition: number, batch: RecordBatch, i: number, output: Output): void {
  const [key, value] = [batch.key(i), batch.value(i)].map((bytes) =>
    bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString(),
  )
  if (output.format === 'text') output.line(value ?? '')
  else output.jsonLines([{ partition, offset: batch.offset(i), key, value }])
}
