/**
 * A reader's handler that keeps what it is told, as text, and lets a test wait for it: looked at after each call, with a
 * deadline and what was seen when that passes.
 */
import assert from 'node:assert/strict'
import type { RecordBatch } from '../../operators/index.ts'
import type { QuorateError } from '../../src/errors.ts'
import type { Log, LogPartition, LogReader, LogReaderHandler } from '../../src/log/log.ts'

export interface SeenRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  readonly headers: Readonly<Record<string, string>>
}

export interface SeenPartition {
  readonly records: SeenRecord[]
  /** Positions and ends that `onEmpty` told, and when. */
  readonly empties: { readonly position: number; readonly end: number; readonly at: number }[]
  readonly halts: QuorateError[]
}

/** How many of the records [start, batch.length) to take. */
export type Take = (partition: LogPartition, batch: RecordBatch, start: number) => number

const DEADLINE_MS = 60_000

export class LogRecorder implements LogReaderHandler {
  readonly reader: LogReader
  /** Undefined: all works. */
  outage: Error | undefined
  readonly outages: (Error | undefined)[] = []
  readonly #seen = new Map<string, SeenPartition>()
  readonly #take: Take
  #look: () => void = () => undefined

  constructor(log: Pick<Log, 'reader'>, take: Take = (_, batch, start) => batch.length - start) {
    this.#take = take
    this.reader = log.reader(this)
  }

  of({ topic, partition }: LogPartition): SeenPartition {
    const key = `${topic}/${partition}`
    const seen = this.#seen.get(key) ?? { records: [], empties: [], halts: [] }
    this.#seen.set(key, seen)
    return seen
  }

  values(partition: LogPartition): (string | null)[] {
    return this.of(partition).records.map(({ value }) => value)
  }

  onBatch(partition: LogPartition, batch: RecordBatch, start: number): number {
    assert.ok(start < batch.length, 'a batch has something to take')
    const taken = this.#take(partition, batch, start)
    for (let i = start; i < start + taken; i++) {
      this.of(partition).records.push({
        offset: batch.offset(i),
        key: text(batch.key(i)),
        headers: Object.fromEntries(
          [...(batch.headers?.(i) ?? [])].map(([name, value]) => [name, Buffer.from(value).toString()]),
        ),
        value: text(batch.value(i)),
        timestamp: batch.timestamp(i),
      })
    }
    this.#look()
    return taken
  }

  onEmpty(partition: LogPartition, position: number, end: number): void {
    assert.ok(position >= end, `nothing more at ${position}, and the end is ${end}`)
    this.of(partition).empties.push({ position, end, at: performance.now() })
    this.#look()
  }

  onHalt(partition: LogPartition, error: Error): void {
    this.of(partition).halts.push(error as QuorateError)
    this.#look()
  }

  onOutage(cause: Error | undefined): void {
    this.outage = cause
    this.outages.push(cause)
    this.#look()
  }

  /** Waits until the condition holds after some call of the reader, or holds already. */
  async until(what: string, condition: () => boolean, deadlineMs = DEADLINE_MS): Promise<void> {
    if (condition()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const seen = () =>
      [...this.#seen].map(([key, { records, empties, halts }]) => [
        key,
        `${records.length} records, last ${records.at(-1)?.offset}`,
        `empty at ${empties.at(-1)?.position} of ${empties.at(-1)?.end}`,
        ...halts.map(String),
      ])
    const timer = setTimeout(
      () => reject(new Error(`not within ${deadlineMs} ms: ${what}; seen: ${JSON.stringify(seen())}`)),
      deadlineMs,
    )
    this.#look = () => {
      if (condition()) resolve()
    }
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#look = () => undefined
    }
  }

  /** Waits until all that is there now of the partition was delivered. */
  async untilEnd(log: Log, partition: LogPartition): Promise<void> {
    const haltsBefore = this.of(partition).halts.length
    const end = (await log.offsets(partition.topic))[partition.partition]?.end ?? 0
    await this.until(`${partition.topic}/${partition.partition} is read to ${end}`, () => {
      const { empties, halts } = this.of(partition)
      return halts.length > haltsBefore || (empties.at(-1)?.position ?? -1) >= end
    })
  }

  async untilHalt(partition: LogPartition): Promise<QuorateError> {
    await this.until('it halts', () => this.of(partition).halts.length > 0)
    return this.of(partition).halts[0]!
  }

  close(): Promise<void> {
    return this.reader.close()
  }
}

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('latin1')

/** The values of a partition from an offset to its end, by a reader of their own. */
export async function readAll(log: Log, partition: LogPartition, from: number): Promise<SeenRecord[]> {
  const recorder = new LogRecorder(log)
  try {
    recorder.reader.add(partition, from)
    await recorder.untilEnd(log, partition)
    assert.deepEqual(recorder.of(partition).halts, [])
    return recorder.of(partition).records
  } finally {
    await recorder.close()
  }
}
