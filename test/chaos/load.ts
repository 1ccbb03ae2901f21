/**
 * A steady load on a Kafka topic, and what must come of it: records of some keys, event time by the clock, sent in small
 * batches at a rate; every record is remembered, so that windows can be computed without the product.
 */
import { partitionOf } from '../../operators/index.ts'
import type { Log, LogRecord } from '../../src/log/log.ts'

export interface LoadOptions {
  readonly log: Log
  readonly topic: string
  readonly partitions: number
  readonly recordsPerSecond: number
  readonly keys: number
  readonly windowMs: number
  /** An append may fail, and nobody knows then whether it was done: what is expected is for `recount` to say. */
  readonly mayFail?: boolean
}

export interface WindowTotals {
  /** Epoch milliseconds. */
  readonly start: number
  readonly key: string
  readonly records: number
  readonly total: number
  readonly most: number
}

const SEND_EVERY_MS = 20

export class Load {
  readonly #options: LoadOptions
  readonly #windows = new Map<string, WindowTotals>()
  #sent = 0
  #running: Promise<void> | undefined
  #stopped = false

  constructor(options: LoadOptions) {
    this.#options = options
  }

  get sent(): number {
    return this.#sent
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Nothing more is sent. */
  async end(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  /** Sends one last record far ahead to every partition, so that all windows close. */
  async stop(): Promise<void> {
    await this.end()
    const { partitions, log, topic, windowMs } = this.#options
    const at = Date.now() + 100 * windowMs
    for (let partition = 0; partition < partitions; partition++) {
      await log.append({ topic, partition }, [recordOf('end', 0, at)])
    }
  }

  /** Takes what the topic holds for what was sent: values of its records. */
  recount(values: Iterable<string>): void {
    this.#windows.clear()
    this.#sent = 0
    for (const value of values) {
      const { key, amount, at } = JSON.parse(value) as { key: string; amount: number; at: number }
      this.#sent += 1
      this.#note(key, amount, at)
    }
  }

  /** By `start/key`; without the records that `stop` sent. */
  get expected(): ReadonlyMap<string, WindowTotals> {
    return this.#windows
  }

  async #run(): Promise<void> {
    const { recordsPerSecond } = this.#options
    const started = performance.now()
    while (!this.#stopped) {
      const due = Math.floor(((performance.now() - started) * recordsPerSecond) / 1000)
      await this.#send(due - this.#sent)
      await new Promise((resolve) => setTimeout(resolve, SEND_EVERY_MS))
    }
  }

  async #send(count: number): Promise<void> {
    const { log, topic, partitions, keys } = this.#options
    const batches = Array.from({ length: partitions }, (): LogRecord[] => [])
    const at = Date.now()
    for (let i = 0; i < count; i++) {
      this.#sent += 1
      const key = `k${this.#sent % keys}`
      const amount = (this.#sent * 7919) % 1000
      batches[partitionOf(Buffer.from(key), partitions)]?.push(recordOf(key, amount, at))
      this.#note(key, amount, at)
    }
    const appending = batches.map((batch, partition) =>
      batch.length > 0 ? log.append({ topic, partition }, batch) : undefined,
    )
    await (this.#options.mayFail === true ? Promise.allSettled(appending) : Promise.all(appending))
  }

  #note(key: string, amount: number, at: number): void {
    const { windowMs } = this.#options
    const start = Math.floor(at / windowMs) * windowMs
    const known = this.#windows.get(`${start}/${key}`)
    this.#windows.set(`${start}/${key}`, {
      start,
      key,
      records: (known?.records ?? 0) + 1,
      total: (known?.total ?? 0) + amount,
      most: Math.max(known?.most ?? 0, amount),
    })
  }
}

const recordOf = (key: string, amount: number, at: number): LogRecord => ({
  key: Buffer.from(key),
  value: Buffer.from(JSON.stringify({ key, amount, at })),
})

export const loadJob = (options: {
  readonly name: string
  readonly topic: string
  readonly windowMs: number
  readonly replicas: number
  readonly write: number
  readonly sinks: readonly string[]
}): string => `
name: ${options.name}
source: { topic: ${options.topic}, format: json, time: { field: at }, partitionedBy: key, idleAfter: 10m }
pipeline:
  - keyBy: key
  - window: { tumbling: ${options.windowMs}ms }
  - aggregate: { records: count(), total: sum(amount), most: max(amount) }
sinks:
${options.sinks.map((sink) => `  - ${sink}`).join('\n')}
quorum: { replicas: ${options.replicas}, write: ${options.write}, read: ${options.write} }
`

/** Undefined when the rows are exactly those that were expected, each once and final; otherwise what is wrong first. */
export function difference(
  rows: readonly { readonly final: boolean; readonly value: Readonly<Record<string, unknown>> }[],
  expected: ReadonlyMap<string, WindowTotals>,
): string | undefined {
  const seen = new Set<string>()
  for (const { final, value } of rows) {
    if (value.key === 'end') continue
    const { start } = value.window as { readonly start: string }
    const name = `${Date.parse(start)}/${value.key}`
    const wanted = expected.get(name)
    if (wanted === undefined) return `an extra row ${name}`
    if (seen.has(name)) return `the row ${name} twice`
    if (!final) return `the row ${name} is not final`
    seen.add(name)
    const { records, total, most } = value
    if (records !== wanted.records || total !== wanted.total || most !== wanted.most) {
      return `the row ${name} is ${JSON.stringify(value)}, expected ${JSON.stringify(wanted)}`
    }
  }
  for (const name of expected.keys()) if (!seen.has(name)) return `the row ${name} is missing`
  return undefined
}
