/**
 * What a peer counts, under the names of docs/metrics.md: base units, and no key or window as a label. Counters move when
 * something happens; gauges are set from a sample that is taken when the metrics are asked for, so that what stands still
 * shows it. Nothing else imports the Prometheus client: callers know the methods below and not how they are kept.
 */
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { type MetricsSample, sampler } from './metrics-sample.ts'

/** What became of a vote: for what was certified, for something else, or a second and different one of the same peer. */
export type VoteOutcome = 'agreed' | 'outvoted' | 'equivocated'

const VOTE_OUTCOMES: readonly VoteOutcome[] = ['agreed', 'outvoted', 'equivocated']

export interface Metrics {
  /** From here on what was not counted of a job is 0, instead of missing: rates need a first value. */
  jobAdded(job: string): void
  recordsIn(job: string, count: number): void
  rowsOut(job: string, sink: string, count: number): void
  late(job: string, count: number): void
  deadLetters(job: string, reason: string, count: number): void
  /** From the end of a window to its rows being at a sink. */
  eventToCommit(job: string, sink: string, seconds: number): void
  /** @param peer by name, as people know it */
  vote(peer: string, outcome: VoteOutcome, count?: number): void
  /** From here on what was not counted of a peer is 0. */
  voter(peer: string): void
  certificate(job: string): void
  divergence(job: string, cause: 'input' | 'computation'): void
  /** A commit by another than the first of the preference list. */
  hedgedCommit(job: string, sink: string): void
  readRepair(job: string): void
  gossipRoundTrip(seconds: number): void
  storeWrite(seconds: number): void
  /** Drops what was counted of a deleted job: label values live as long as what they name. */
  forgetJob(job: string): Promise<void>
  /** In the text format of Prometheus, with the gauges as the sample says. */
  metricsText(sample: MetricsSample): Promise<string>
}

const LATENCY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const ROUND_TRIP_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const WRITE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Each peer has its own registry, so several in one process do not add up. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames, registers })
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ) => new Histogram({ name, help, labelNames, buckets, registers })

  const recordsIn = counter('quorate_records_in_total', 'Records that replicas here took from the source.', ['job'])
  const rowsOut = counter('quorate_rows_out_total', 'Certified rows that this peer wrote to a sink.', ['job', 'sink'])
  const late = counter('quorate_late_records_total', 'Records that no open window accepted, as certified.', ['job'])
  const dead = counter('quorate_dead_letters_total', 'Records set aside, by reason, as certified.', ['job', 'reason'])
  const eventToCommit = histogram(
    'quorate_event_to_commit_seconds',
    'From the end of a window to its rows being at a sink.',
    ['job', 'sink'],
    LATENCY_SECONDS,
  )
  const votes = counter('quorate_votes_total', 'Votes seen, by who cast them and what became of them.', [
    'peer',
    'outcome',
  ])
  const certificates = counter('quorate_certificates_total', 'Certificates formed or adopted here.', ['job'])
  const divergences = counter(
    'quorate_divergences_total',
    'Cuts at which a replica computed something else than was certified, as far as this peer knows.',
    ['job', 'cause'],
  )
  const hedged = counter('quorate_hedged_commits_total', 'Commits by this peer while another was first in line.', [
    'job',
    'sink',
  ])
  const repairs = counter(
    'quorate_read_repairs_total',
    'Replicas that a read found behind, and that were handed what they lacked.',
    ['job'],
  )
  const roundTrip = histogram(
    'quorate_gossip_round_trip_seconds',
    'From a probe to the answer of the member itself.',
    [],
    ROUND_TRIP_SECONDS,
  )
  const storeWrite = histogram(
    'quorate_store_write_seconds',
    'From asking for a write to its being durable on this disk.',
    [],
    WRITE_SECONDS,
  )
  const setGauges = sampler(registry)
  // The process's own under the standard names, the event loop's lag among them.
  collectDefaultMetrics({ register: registry })

  return {
    jobAdded(job) {
      for (const each of [recordsIn, late, certificates, repairs]) each.inc({ job }, 0)
      for (const cause of ['input', 'computation']) divergences.inc({ job, cause }, 0)
    },
    recordsIn: (job, count) => recordsIn.inc({ job }, count),
    rowsOut: (job, sink, count) => rowsOut.inc({ job, sink }, count),
    late: (job, count) => late.inc({ job }, count),
    deadLetters: (job, reason, count) => dead.inc({ job, reason }, count),
    eventToCommit: (job, sink, seconds) => eventToCommit.observe({ job, sink }, seconds),
    vote: (peer, outcome, count = 1) => votes.inc({ peer, outcome }, count),
    voter(peer) {
      for (const outcome of VOTE_OUTCOMES) votes.inc({ peer, outcome }, 0)
    },
    certificate: (job) => certificates.inc({ job }),
    divergence: (job, cause) => divergences.inc({ job, cause }),
    hedgedCommit: (job, sink) => hedged.inc({ job, sink }),
    readRepair: (job) => repairs.inc({ job }),
    gossipRoundTrip: (seconds) => roundTrip.observe(seconds),
    storeWrite: (seconds) => storeWrite.observe(seconds),
    forgetJob: (job) => forget(registry, job),
    metricsText(sample) {
      setGauges(sample)
      return registry.metrics()
    },
  }
}

/** The client removes by complete label sets only, so those of the job are looked up. */
async function forget(registry: Registry, job: string): Promise<void> {
  for (const { name, values } of await registry.getMetricsAsJSON()) {
    const metric = registry.getSingleMetric(name)
    for (const { labels } of values) {
      if (labels?.job !== job) continue
      const { le: _bucket, ...own } = labels as Record<string, string>
      metric?.remove(own)
    }
  }
}
