/** What is so at this peer right now, gathered for its metrics from the parts that know. */
import { statfs } from 'node:fs/promises'
import type { MetricsSample, SinkSample, UnitSample } from '../metrics-sample.ts'
import type { HostedUnit } from '../replica/hosted.ts'
import { BehindReplicas } from './behind.ts'
import type { PlacedUnit } from './jobs.ts'
import type { Peer } from './peer.ts'

export interface GaugesOptions {
  readonly peer: Peer
  readonly version: string
  readonly dataDirectory: string
  readonly ready: () => boolean
  /** Monotonic. */
  readonly now: () => number
  /** Epoch milliseconds. */
  readonly wallClock: () => number
}

export class Gauges {
  readonly #options: GaugesOptions
  readonly #behind = new BehindReplicas()

  constructor(options: GaugesOptions) {
    this.#options = options
  }

  async sample(): Promise<MetricsSample> {
    // First, and the rest at once: a sample is of one moment.
    const dataFreeBytes = await freeBytes(this.#options.dataDirectory)
    const { peer, now } = this.#options
    return { ...momentOf(this.#options), dataFreeBytes, replicas: this.#behind.look(peer, now()) }
  }
}

function momentOf(options: GaugesOptions): Omit<MetricsSample, 'dataFreeBytes' | 'replicas'> {
  const { peer, version, ready } = options
  const { node } = peer
  const members = { alive: 0, suspect: 0, dead: 0, left: 0 }
  for (const { state } of node.members()) members[state] += 1
  const view = node.document?.view.members ?? []
  const living = node.alive()
  const alive = view.filter((member) => living.has(member)).length
  return {
    version,
    ready: ready(),
    logReadable: peer.outage === undefined,
    members,
    view: { alive, away: view.length - alive },
    jobs: peer.jobs.all.map(({ entry, body }) => {
      const { replicas, write, read } = body.compiled.quorum
      return { job: entry.name, replicas, write, read, stopped: entry.stopped !== undefined }
    }),
    units: unitSamples(options),
    sinks: sinkSamples(peer),
  }
}

function unitSamples({ peer, now, wallClock }: GaugesOptions): UnitSample[] {
  const samples: UnitSample[] = []
  for (const [unit, hosted] of peer.host.units) {
    const placed = peer.jobs.ofUnit(unit)?.unit
    if (placed === undefined) continue
    samples.push(unitSample(placed, hosted, peer.statusOf(hosted), now(), wallClock()))
  }
  return samples
}

function unitSample(
  { stage, description }: PlacedUnit,
  hosted: HostedUnit,
  { state, resolvable }: Pick<UnitSample, 'state' | 'resolvable'>,
  now: number,
  wallClock: number,
): UnitSample {
  const { watermark, pendingSince, uncertifiedSince } = hosted
  // What waits to be cut may wait for the job's maxCutAge: it is due from then on.
  const pendingDue = pendingSince === undefined ? now : pendingSince + description.maxCutAgeMs
  const since = Math.min(now, pendingDue, uncertifiedSince ?? now)
  return {
    job: description.job,
    stage,
    // Of an internal topic the name changes with each submission.
    topic: stage === 0 ? description.topic : 'shuffle',
    partition: description.partition,
    state,
    resolvable,
    lagRecords: Math.max(0, hosted.endOffset - hosted.offset),
    watermarkGapSeconds: Number.isFinite(watermark) ? (wallClock - watermark) / 1000 : undefined,
    openWindows: hosted.openWindows,
    stateBytes: hosted.stateBytes,
    uncertifiedSeconds: (now - since) / 1000,
  }
}

function sinkSamples(peer: Peer): SinkSample[] {
  const sinks = new Map<string, { job: string; sink: string; backlogBytes: number; problems: number }>()
  for (const [unit, { description }] of peer.host.units) {
    const { job } = description
    for (const { sink, backlogBytes, problem } of peer.commits.backlogs(unit)) {
      const sample = sinks.get(`${job} ${sink}`) ?? { job, sink, backlogBytes: 0, problems: 0 }
      sample.backlogBytes += backlogBytes
      if (problem) sample.problems += 1
      sinks.set(`${job} ${sink}`, sample)
    }
  }
  return [...sinks.values()]
}

/** What an unprivileged process may still write. */
async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize
  } catch {
    // A file system that cannot be asked is no reason to tell nothing else.
    return undefined
  }
}
