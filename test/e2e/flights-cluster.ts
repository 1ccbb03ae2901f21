/**
 * Peers in processes of their own on an embedded log that holds real flights, and a job that gives daily delays by airport:
 * what somebody sees after `quorate demo`, with as many peers and partitions as a test needs.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { partitionOf } from '../../operators/index.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { runCli } from '../cli/run-cli.ts'
import { eventually } from '../eventually.ts'
import { type DelayRow, delayRows, type FlightRecord, flightRecords, sortRows } from './flights.ts'
import { Peers } from './peers.ts'

export const TOPIC = 'flights'
export const SINK = 'delays'
export const JOB = 'flight-delays'

const SETTLED_WITHIN_MS = 120_000

/** A source that falls silent stays so, and what waits is cut soon: where the cluster comes to rest depends on its input alone. */
export const jobText = (name: string = JOB): string => `name: ${name}
source:
  topic: ${TOPIC}
  format: json
  time: { field: date, pattern: "yyyy/MM/dd HH:mm" }
  partitionedBy: origin
  idleAfter: 10m
pipeline:
  - filter: distance >= 100
  - keyBy: origin
  - window: { tumbling: 1d }
  - aggregate: { flights: count(), delayed: "count(delay > 15)", meanDelay: avg(delay), worst: max(delay) }
sinks:
  - kafka: { topic: ${SINK} }
quorum: { replicas: 3, write: 2, read: 2 }
maxCutAge: 200ms
`

export interface FlightsOptions {
  readonly names: readonly string[]
  readonly partitions: number
  /** Runs a peer by another program than the command line: by name. */
  readonly programs?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
}

export class FlightsCluster {
  readonly peers: Peers
  readonly log: Log
  /** Holds a directory for each peer, by name. */
  readonly directory: string
  readonly #partitions: number
  readonly #ends: number[]

  private constructor(directory: string, log: Log, options: FlightsOptions) {
    const { names, partitions, programs = {}, args = [] } = options
    this.directory = directory
    this.#partitions = partitions
    this.#ends = Array.from({ length: partitions }, () => 0)
    this.log = log
    this.peers = new Peers({
      directory,
      log: { kind: 'embedded', directory: join(directory, 'log') },
      names,
      programs,
      args,
    })
  }

  static async start(options: FlightsOptions): Promise<FlightsCluster> {
    const directory = await mkdtemp(join(tmpdir(), 'quorate-flights-'))
    const log = await openLog({ kind: 'embedded', directory: join(directory, 'log') })
    const cluster = new FlightsCluster(directory, log, options)
    try {
      await log.createTopic(TOPIC, { partitions: options.partitions })
      await log.createTopic(SINK, { partitions: 1 })
      await cluster.peers.start()
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  /** Flights go to the partition of their airport, as a Kafka producer would send them. */
  async append(flights: readonly FlightRecord[]): Promise<void> {
    const values = new Map<number, string[]>()
    for (const flight of flights) {
      const partition = partitionOf(Buffer.from(flight.origin), this.#partitions)
      values.set(partition, [...(values.get(partition) ?? []), JSON.stringify(flight)])
    }
    for (const [partition, texts] of values) await this.appendText(partition, texts)
  }

  async appendText(partition: number, texts: readonly string[]): Promise<void> {
    const records = texts.map((text) => ({ key: null, value: Buffer.from(text) }))
    await this.log.append({ topic: TOPIC, partition }, records)
    this.#ends[partition] = (this.#ends[partition] ?? 0) + records.length
  }

  submit(text: string = jobText()) {
    return this.peers.client().submit({ format: 'yaml', text })
  }

  /** Every replica has read all flights, and what they make is certified, at the sink, and known to be so by every peer. For one job. */
  async settled(): Promise<void> {
    const { peers } = this
    await eventually(
      'every peer has computed, certified and committed all flights',
      async () => {
        // Without the job's name: a peer that has not heard of it yet would refuse.
        const all = await Promise.all(peers.all.map((peer) => peer.client().status(undefined)))
        return all.every(
          ({ units }) =>
            units.length === this.#partitions &&
            units.every(({ partition, offset, certified, computed, committed }) => {
              const places = [certified, computed, committed].map((place) => place && `${place.seq}.${place.part}`)
              return offset === this.#ends[partition] && places[0] !== undefined && new Set(places).size === 1
            }),
        )
      },
      SETTLED_WITHIN_MS,
    )
  }

  /** A day long after the others, in every partition: what was open before it closes. */
  async closeWindows(): Promise<void> {
    const origins = new Set(flightRecords().map(({ origin }) => origin))
    const flight = { date: '2001/06/01 00:00', delay: 0, distance: 100, destination: 'SEA' }
    await this.append([...origins].map((origin) => ({ ...flight, origin })))
  }

  /** Every record at the sink, as the command line reads it from the log. */
  async rows(): Promise<readonly DelayRow[]> {
    const log = `embedded:${join(this.directory, 'log')}`
    const { code, stdout, stderr } = await runCli(['consume', SINK, '--log', log])
    if (code !== 0) throw new Error(`consume ended with ${code}: ${stderr}`)
    const values = stdout.split('\n').filter((line) => line !== '')
    return sortRows(
      values.map((line) => {
        const { window, key, flights, delayed, meanDelay, worst } = JSON.parse(line)
        return { start: window.start, end: window.end, key, flights, delayed, meanDelay, worst }
      }),
    )
  }

  /** Once the windows of these flights are closed: each row is at the sink, once, and none beside them. */
  async assertRows(flights: readonly FlightRecord[]): Promise<void> {
    const expected = delayRows(flights)
    const enough = async () => (await this.sinkEnd()) >= expected.length
    await eventually('all rows are at the sink', enough, SETTLED_WITHIN_MS)
    assert.deepEqual(await this.rows(), expected)
  }

  /** Offsets of the sink, the markers of transactions among them where the log has such. */
  async sinkEnd(): Promise<number> {
    const [range] = await this.log.offsets(SINK)
    return range?.end ?? 0
  }

  async stop(): Promise<void> {
    await this.peers.stop()
    await this.log.close()
    await rm(this.directory, { recursive: true, force: true })
  }
}
