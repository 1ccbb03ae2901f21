/** `quorate produce`: appends lines of a file to a topic, for a first try without other tools. */
import { partitionOf } from '../../operators/index.ts'
import { QuorateError } from '../errors.ts'
import type { LogRecord } from '../log/log.ts'
import { readText } from './documents.ts'
import { EXIT } from './exit.ts'
import { LOG_OPTIONS, openSettingsLog } from './log-setting.ts'
import type { Verb } from './verb.ts'

const BATCH = 1_000

export const verb: Verb = {
  summary: 'Append the lines of a file to a topic of the log',
  description:
    'One record a line. The topic is created when there is none. Records with the same --key field go to the same partition, as\nevery Kafka client would place them; without a key they are spread evenly.',
  args: [
    { name: 'TOPIC', required: true, help: 'the topic' },
    { name: 'FILE', required: false, help: 'JSON lines; without it, standard input' },
  ],
  options: {
    ...LOG_OPTIONS,
    key: { type: 'string', short: 'k', placeholder: 'FIELD', help: 'Field of each record that is its key' },
    partitions: { type: 'string', placeholder: 'COUNT', help: 'Of a topic that is created (default 1)' },
  },
  examples: [
    { command: 'quorate produce clicks clicks.jsonl --key user --partitions 3', what: 'a file' },
    { command: 'echo \'{"user":"ada"}\' | quorate produce clicks', what: 'one record' },
  ],
  run: async ({ args: [topic = '', file = '-'], options, output }) => {
    const lines = readText(file)
      .split('\n')
      .filter((line) => line.trim() !== '')
    const key = options.string('key')
    const { log, address } = await openSettingsLog(options)
    try {
      const described = await log.describeTopic(topic)
      const partitions = described?.partitions ?? partitionsOf(options.string('partitions'))
      if (described === undefined) await log.createTopic(topic, { partitions })
      const batches = Array.from({ length: partitions }, (): LogRecord[] => [])
      for (const [index, line] of lines.entries()) {
        const record = { key: key === undefined ? null : keyOf(line, key, index + 1), value: Buffer.from(line) }
        const partition = record.key === null ? index % partitions : partitionOf(record.key, partitions)
        batches[partition]?.push(record)
      }
      for (const [partition, records] of batches.entries()) {
        for (let from = 0; from < records.length; from += BATCH) {
          await log.append({ topic, partition }, records.slice(from, from + BATCH))
        }
      }
      const where = `${topic} (${partitions} partition${partitions === 1 ? '' : 's'}) of ${address}`
      output.note(`${lines.length} record${lines.length === 1 ? ' is' : 's are'} in ${where}`)
      return EXIT.ok
    } finally {
      await log.close()
    }
  },
}

function keyOf(line: string, field: string, number: number): Uint8Array {
  let record: unknown
  try {
    record = JSON.parse(line)
  } catch (cause) {
    throw new QuorateError('QRT_REQUEST_INVALID', `line ${number} is not JSON, so it has no field "${field}"`, {
      cause,
    })
  }
  const value = (record as Readonly<Record<string, unknown>> | null)?.[field]
  if (value === undefined) throw new QuorateError('QRT_REQUEST_INVALID', `line ${number} has no field "${field}"`)
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

function partitionsOf(text = '1'): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new QuorateError('QRT_USAGE', `--partitions: expected a number from 1 to 9999, found "${text}"`)
}
