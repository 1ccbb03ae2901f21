/**
 * A real Prometheus with the configuration and the rules of docker/, on peers that run: targets and the token's path are all
 * that is changed.
 */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseDocument } from 'yaml'
import { eventually } from '../eventually.ts'
import { skipReason } from '../services/availability.ts'
import { freePorts, launch, type RunningServer } from '../services/server.ts'
import { FACTS, NAMES, type Observed, startObserved } from './observed.ts'
import { prometheusServer, promtool, run } from './prometheus.ts'
import { ALERTS_FILE, alerts, dashboardQueries } from './queries.ts'

const CONFIG = new URL('../../docker/prometheus/prometheus.yaml', import.meta.url)
const [server, tool] = await Promise.all([prometheusServer(), promtool()])

interface QueryResult {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

describe('Prometheus', { skip: skipReason(server) || skipReason(tool) }, () => {
  if ('unavailable' in server || 'unavailable' in tool) return
  let cluster: Observed
  let prometheus: RunningServer
  let url: string

  async function ask<Answer>(path: string): Promise<Answer> {
    const response = await fetch(`${url}/api/v1/${path}`)
    const answer = (await response.json()) as {
      readonly status: string
      readonly error?: string
      readonly data: Answer
    }
    assert.equal(answer.status, 'success', `${path}: ${answer.error}`)
    return answer.data
  }
  const query = async (expression: string): Promise<readonly QueryResult[]> => {
    const { result } = await ask<{ readonly result: QueryResult[] }>(`query?query=${encodeURIComponent(expression)}`)
    return result
  }

  before(async () => {
    cluster = await startObserved()
    const folder = join(cluster.folder, 'prometheus')
    mkdirSync(folder)
    const config = parseDocument(readFileSync(CONFIG, 'utf8'))
    const targets = NAMES.map((name) => new URL(cluster.peers.named(name).httpAddress).host)
    config.setIn(['scrape_configs', 0, 'static_configs', 0, 'targets'], targets)
    config.setIn(['scrape_configs', 0, 'authorization', 'credentials_file'], join(folder, 'token'))
    // The defaults would make this test wait; what they are is not what it is about.
    config.setIn(['global', 'scrape_interval'], '1s')
    config.setIn(['global', 'evaluation_interval'], '1s')
    writeFileSync(join(folder, 'prometheus.yaml'), String(config))
    writeFileSync(join(folder, 'token'), cluster.token, { mode: 0o600 })
    copyFileSync(ALERTS_FILE, join(folder, 'alerts.yaml'))
    await run(tool, ['check', 'config', 'prometheus.yaml'], folder)
    const [port] = await freePorts(1)
    url = `http://127.0.0.1:${port}`
    prometheus = await launch({
      name: 'prometheus',
      command: server.command,
      args: [
        `--config.file=${join(folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      logFile: join(folder, 'prometheus.log'),
      ready: /Server is ready to receive web requests/,
      readyWithinMs: 120_000,
    })
  })
  after(async () => {
    await prometheus?.stop()
    await cluster?.stop()
  })

  it('reads every peer, with a token', async () => {
    await eventually('three targets are up', async () => (await query('up{job="quorate"} == 1')).length === 3)
  })

  it('finds nothing that promtool would change', async () => {
    const headers = { authorization: `Bearer ${cluster.token}` }
    const text = await (await fetch(`${cluster.peers.named('ada').httpAddress}/metrics`, { headers })).text()
    const own = text.split('\n').filter((line) => /^(?:# \w+ )?quorate_/.test(line))
    await run(tool, ['check', 'metrics'], cluster.folder, `${own.join('\n')}\n`)
  })

  it('keeps the name of the job of the cluster as "job"', async () => {
    await eventually('records are there', async () => (await query('quorate_records_in_total')).length === 3)
    for (const { metric, value } of await query('quorate_records_in_total')) {
      assert.equal(metric.job, 'observed')
      assert.equal(Number(value[1]), FACTS.records)
    }
  })

  it('evaluates every query of the dashboard, and finds what each is about', async () => {
    await eventually('there are rates', async () => (await query('rate(quorate_certificates_total[5m])')).length === 3)
    for (const { where, expression } of dashboardQueries) {
      const found = await query(expression)
      // What has not happened in this cluster has no series; it is on the panel for when it does.
      if (/hedged_commits|awaiting_operator|job_stopped/.test(expression)) continue
      assert.ok(found.length > 0, `${where} shows nothing: ${expression}`)
    }
  })

  it('raises no alert about peers that are well, and knows all alerts', async () => {
    const { groups } = await ask<{
      readonly groups: readonly {
        readonly rules: readonly { readonly name: string; readonly health: string; readonly state: string }[]
      }[]
    }>('rules')
    const rules = groups.flatMap(({ rules }) => rules)
    assert.deepEqual(
      rules.map(({ name }) => name),
      alerts.map(({ alert }) => alert),
    )
    const quietAfterTrouble = ['QuorateDeadLetters']
    for (const { name, health, state } of rules) {
      assert.notEqual(health, 'err', name)
      if (!quietAfterTrouble.includes(name)) assert.equal(state, 'inactive', name)
    }
  })

  it('sees a peer that is killed', async () => {
    await cluster.peers.named('cy').kill()
    await eventually('the alerts about it wait for their time', async () => {
      const pending = await query('ALERTS{alertstate="pending"}')
      const names = pending.map(({ metric }) => metric.alertname)
      return names.includes('QuoratePeerDown') && names.includes('QuorateMemberAway')
    })
  })
})
