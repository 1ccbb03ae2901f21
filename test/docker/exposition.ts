/** The text that a peer serves at /metrics, read line by line as Prometheus does. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly series: readonly Series[]
}

const LINE = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/i
const LABEL = /([a-z_][a-z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/gi

/** @throws Error on a line that Prometheus would not take */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, { name: string; type: string; help: string; series: Series[] }>()
  const familyOf = (name: string) => {
    const known = families.get(name)
    if (known !== undefined) return known
    const made = { name, type: '', help: '', series: [] }
    families.set(name, made)
    return made
  }
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, keyword, of = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (keyword === 'HELP') familyOf(of).help = rest
    else if (keyword === 'TYPE') familyOf(of).type = rest
    else {
      const [, name, labels = '', value] = LINE.exec(line) ?? []
      if (name === undefined || value === undefined) throw new Error(`not a line of metrics: ${line}`)
      const base = name.replace(/_(?:bucket|sum|count)$/, '')
      const series = {
        name,
        labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text])),
        value: value === 'Nan' ? Number.NaN : Number(value.replace('+Inf', 'Infinity')),
      }
      familyOf(families.has(name) ? name : base).series.push(series)
    }
  }
  return families
}

/** The sum of a metric's series with these labels. */
export function total(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''))
  if (family === undefined) throw new Error(`there is no metric ${name}`)
  return family.series
    .filter((series) => series.name === name)
    .filter((series) => Object.entries(labels).every(([label, value]) => series.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0)
}
