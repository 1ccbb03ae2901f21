/** Metrics by their documented names, in base units, each peer with its own. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMetrics, type Metrics } from '../src/metrics.ts'
import type { MetricsSample, UnitSample } from '../src/metrics-sample.ts'

function countEverything(metrics: Metrics, job: string): void {
  metrics.recordsIn(job, 100)
  metrics.rowsOut(job, 'kafka:out', 7)
  metrics.late(job, 2)
  metrics.deadLetters(job, 'not-json', 3)
  metrics.eventToCommit(job, 'kafka:out', 0.3)
  metrics.voter('ada')
  metrics.vote('ada', 'agreed')
  metrics.certificate(job)
  metrics.divergence(job, 'computation')
  metrics.hedgedCommit(job, 'kafka:out')
  metrics.readRepair(job)
  metrics.gossipRoundTrip(0.002)
  metrics.storeWrite(0.02)
}

const unitOf = (job: string, changes: Partial<UnitSample> = {}): UnitSample => ({
  job,
  stage: 0,
  topic: 'flights',
  partition: 3,
  state: 'running',
  resolvable: [],
  lagRecords: 42,
  watermarkGapSeconds: 1.5,
  openWindows: 12,
  stateBytes: 4096,
  uncertifiedSeconds: 0.25,
  ...changes,
})

const sampleOf = (units: readonly UnitSample[]): MetricsSample => ({
  version: '1.2.3',
  ready: true,
  logReadable: true,
  members: { alive: 2, suspect: 1, dead: 0, left: 0 },
  view: { alive: 2, away: 1 },
  dataFreeBytes: 1e9,
  jobs: [...new Set(units.map(({ job }) => job))].map((job) => ({
    job,
    ...{ replicas: 3, write: 2, read: 2, stopped: job === 'delays' },
  })),
  units,
  replicas: units.map(({ job }) => ({ job, peer: 'bo', behindSeconds: 7 })),
  sinks: units.map(({ job }) => ({ job, sink: 'kafka:out', backlogBytes: 512, problems: 1 })),
})

const linesOf = async (metrics: Metrics, units: readonly UnitSample[]): Promise<readonly string[]> =>
  (await metrics.metricsText(sampleOf(units))).split('\n')

describe('metrics', () => {
  it('are what was counted', async () => {
    const metrics = createMetrics()
    countEverything(metrics, 'delays')
    const lines = await linesOf(metrics, [])
    for (const line of [
      'quorate_records_in_total{job="delays"} 100',
      'quorate_rows_out_total{job="delays",sink="kafka:out"} 7',
      'quorate_late_records_total{job="delays"} 2',
      'quorate_dead_letters_total{job="delays",reason="not-json"} 3',
      'quorate_event_to_commit_seconds_bucket{le="0.5",job="delays",sink="kafka:out"} 1',
      'quorate_votes_total{peer="ada",outcome="agreed"} 1',
      'quorate_votes_total{peer="ada",outcome="outvoted"} 0',
      'quorate_certificates_total{job="delays"} 1',
      'quorate_divergences_total{job="delays",cause="computation"} 1',
      'quorate_hedged_commits_total{job="delays",sink="kafka:out"} 1',
      'quorate_read_repairs_total{job="delays"} 1',
      'quorate_gossip_round_trip_seconds_bucket{le="0.0025"} 1',
      'quorate_store_write_seconds_bucket{le="0.025"} 1',
    ]) {
      assert.ok(lines.includes(line), line)
    }
    assert.ok(lines.some((line) => /^nodejs_eventloop_lag_p99_seconds /.test(line)))
  })

  it('show what is so when they are asked for', async () => {
    const lines = await linesOf(createMetrics(), [
      unitOf('delays'),
      unitOf('delays', { partition: 4, state: 'stalled', resolvable: ['settle'] }),
    ])
    for (const line of [
      'quorate_lag_records{job="delays",stage="0",topic="flights",partition="3"} 42',
      'quorate_watermark_gap_seconds{job="delays",stage="0",topic="flights",partition="3"} 1.5',
      'quorate_open_windows{job="delays",stage="0",topic="flights",partition="3"} 12',
      'quorate_state_bytes{job="delays",stage="0",topic="flights",partition="3"} 4096',
      'quorate_uncertified_seconds{job="delays",stage="0",topic="flights",partition="3"} 0.25',
      'quorate_units{job="delays",state="running"} 1',
      'quorate_units{job="delays",state="stalled"} 1',
      'quorate_units{job="delays",state="halted"} 0',
      'quorate_units_awaiting_operator{job="delays",order="settle"} 1',
      'quorate_units_awaiting_operator{job="delays",order="retry"} 0',
      'quorate_job_stopped{job="delays"} 1',
      'quorate_job_quorum{job="delays",kind="write"} 2',
      'quorate_replica_behind_seconds{job="delays",peer="bo"} 7',
      'quorate_sink_backlog_bytes{job="delays",sink="kafka:out"} 512',
      'quorate_sink_problems{job="delays",sink="kafka:out"} 1',
      'quorate_members{state="suspect"} 1',
      'quorate_view_members{state="away"} 1',
      'quorate_ready 1',
      'quorate_log_readable 1',
      'quorate_data_free_bytes 1000000000',
      'quorate_info{version="1.2.3"} 1',
    ]) {
      assert.ok(lines.includes(line), line)
    }
  })

  it('say nothing of units that are gone', async () => {
    const metrics = createMetrics()
    await linesOf(metrics, [unitOf('delays'), unitOf('kept')])
    const lines = await linesOf(metrics, [unitOf('kept', { watermarkGapSeconds: undefined })])
    const ofUnits = lines.filter((line) => /^quorate_(?:lag_records|watermark_gap_seconds)\{/.test(line))
    assert.deepEqual(ofUnits, ['quorate_lag_records{job="kept",stage="0",topic="flights",partition="3"} 42'])
  })

  it('begin at zero when a job is added, so that the first of anything is an increase', async () => {
    const metrics = createMetrics()
    metrics.jobAdded('delays')
    const lines = await linesOf(metrics, [])
    assert.ok(lines.includes('quorate_divergences_total{job="delays",cause="input"} 0'))
    assert.ok(lines.includes('quorate_certificates_total{job="delays"} 0'))
  })

  it('are each peer’s own', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.certificate('delays')
    assert.ok((await linesOf(one, [])).includes('quorate_certificates_total{job="delays"} 1'))
    assert.ok(!(await linesOf(other, [])).some((line) => line.startsWith('quorate_certificates_total{')))
  })

  it('forget a deleted job and nothing else', async () => {
    const metrics = createMetrics()
    countEverything(metrics, 'delays')
    countEverything(metrics, 'kept')
    await metrics.forgetJob('delays')
    const text = (await linesOf(metrics, [])).join('\n')
    assert.doesNotMatch(text, /"delays"/)
    assert.match(text, /quorate_records_in_total\{job="kept"\} 100/)
    assert.match(text, /quorate_event_to_commit_seconds_count\{job="kept",sink="kafka:out"\} 1/)
  })
})
