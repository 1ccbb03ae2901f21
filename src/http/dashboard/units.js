/** Partitions: how far each unit has read, computed, certified and committed, how far behind it is, and why. */
import { badge, element, empty, line, show, svg, table } from './dom.js'
import { sparkline } from './rates.js'
import { bytes, count, duration, instant, plural, positionText, rate, unitName } from './text.js'

export const UNIT_TONE = {
  running: 'good',
  finished: 'good',
  waiting: 'neutral',
  'catching-up': 'waiting',
  'taking-over': 'waiting',
  paused: 'neutral',
  degraded: 'waiting',
  stalled: 'bad',
  halted: 'bad',
  diverged: 'bad',
}
const WORST_FIRST = ['bad', 'waiting', 'neutral', 'good']
/** Rows of the table; a cluster may have many thousands of units. */
const ROWS = 500
/** Units that a sentence about several is said of. */
const NAMED = 4

/** @param {any} status @param {import('./rates.js').Rates} rates */
export function showUnits(status, rates) {
  if (status.units.length === 0) {
    show('units', empty('No units run: units come with jobs.'))
    return
  }
  const now = Date.now()
  const ahead = furthest(status.units)
  const mostLag = Math.max(1, ...status.units.map(lagOf))
  const columns = [
    { title: 'Unit', cell: ({ unit }) => unitName(unit) },
    { title: 'Reads', cell: readText },
    { title: 'State', cell: ({ state }) => badge(state, UNIT_TONE[state]) },
    {
      title: 'Records/s',
      kind: 'number',
      cell: ({ unit }) => line(rate(rates.of(`read ${unit}`)), sparkline(rates.history(`read ${unit}`))),
    },
    {
      title: 'Lag',
      hint: 'Records of the partition that are not read yet',
      kind: 'number',
      cell: (unit) => line(count(lagOf(unit)), bar(lagOf(unit) / mostLag, lagOf(unit) > 0 ? 'waiting' : 'good')),
    },
    { title: 'Watermark', cell: ({ watermark }) => instant(watermark) },
    {
      title: 'Gap',
      hint: 'How far the watermark is behind the clock',
      kind: 'number',
      cell: ({ watermark }) => (watermark === undefined ? undefined : duration(now - Date.parse(watermark))),
    },
    {
      title: 'Behind',
      hint: 'How far the watermark is behind that of the furthest partition of the same stage',
      kind: 'number',
      cell: (unit) => behind(unit, ahead),
    },
    { title: 'Open', hint: 'Open windows, one for each key', kind: 'number', cell: (unit) => count(unit.openWindows) },
    { title: 'State size', kind: 'number', cell: ({ stateBytes }) => bytes(stateBytes) },
    { title: 'Computed', hint: 'Last cut', kind: 'number', cell: ({ computed }) => positionText(computed) },
    { title: 'Certified', hint: 'Last cut', kind: 'number', cell: ({ certified }) => positionText(certified) },
    { title: 'At sinks', hint: 'Last cut', kind: 'number', cell: ({ committed }) => positionText(committed) },
    { title: 'Term', kind: 'number', cell: ({ term }) => term },
    { title: 'Version', hint: 'Of what operators compute', kind: 'number', cell: ({ version }) => version },
  ]
  const sorted = status.units.toSorted((a, b) => severity(a) - severity(b))
  const more = sorted.length - ROWS
  show(
    'units',
    table('Units, the worst first', columns, sorted.slice(0, ROWS), ({ unit }) => unit),
    ...(more > 0 ? [empty(`and ${plural(more, 'more unit')}, none of them worse`)] : []),
    ...why(sorted),
  )
}

/** Behind a shuffle, the topic is an internal one with a long name. */
const readText = ({ stage, topic, partition }) =>
  element(
    'code',
    { title: `${topic}[${partition}]` },
    `${stage === 0 ? topic : `shuffle to stage ${stage} `}[${partition}]`,
  )

const severity = ({ state }) => WORST_FIRST.indexOf(UNIT_TONE[state])
const lagOf = ({ offset, endOffset }) => Math.max(0, endOffset - offset)

/** The latest watermark of each stage of each job. */
function furthest(units) {
  const ahead = new Map()
  for (const { job, stage, watermark } of units) {
    const name = `${job}/${stage}`
    if (watermark !== undefined) ahead.set(name, Math.max(ahead.get(name) ?? -Infinity, Date.parse(watermark)))
  }
  return ahead
}

function behind({ job, stage, watermark }, ahead) {
  if (watermark === undefined) return undefined
  const ms = ahead.get(`${job}/${stage}`) - Date.parse(watermark)
  return ms === 0 ? 'furthest' : duration(ms)
}

/** @param {number} part of the whole, from 0 to 1 @param {import('./dom.js').Tone} tone */
function bar(part, tone) {
  const width = (40 * Math.min(1, part)).toFixed(1)
  return svg(
    'svg',
    { viewBox: '0 0 40 6', width: 40, height: 6, className: `bar ${tone}`, 'aria-hidden': 'true' },
    svg('rect', { width: 40, height: 6, className: 'track' }),
    svg('rect', { width, height: 6, className: 'filled' }),
  )
}

/** Sentences of the peer, each once, with the units that they are about. */
function why(units) {
  const told = new Map()
  for (const { unit, reasons } of units) {
    for (const reason of reasons) told.set(reason, [...(told.get(reason) ?? []), unit])
  }
  if (told.size === 0) return []
  const items = [...told].slice(0, 50).map(([reason, about]) => {
    const names = about.slice(0, NAMED).flatMap((unit) => [' ', unitName(unit)])
    const more = about.length > NAMED ? ` and ${about.length - NAMED} more` : ''
    return element('li', { 'data-key': reason }, reason, element('span', { className: 'quiet' }, ...names, more))
  })
  return [element('h3', {}, 'Why there is no newer result'), element('ul', { className: 'reasons' }, ...items)]
}
