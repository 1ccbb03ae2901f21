/** Every query of the files in docker/: of alerts, and of dashboards with their variables filled in. */
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'

export interface NamedQuery {
  /** Where it stands. */
  readonly where: string
  readonly expression: string
}

export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity?: string }
  readonly annotations: { readonly summary?: string; readonly runbook?: string }
}

export interface Panel {
  readonly title: string
  readonly type: string
  readonly description?: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

export interface Dashboard {
  readonly uid: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] }
}

const DOCKER = new URL('../../docker/', import.meta.url)
export const ALERTS_FILE = new URL('prometheus/alerts.yaml', DOCKER)

export const alerts: readonly Alert[] = (
  parse(readFileSync(ALERTS_FILE, 'utf8')) as { readonly groups: readonly { readonly rules: readonly Alert[] }[] }
).groups.flatMap(({ rules }) => rules)

const folder = new URL('grafana/dashboards/', DOCKER)
export const dashboards: readonly Dashboard[] = readdirSync(folder).map((name) =>
  JSON.parse(readFileSync(new URL(name, folder), 'utf8')),
)

const filledIn = (expression: string): string =>
  expression.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.*')

export const alertQueries: readonly NamedQuery[] = alerts.map(({ alert, expr }) => ({ where: alert, expression: expr }))

export const dashboardQueries: readonly NamedQuery[] = dashboards.flatMap(({ panels, templating }) => [
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: `panel "${title}"`, expression: filledIn(expr) })),
  ),
  ...templating.list.map(({ query: { query } }) => {
    const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? []
    return { where: `variable ${label}`, expression: `count by (${label}) (${metric})` }
  }),
])
