/** Metrics by their documented names, in base units, each peer with its own. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMetrics, type Metrics } from '../src/metrics.ts'

function countEverything(metrics: Metrics, job: string): void {
  metrics.recordsIn(job, 100)
  metrics.rowsOut(job, 7)
  metrics.late(job, 2)
  metrics.deadLetters(job, 'not-json', 3)
  metrics.lag(job, 0, 3, 42)
  metrics.watermarkGap(job, 1, 0, 1.5)
  metrics.eventToCommit(job, 0.3)
  metrics.openWindows(job, 12)
  metrics.stateBytes(job, 0, 3, 4096)
  metrics.vote('agreed')
  metrics.certificate(job)
  metrics.divergence(job, 'computation')
  metrics.hedgedCommit(job, 'kafka')
  metrics.readRepair(job)
  metrics.gossipRoundTrip(0.002)
  metrics.members({ alive: 2, suspect: 1, dead: 0, left: 0 })
}

describe('metrics', () => {
  it('are what was counted', async () => {
    const metrics = createMetrics()
    countEverything(metrics, 'delays')
    const text = await metrics.metricsText()
    for (const line of [
      'quorate_records_in_total{job="delays"} 100',
      'quorate_rows_out_total{job="delays"} 7',
      'quorate_late_records_total{job="delays"} 2',
      'quorate_dead_letters_total{job="delays",reason="not-json"} 3',
      'quorate_lag_records{job="delays",stage="0",partition="3"} 42',
      'quorate_watermark_gap_seconds{job="delays",stage="1",partition="0"} 1.5',
      'quorate_event_to_commit_seconds_bucket{le="0.5",job="delays"} 1',
      'quorate_open_windows{job="delays"} 12',
      'quorate_state_bytes{job="delays",stage="0",partition="3"} 4096',
      'quorate_votes_total{outcome="agreed"} 1',
      'quorate_certificates_total{job="delays"} 1',
      'quorate_divergences_total{job="delays",cause="computation"} 1',
      'quorate_hedged_commits_total{job="delays",sink="kafka"} 1',
      'quorate_read_repairs_total{job="delays"} 1',
      'quorate_gossip_round_trip_seconds_bucket{le="0.0025"} 1',
      'quorate_members{state="suspect"} 1',
    ]) {
      assert.ok(text.split('\n').includes(line), line)
    }
    assert.match(text, /^nodejs_eventloop_lag_seconds /m)
  })

  it('are each peer’s own', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.certificate('delays')
    assert.doesNotMatch(await other.metricsText(), /quorate_certificates_total\{/)
  })

  it('forget a deleted job and nothing else', async () => {
    const metrics = createMetrics()
    countEverything(metrics, 'delays')
    countEverything(metrics, 'kept')
    await metrics.forgetJob('delays')
    const text = await metrics.metricsText()
    assert.doesNotMatch(text, /"delays"/)
    assert.match(text, /quorate_lag_records\{job="kept",stage="0",partition="3"\} 42/)
    assert.match(text, /quorate_event_to_commit_seconds_count\{job="kept"\} 1/)
  })
})
