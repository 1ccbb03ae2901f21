/**
 * The gauges: what is so at a peer at one moment. A sample replaces the one before it as a whole, so units that moved away
 * and jobs that were deleted leave nothing behind.
 */
import { Gauge, type Registry } from 'prom-client'
import type { MemberView, UnitStatus } from './http/api.ts'
import { RESOLUTIONS } from './replica/resolution.ts'

export interface UnitSample {
  readonly job: string
  readonly stage: number
  /** What the unit reads. */
  readonly topic: string
  readonly partition: number
  readonly state: UnitStatus['state']
  /** What an operator can order: it waits for one while there are any. */
  readonly resolvable: UnitStatus['resolvable']
  /** Between what the replica took and the end of the partition when it was last fetched. */
  readonly lagRecords: number
  /** Undefined before the first record, and after the end of a bounded input. */
  readonly watermarkGapSeconds: number | undefined
  readonly openWindows: number
  readonly stateBytes: number
  /** How long a result has been due without a certificate; 0 when none is. */
  readonly uncertifiedSeconds: number
}

export interface JobSample {
  readonly job: string
  readonly replicas: number
  readonly write: number
  readonly read: number
  /** For good. */
  readonly stopped: boolean
}

export interface ReplicaSample {
  readonly job: string
  /** By name. */
  readonly peer: string
  /** How long a cut that is certified here has not been confirmed by a replica of that peer; 0 when all are. */
  readonly behindSeconds: number
}

export interface SinkSample {
  readonly job: string
  readonly sink: string
  readonly backlogBytes: number
  /** Units whose rows something keeps from the sink. */
  readonly problems: number
}

export interface MetricsSample {
  readonly version: string
  /** In a cluster, and the log can be read. */
  readonly ready: boolean
  readonly logReadable: boolean
  readonly members: Readonly<Record<MemberView['state'], number>>
  /** Members of the agreed view, by whether they are alive as this peer sees them. */
  readonly view: { readonly alive: number; readonly away: number }
  /** Of the file system that holds the peer's data; undefined where it cannot be asked. */
  readonly dataFreeBytes: number | undefined
  readonly jobs: readonly JobSample[]
  readonly units: readonly UnitSample[]
  readonly replicas: readonly ReplicaSample[]
  readonly sinks: readonly SinkSample[]
}

const UNIT_STATES: readonly UnitStatus['state'][] = [
  'running',
  'waiting',
  'catching-up',
  'taking-over',
  'paused',
  'degraded',
  'stalled',
  'diverged',
  'halted',
  'finished',
]

/** Registers the gauges; the function sets them. */
export function sampler(registry: Registry): (sample: MetricsSample) => void {
  const registers = [registry]
  const all: { reset(): void }[] = []
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) => {
    const made = new Gauge({ name, help, labelNames, registers })
    all.push(made)
    return made
  }
  const perUnit = ['job', 'stage', 'topic', 'partition'] as const
  const lag = gauge('quorate_lag_records', 'Records between the last one read and the end of the partition.', perUnit)
  const gap = gauge('quorate_watermark_gap_seconds', 'Wall clock minus watermark.', perUnit)
  const openWindows = gauge('quorate_open_windows', 'Windows that records may still change, of all keys.', perUnit)
  const stateBytes = gauge('quorate_state_bytes', 'Size of the operator state, approximately.', perUnit)
  const uncertified = gauge(
    'quorate_uncertified_seconds',
    'How long a result has been due without a certificate; 0 when none is.',
    perUnit,
  )
  const units = gauge('quorate_units', 'Units that this peer holds a replica of, by state.', ['job', 'state'])
  const awaiting = gauge(
    'quorate_units_awaiting_operator',
    'Units that only an order of an operator brings on, by that order.',
    ['job', 'order'],
  )
  const behind = gauge(
    'quorate_replica_behind_seconds',
    'How long a cut that is certified here has not been confirmed by a replica of that peer; 0 when all are.',
    ['job', 'peer'],
  )
  const stopped = gauge('quorate_job_stopped', '1 when the job was stopped for good, and quorate status says why.', [
    'job',
  ])
  const quorum = gauge('quorate_job_quorum', 'Replicas that compute, must agree, and answer reads.', ['job', 'kind'])
  const backlog = gauge('quorate_sink_backlog_bytes', 'Certified bytes that a sink is not known to have.', [
    'job',
    'sink',
  ])
  const problems = gauge('quorate_sink_problems', 'Units whose rows something keeps from a sink.', ['job', 'sink'])
  const members = gauge('quorate_members', 'Peers by state, as this one sees them, itself included.', ['state'])
  const view = gauge('quorate_view_members', 'Members of the agreed view, by whether they are alive.', ['state'])
  const ready = gauge('quorate_ready', '1 when this peer can take part: it has a cluster and can read the log.', [])
  const readable = gauge('quorate_log_readable', '0 while the log cannot be read.', [])
  const free = gauge('quorate_data_free_bytes', 'Free space where this peer keeps its data.', [])
  const info = gauge('quorate_info', 'Always 1, with the version of this peer.', ['version'])

  return (sample) => {
    for (const each of all) each.reset()
    info.set({ version: sample.version }, 1)
    ready.set(sample.ready ? 1 : 0)
    readable.set(sample.logReadable ? 1 : 0)
    if (sample.dataFreeBytes === undefined) free.set(Number.NaN)
    else free.set(sample.dataFreeBytes)
    for (const [state, count] of Object.entries(sample.members)) members.set({ state }, count)
    for (const [state, count] of Object.entries(sample.view)) view.set({ state }, count)
    for (const { job, replicas, write, read, stopped: isStopped } of sample.jobs) {
      stopped.set({ job }, isStopped ? 1 : 0)
      for (const [kind, count] of Object.entries({ replicas, write, read })) quorum.set({ job, kind }, count)
      for (const state of UNIT_STATES) units.set({ job, state }, 0)
      for (const order of RESOLUTIONS) awaiting.set({ job, order }, 0)
    }
    for (const { job, stage, topic, partition, state, resolvable, ...unit } of sample.units) {
      const labels = { job, stage, topic, partition }
      units.inc({ job, state })
      for (const order of resolvable) awaiting.inc({ job, order })
      lag.set(labels, unit.lagRecords)
      if (unit.watermarkGapSeconds !== undefined) gap.set(labels, unit.watermarkGapSeconds)
      openWindows.set(labels, unit.openWindows)
      stateBytes.set(labels, unit.stateBytes)
      uncertified.set(labels, unit.uncertifiedSeconds)
    }
    for (const { job, peer, behindSeconds } of sample.replicas) behind.set({ job, peer }, behindSeconds)
    for (const { job, sink, backlogBytes, problems: count } of sample.sinks) {
      backlog.set({ job, sink }, backlogBytes)
      problems.set({ job, sink }, count)
    }
  }
}
