/**
 * What a peer counts, under the names of the documentation: base units, and no key or window as a label. Nothing else
 * imports prom-client: callers know the methods below and not how they are kept.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type MemberState = 'alive' | 'suspect' | 'dead' | 'left'

/** What became of a vote: part of a certificate, outvoted, or for a cut that this peer does not know. */
export type VoteOutcome = 'agreed' | 'outvoted' | 'unknown'

export interface Metrics {
  recordsIn(job: string, count: number): void
  rowsOut(job: string, count: number): void
  late(job: string, count: number): void
  deadLetters(job: string, reason: string, count: number): void
  /** Records between what this peer has read and the end of the partition. */
  lag(job: string, stage: number, partition: number, records: number): void
  /** How far the watermark is behind the wall clock. */
  watermarkGap(job: string, stage: number, partition: number, seconds: number): void
  /** From the end of a window to its rows being at every sink. */
  eventToCommit(job: string, seconds: number): void
  openWindows(job: string, count: number): void
  stateBytes(job: string, stage: number, partition: number, bytes: number): void
  vote(outcome: VoteOutcome): void
  certificate(job: string): void
  divergence(job: string, cause: 'input' | 'computation'): void
  /** A commit by another than the first of the preference list. */
  hedgedCommit(job: string, sink: string): void
  readRepair(job: string): void
  gossipRoundTrip(seconds: number): void
  /** Members by state, all at once: a state that nobody is in any more goes to 0. */
  members(states: Readonly<Record<MemberState, number>>): void
  /** Drops what was counted of a deleted job: label values live as long as what they name. */
  forgetJob(job: string): Promise<void>
  metricsText(): Promise<string>
}

const LATENCY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const ROUND_TRIP_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** Each peer has its own registry, so several in one process do not add up. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name, help, labelNames, registers })

  const recordsIn = counter('quorate_records_in_total', 'Records read from the source.', ['job'])
  const rowsOut = counter('quorate_rows_out_total', 'Certified rows written to sinks.', ['job'])
  const late = counter('quorate_late_records_total', 'Records that no open window accepted.', ['job'])
  const dead = counter('quorate_dead_letters_total', 'Records set aside, by reason.', ['job', 'reason'])
  const perUnit = ['job', 'stage', 'partition'] as const
  const lag = gauge('quorate_lag_records', 'Records between the last one read and the end of the partition.', perUnit)
  const gap = gauge('quorate_watermark_gap_seconds', 'Wall clock minus watermark.', perUnit)
  const eventToCommit = new Histogram({
    name: 'quorate_event_to_commit_seconds',
    help: 'From the end of a window to its rows being at every sink.',
    labelNames: ['job'] as const,
    buckets: LATENCY_SECONDS,
    registers,
  })
  const openWindows = gauge('quorate_open_windows', 'Windows that are open, of all keys.', ['job'])
  const stateBytes = gauge('quorate_state_bytes', 'Size of the operator state.', perUnit)
  const votes = counter('quorate_votes_total', 'Votes received and cast, by what became of them.', ['outcome'])
  const certificates = counter('quorate_certificates_total', 'Certificates formed or adopted.', ['job'])
  const divergences = counter('quorate_divergences_total', 'Cuts at which a replica was outvoted.', ['job', 'cause'])
  const hedged = counter('quorate_hedged_commits_total', 'Commits by another than the first peer.', ['job', 'sink'])
  const repairs = counter('quorate_read_repairs_total', 'Certified batches given to replicas by reads.', ['job'])
  const roundTrip = new Histogram({
    name: 'quorate_gossip_round_trip_seconds',
    help: 'From a probe to its answer.',
    buckets: ROUND_TRIP_SECONDS,
    registers,
  })
  const members = gauge('quorate_members', 'Peers by state, as this one sees them.', ['state'])
  // The process's own under the standard names, the event loop's lag among them.
  collectDefaultMetrics({ register: registry })

  return {
    recordsIn: (job, count) => recordsIn.inc({ job }, count),
    rowsOut: (job, count) => rowsOut.inc({ job }, count),
    late: (job, count) => late.inc({ job }, count),
    deadLetters: (job, reason, count) => dead.inc({ job, reason }, count),
    lag: (job, stage, partition, records) => lag.set({ job, stage, partition }, records),
    watermarkGap: (job, stage, partition, seconds) => gap.set({ job, stage, partition }, seconds),
    eventToCommit: (job, seconds) => eventToCommit.observe({ job }, seconds),
    openWindows: (job, count) => openWindows.set({ job }, count),
    stateBytes: (job, stage, partition, bytes) => stateBytes.set({ job, stage, partition }, bytes),
    vote: (outcome) => votes.inc({ outcome }),
    certificate: (job) => certificates.inc({ job }),
    divergence: (job, cause) => divergences.inc({ job, cause }),
    hedgedCommit: (job, sink) => hedged.inc({ job, sink }),
    readRepair: (job) => repairs.inc({ job }),
    gossipRoundTrip: (seconds) => roundTrip.observe(seconds),
    members: (states) => {
      for (const [state, count] of Object.entries(states)) members.set({ state }, count)
    },
    forgetJob: (job) => forget(registry, job),
    metricsText: () => registry.metrics(),
  }
}

/** prom-client removes by complete label sets only, so those of the job are looked up. */
async function forget(registry: Registry, job: string): Promise<void> {
  for (const { name, values } of await registry.getMetricsAsJSON()) {
    const metric = registry.getSingleMetric(name)
    for (const { labels } of values) {
      if (labels.job !== job) continue
      const { le: _bucket, ...own } = labels as Record<string, string>
      metric?.remove(own)
    }
  }
}
