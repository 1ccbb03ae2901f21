/**
 * What every log does, whoever asks: readers get every committed record once, in order, from the offset they ask for, or
 * are told why not; a transaction is there as a whole or not at all; a writer that was replaced changes nothing.
 */
import { after, before, describe } from 'node:test'
import type { Log, LogPartition, LogRecord, LogSettings } from '../../src/log/log.ts'
import { readingContract } from './log-reading.contract.ts'
import { topicContract } from './log-topics.contract.ts'
import { writingContract } from './log-writing.contract.ts'

export interface LogHarness {
  /** How a process of its own opens it. */
  readonly settings: LogSettings
  /** A client of its own of the same log. */
  open(): Promise<Log>
  /** Records of a transaction that is given up after they were sent. They leave a gap in the offsets, or nothing. */
  abort(partition: LogPartition, records: readonly LogRecord[]): Promise<void>
  /** How much the log holds, transactions under way included. */
  bytes(partition: LogPartition): Promise<number>
  dispose(): Promise<void>
}

/** What the parts of the contract work with. */
export interface LogUnderTest {
  readonly harness: LogHarness
  readonly log: Log
  /** A new topic, and a partition of it. */
  topic(partitions?: number): Promise<LogPartition>
}

export function logContract(
  name: string,
  createHarness: () => Promise<LogHarness>,
  skip: string | false = false,
): void {
  describe(`${name}: log contract`, { skip }, () => {
    let harness: LogHarness | undefined
    let log: Log | undefined
    let topics = 0
    before(async () => {
      harness = await createHarness()
      log = await harness.open()
    })
    after(async () => {
      await log?.close()
      await harness?.dispose()
    })
    const made = <T>(value: T | undefined): T => {
      if (value === undefined) throw new Error('the log is there while the tests run')
      return value
    }
    const subject: LogUnderTest = {
      get harness() {
        return made(harness)
      },
      get log() {
        return made(log)
      },
      async topic(partitions = 1) {
        topics += 1
        const topic = `contract-${process.pid}-${topics}`
        await this.log.createTopic(topic, { partitions })
        return { topic, partition: 0 }
      },
    }
    topicContract(subject)
    readingContract(subject)
    writingContract(subject)
  })
}

/** Records that say which they are. */
export const records = (from: number, to: number, prefix = ''): LogRecord[] =>
  Array.from({ length: to - from }, (_, i) => ({ key: null, value: Buffer.from(`${prefix}${from + i}`) }))

export const valuesOf = (made: readonly LogRecord[]): (string | null)[] =>
  made.map(({ value }) => (value === null ? null : Buffer.from(value).toString()))
