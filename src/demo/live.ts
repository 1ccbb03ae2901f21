/**
 * `quorate demo`: flights replayed at a visible pace, windows as they are certified and by whom; a peer is killed, the
 * others go on, it comes back. What is shown comes over the API of the peers, as anybody would get it.
 */
import type { Client } from '../cli/client.ts'
import type { Output } from '../cli/output.ts'
import type { LiveEvent } from '../http/api.ts'
import type { Log } from '../log/log.ts'
import { type Flight, loadFlights } from './flights.ts'
import { JOB, jobText, PARTITIONS, recordsOf, TOPIC } from './job.ts'
import type { DemoPeer, DemoPeers } from './peers.ts'
import { clientOf, whenReady } from './ready.ts'

export interface LiveOptions {
  readonly signal: AbortSignal
  readonly output: Output
  /** Between two days of flights. */
  readonly dayMs: number
  /** A peer is killed by itself after this long, unless somebody was faster. */
  readonly killAfterMs: number
  /** It comes back after this long. */
  readonly backAfterMs: number
  /** Keys as they are pressed; undefined: there is no terminal. */
  readonly keys: AsyncIterable<string> | undefined
}

const READY_WITHIN_MS = 30_000
/** Whom to ask next when the peer that was asked is gone. */
const RETRY_MS = 100

export class LiveDemo {
  readonly #peers: DemoPeers
  readonly #log: Log
  readonly #options: LiveOptions
  readonly #started = performance.now()
  #lastAt: number | undefined
  #longestGapMs = 0
  #killed: DemoPeer | undefined
  #windows = 0

  constructor(peers: DemoPeers, log: Log, options: LiveOptions) {
    this.#peers = peers
    this.#log = log
    this.#options = options
  }

  /** Until the signal. */
  async run(): Promise<void> {
    const { signal, output, keys, killAfterMs } = this.#options
    await this.#log.createTopic(TOPIC, { partitions: PARTITIONS })
    const client = await whenReady(this.#peers, READY_WITHIN_MS, signal)
    output.line(`${this.#peers.all.length} peers form a cluster after ${seconds(performance.now() - this.#started)}:`)
    for (const { name, httpAddress } of this.#peers.all) output.line(`  ${name.padEnd(4)} ${httpAddress}`)
    await client.submit({ text: jobText(false), format: 'yaml', file: 'demo' })
    output.line(`Dashboard: ${output.paint('bold', this.#peers.all[0]?.httpAddress ?? '')}`)
    output.line(`Log: embedded:${this.#peers.logDirectory} (QUORATE_LOG, for "quorate produce" and a job of your own)`)
    output.line(
      `Job ${JOB}: daily delays by airport, 3 replicas, a result counts once 2 of them signed it.` +
        (keys === undefined ? '' : ' Press k to kill a peer, Ctrl-C to stop.'),
    )
    const kill = setTimeout(() => this.#inBackground(this.#kill()), killAfterMs)
    this.#inBackground(this.#watch())
    if (keys !== undefined) this.#inBackground(this.#listen(keys))
    try {
      await this.#replay()
    } finally {
      clearTimeout(kill)
    }
  }

  async #replay(): Promise<void> {
    const { signal, dayMs, output } = this.#options
    for (const flights of days(loadFlights())) {
      for (const [partition, records] of recordsOf(flights)) await this.#log.append(partition, records)
      if (!(await this.#pause(dayMs))) return
    }
    output.line(
      `All flights are replayed: ${this.#windows} certified cuts, at most ${seconds(this.#longestGapMs)} between two. ` +
        'The peers go on until Ctrl-C.',
    )
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  }

  /** Events of whichever peer is there, gone on behind the last one seen. */
  async #watch(): Promise<void> {
    const { signal } = this.#options
    const seen = new Set<string>()
    while (!signal.aborted) {
      const peer = this.#peers.all.find((candidate) => candidate.running)
      if (peer !== undefined) {
        try {
          await this.#follow(clientOf(peer.httpAddress, signal), seen)
        } catch {
          // The peer that was asked has ended: that is what the demo is about. The next one is asked.
        }
      }
      await this.#pause(RETRY_MS)
    }
  }

  async #follow(client: Client, seen: Set<string>): Promise<void> {
    for await (const streamed of client.events(undefined)) {
      if (streamed.kind === 'event') this.#show(streamed.event, seen)
    }
  }

  #show(event: LiveEvent, seen: Set<string>): void {
    const { output } = this.#options
    if (event.kind === 'member') {
      output.line(output.paint('yellow', `${clock(event.at)}  ${event.name} is ${event.state}`))
      return
    }
    if (event.kind !== 'certified' || event.rows === 0) return
    const cut = `${event.unit} ${event.position.seq}.${event.position.part}`
    // Another peer tells the same of its own replica.
    if (seen.has(cut)) return
    seen.add(cut)
    const now = performance.now()
    if (this.#lastAt === undefined) {
      output.line(output.paint('green', `First certified window after ${seconds(now - this.#started)}.`))
    } else this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAt)
    this.#lastAt = now
    this.#windows += 1
    const unit = event.unit.slice(event.unit.lastIndexOf(':') + 1)
    output.line(
      `${clock(event.at)}  ${TOPIC}[${unit}] cut ${String(event.position.seq).padStart(3)}: ` +
        `${String(event.rows).padStart(3)} rows, signed by ${output.paint('bold', event.signers.join(' and '))}`,
    )
  }

  async #listen(keys: AsyncIterable<string>): Promise<void> {
    for await (const key of keys) if (key === 'k') await this.#kill()
  }

  async #kill(): Promise<void> {
    const { output, backAfterMs } = this.#options
    if (this.#killed !== undefined) return
    // The first one stays: its address is the default of every verb, and its dashboard may be open.
    const victim = this.#peers.all.findLast(({ running }) => running)
    if (victim === undefined) return
    this.#killed = victim
    this.#longestGapMs = 0
    await victim.kill()
    output.line(output.paint('red', `${victim.name} was killed (SIGKILL). The others go on.`))
    if (!(await this.#pause(backAfterMs))) return
    const gap = seconds(this.#longestGapMs)
    await victim.restart()
    output.line(
      output.paint('green', `${victim.name} is back. Longest time between two certified windows since: ${gap}.`),
    )
    this.#killed = undefined
  }

  /** False when the demo was stopped meanwhile. */
  #pause(ms: number): Promise<boolean> {
    const { signal } = this.#options
    return new Promise((resolve) => {
      if (signal.aborted) resolve(false)
      const stop = () => {
        clearTimeout(timer)
        resolve(false)
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop)
        resolve(true)
      }, ms)
      signal.addEventListener('abort', stop, { once: true })
    })
  }

  #inBackground(task: Promise<void>): void {
    task.catch((error) => {
      if (!this.#options.signal.aborted)
        this.#options.output.note(`demo: ${error instanceof Error ? error.message : error}`)
    })
  }
}

function* days(flights: readonly Flight[]): Generator<Flight[]> {
  let day: Flight[] = []
  for (const flight of flights) {
    if (day[0] !== undefined && day[0].date.slice(0, 10) !== flight.date.slice(0, 10)) {
      yield day
      day = []
    }
    day.push(flight)
  }
  yield day
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const clock = (at: string): string => at.slice(11, 19)
