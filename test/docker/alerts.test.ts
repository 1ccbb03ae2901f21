/** The alert rules: each fires when it should and only then, and somebody who is woken by it finds what to do. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { skipReason } from '../services/availability.ts'
import { promtool, run } from './prometheus.ts'
import { ALERTS_FILE, alerts } from './queries.ts'

const RULE_TESTS = new URL('alerts.promtool.yaml', import.meta.url)
const DEPLOYMENT = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8')

/** As GitHub makes anchors of headings. */
const anchors = new Set(
  [...DEPLOYMENT.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-')),
)

interface RuleTest {
  readonly name: string
  readonly promql_expr_test: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[]
}

const ruleTests = (parse(readFileSync(RULE_TESTS, 'utf8')) as { readonly tests: readonly RuleTest[] }).tests

describe('alerts', () => {
  it('have names of their own', () => {
    assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length)
    assert.ok(alerts.length > 15)
  })

  for (const { alert, labels, annotations } of alerts) {
    it(`${alert} says how bad it is, what it is, and where to read on`, () => {
      assert.match(labels.severity ?? '', /^(?:critical|warning)$/)
      assert.ok((annotations.summary ?? '').length > 20)
      assert.equal(annotations.runbook, `docs/deployment.md#${alert.toLowerCase()}`)
      assert.ok(anchors.has(alert.toLowerCase()), `docs/deployment.md has no section ${alert}`)
    })

    it(`${alert} is tried with what should raise it and with what should not`, () => {
      const samples = ruleTests
        .flatMap(({ promql_expr_test }) => promql_expr_test)
        .filter(({ expr }) => expr.includes(`alertname="${alert}"`))
        .map(({ exp_samples }) => exp_samples.length)
      assert.deepEqual(samples, [1, 0])
    })
  }

  it('are the only ones that docs/deployment.md explains', () => {
    const explained = [...DEPLOYMENT.matchAll(/^#### (Quorate\w+)$/gm)].map(([, name]) => name)
    assert.deepEqual(
      explained,
      alerts.map(({ alert }) => alert),
    )
  })
})

const tool = await promtool()
describe('promtool', { skip: skipReason(tool) }, () => {
  if ('unavailable' in tool) return
  const folder = mkdtempSync(join(tmpdir(), 'quorate-alerts-'))

  it('finds that every alert fires when it should, and only then', async () => {
    try {
      copyFileSync(ALERTS_FILE, join(folder, 'alerts.yaml'))
      copyFileSync(RULE_TESTS, join(folder, 'tests.yaml'))
      assert.match(await run(tool, ['check', 'rules', 'alerts.yaml'], folder), /SUCCESS/)
      assert.match(await run(tool, ['test', 'rules', 'tests.yaml'], folder), /SUCCESS/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
