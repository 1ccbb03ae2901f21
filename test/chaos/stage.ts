/** A cluster that works under a steady load while something is done to it: what one run of a script plays with. */
import { join } from 'node:path'
import type { LogSettings } from '../../src/log/log.ts'
import { type PeerHost, Peers } from '../e2e/peers.ts'
import { Load, loadJob } from './load.ts'
import type { Place, Scene } from './scene.ts'
import { Watch } from './watch.ts'

export const WINDOW_MS = 1_000

export interface StageOptions {
  readonly names: readonly string[]
  readonly partitions: number
  readonly recordsPerSecond: number
  readonly replicas: number
  readonly write: number
  readonly hosts?: Readonly<Record<string, PeerHost>>
  /** How peers reach the log; as the scene does by default. */
  readonly logSettings?: LogSettings
  /** See LoadOptions. */
  readonly mayFail?: boolean
}

export class Stage {
  peers: Peers
  readonly load: Load
  readonly watch: Watch
  readonly job: string
  readonly place: Place

  /** The job runs and the load flows. */
  static async start(scene: Scene, options: StageOptions): Promise<Stage> {
    const stage = new Stage(scene, options, await scene.place(options.partitions))
    try {
      await stage.#begin(options)
    } catch (error) {
      await stage.stop()
      throw error
    }
    return stage
  }

  private constructor(scene: Scene, options: StageOptions, place: Place) {
    const { names, partitions, recordsPerSecond, hosts = {}, mayFail = false } = options
    const { log, connections } = scene
    const { logSettings = scene.logSettings } = options
    this.place = place
    this.job = place.name
    const { checkpoints } = place
    const directory = join(scene.folder, place.name)
    this.peers = new Peers({ directory, log: logSettings, connections, checkpoints, names, hosts })
    this.load = new Load({
      log,
      topic: place.topic,
      partitions,
      recordsPerSecond,
      keys: 40,
      windowMs: WINDOW_MS,
      mayFail,
    })
    this.watch = new Watch()
  }

  async #begin({ replicas, write }: StageOptions): Promise<void> {
    const { peers, place, watch } = this
    await peers.start()
    for (const peer of peers.all) watch.follow(peer)
    const job = { name: place.name, topic: place.topic, windowMs: WINDOW_MS, replicas, write, sinks: place.sinks }
    await peers.client().submit({ format: 'yaml', file: 'chaos', text: loadJob(job) })
    this.load.start()
  }

  /** How long certified windows stood still between two moments, beyond the time from one window to the next. */
  longestPauseMs(from: number, to: number): number {
    return Math.max(0, Math.round(this.watch.longestGapMs(from, to) - WINDOW_MS))
  }

  /** Ends the load, waits for what is due, and says what is wrong at which sink. */
  async settle(): Promise<string[]> {
    await this.load.stop()
    const differences = await this.place.compare(this.load)
    return Object.entries(differences).map(([sink, what]) => `${sink}: ${what}`)
  }

  async stop(): Promise<void> {
    await this.load.end()
    await this.watch.stop()
    await this.peers.stop()
  }
}

/** The load goes on meanwhile: time itself is what a run is about. */
export async function pass(ms: number): Promise<void> {
  const until = performance.now() + ms
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
