/** The metrics of peers that run, against what happened to them, what docs/metrics.md says, and what is asked of them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../eventually.ts'
import { type Family, total } from './exposition.ts'
import { FACTS, NAMES, type Observed, startObserved } from './observed.ts'
import { readQuery } from './promql.ts'
import { alertQueries, dashboardQueries } from './queries.ts'

const PAGE = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')

/** Labels that Prometheus adds to what it scrapes, and that histograms have. */
const ADDED_LABELS = ['instance', 'job', 'le', 'alertstate', 'alertname']
/** Labels whose values are a closed list: a query that asks for another value can never find anything. */
const CLOSED_LABELS = ['state', 'kind', 'outcome', 'cause']

interface Row {
  readonly type: string
  readonly labels: readonly string[]
}

const documented = new Map(
  [...PAGE.matchAll(/^\| `(quorate_\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(
    ([, name = '', type = '', labels = '']): [string, Row] => [
      name,
      {
        type,
        labels: labels
          .split(',')
          .map((label) => label.trim())
          .filter((label) => label !== ''),
      },
    ],
  ),
)

describe('the metrics of a cluster', () => {
  let cluster: Observed
  let families: ReadonlyMap<string, Family>[]
  const sum = (name: string, labels: Readonly<Record<string, string>> = {}) =>
    families.reduce((all, one) => all + total(one, name, labels), 0)

  before(async () => {
    cluster = await startObserved()
    families = await Promise.all(NAMES.map((name) => cluster.metricsOf(name)))
  })
  after(() => cluster.stop())

  it('count records at every replica, and rows once', () => {
    const job = 'observed'
    for (const one of families) {
      assert.equal(total(one, 'quorate_records_in_total', { job }), FACTS.records)
      assert.equal(total(one, 'quorate_late_records_total', { job }), FACTS.late)
      assert.equal(total(one, 'quorate_dead_letters_total', { job, reason: 'QRT_RECORD_LATE' }), FACTS.late)
      assert.equal(total(one, 'quorate_dead_letters_total', { job, reason: 'QRT_RECORD_SYNTAX' }), FACTS.notJson)
    }
    assert.equal(sum('quorate_rows_out_total', { job, sink: 'kafka:counts' }), FACTS.rows)
    assert.equal(sum('quorate_rows_out_total', { job, sink: 'kafka:dead' }), FACTS.late + FACTS.notJson)
    assert.ok(sum('quorate_event_to_commit_seconds_count', { job, sink: 'kafka:counts' }) > 0)
  })

  it('show what is open and what is left', () => {
    for (const one of families) {
      assert.equal(total(one, 'quorate_open_windows'), FACTS.open)
      assert.equal(total(one, 'quorate_lag_records'), 0)
      assert.equal(total(one, 'quorate_uncertified_seconds'), 0)
      assert.equal(total(one, 'quorate_sink_backlog_bytes'), 0)
      assert.equal(total(one, 'quorate_sink_problems'), 0)
      assert.ok(total(one, 'quorate_state_bytes') > 0)
      assert.ok(total(one, 'quorate_watermark_gap_seconds') > 0)
      assert.ok(total(one, 'quorate_data_free_bytes') > 0)
    }
  })

  it('count votes, of which every certificate has at least two', () => {
    for (const one of families) {
      const certificates = total(one, 'quorate_certificates_total')
      assert.ok(certificates > 0)
      assert.ok(total(one, 'quorate_votes_total', { outcome: 'agreed' }) >= 2 * certificates)
      for (const peer of NAMES) {
        assert.equal(total(one, 'quorate_votes_total', { peer, outcome: 'outvoted' }), 0)
        assert.equal(total(one, 'quorate_votes_total', { peer, outcome: 'equivocated' }), 0)
      }
    }
  })

  it('see every replica confirm what is certified', async () => {
    for (const name of NAMES) {
      await eventually(`${name} has heard that all have everything`, async () => {
        const one = await cluster.metricsOf(name)
        return NAMES.every((peer) => total(one, 'quorate_replica_behind_seconds', { peer }) === 0)
      })
    }
  })

  it('know the cluster', async () => {
    for (const [index, one] of families.entries()) {
      assert.equal(total(one, 'quorate_members', { state: 'alive' }), NAMES.length)
      assert.equal(total(one, 'quorate_view_members', { state: 'alive' }), NAMES.length)
      assert.equal(total(one, 'quorate_ready'), 1)
      assert.equal(total(one, 'quorate_log_readable'), 1)
      assert.equal(total(one, 'quorate_job_quorum', { kind: 'write' }), 2)
      assert.ok(total(one, 'quorate_store_write_seconds_count') > 0)
      const name = NAMES[index]!
      await eventually(`${name} has measured a round trip`, async () => {
        return total(await cluster.metricsOf(name), 'quorate_gossip_round_trip_seconds_count') > 0
      })
    }
  })

  it('are those of docs/metrics.md, with its types and labels', () => {
    for (const one of families) {
      const own = [...one.values()].filter(({ name }) => name.startsWith('quorate_'))
      assert.deepEqual(own.map(({ name }) => name).sort(), [...documented.keys()].sort())
      for (const { name, type, series } of own) {
        assert.equal(documented.get(name)?.type, type, name)
        for (const { labels } of series) {
          const { le: _bucket, ...rest } = labels
          assert.deepEqual(Object.keys(rest).sort(), documented.get(name)?.labels.toSorted(), name)
        }
      }
    }
  })

  for (const { where, expression } of [...alertQueries, ...dashboardQueries]) {
    it(`have what ${where} asks for: ${expression.replace(/\s+/g, ' ')}`, () => {
      const { selectors, labels } = readQuery(expression)
      const known = new Set(ADDED_LABELS)
      for (const { metric, matchers } of selectors.filter(({ metric }) => metric !== 'up')) {
        const own = families.flatMap((one) =>
          [...one.values()].flatMap(({ series }) => series.filter(({ name }) => name === metric)),
        )
        const row = documented.get(metric.replace(/_(?:bucket|sum|count)$/, '')) ?? documented.get(metric)
        assert.ok(own.length > 0 || row !== undefined, `there is no metric ${metric}`)
        for (const label of row?.labels ?? []) known.add(label)
        for (const { label, operator, value } of matchers) {
          assert.ok(known.has(label), `${metric} has no label ${label}`)
          if (!CLOSED_LABELS.includes(label)) continue
          for (const wanted of operator.endsWith('~') ? value.split('|') : [value]) {
            assert.ok(
              own.some(({ labels }) => labels[label] === wanted),
              `no ${metric} has ${label}="${wanted}"`,
            )
          }
        }
      }
      for (const label of labels) assert.ok(known.has(label), `no metric here has the label ${label}`)
    })
  }

  it('are all on the dashboard', () => {
    const shown = new Set(
      dashboardQueries.flatMap(({ expression }) => readQuery(expression).selectors.map(({ metric }) => metric)),
    )
    const missing = [...documented.keys()].filter((name) => !shown.has(name) && !shown.has(`${name}_bucket`))
    assert.deepEqual(missing, [])
  })

  it('show a peer that is gone, and what that does to the job', async () => {
    await cluster.peers.named('cy').kill()
    await eventually('ada sees that cy is away', async () => {
      const one = await cluster.metricsOf('ada')
      const away = total(one, 'quorate_view_members', { state: 'away' })
      return away === 1 && total(one, 'quorate_units', { state: 'degraded' }) > 0
    })
    await cluster.append(FACTS.windows, FACTS.windows + 5)
    await eventually('ada misses what cy would confirm, and nothing else', async () => {
      const one = await cluster.metricsOf('ada')
      const behind = NAMES.map((peer) => total(one, 'quorate_replica_behind_seconds', { peer }))
      return behind[0] === 0 && behind[1] === 0 && behind[2]! > 0.5
    })
  })
})

describe('the reader of queries', () => {
  it('finds selectors, their labels, and what is grouped by', () => {
    const query = 'sum by (job) (rate(a_total{x=~"y|z"}[5m])) / on (job) group_left (v) max by (job) (b{k!="1"}) > 2'
    assert.deepEqual(readQuery(query), {
      selectors: [
        { metric: 'a_total', matchers: [{ label: 'x', operator: '=~', value: 'y|z' }] },
        { metric: 'b', matchers: [{ label: 'k', operator: '!=', value: '1' }] },
      ],
      labels: ['job', 'job', 'v', 'job'],
    })
  })

  it('refuses what does not parse', () => {
    assert.throws(() => readQuery('sum by (job (a)'), /at character/)
    assert.throws(() => readQuery('rate(a[5m]'), /at character/)
  })
})
