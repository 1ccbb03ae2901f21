/**
 * Who holds what, as a ring: each unit is a slice, from the outside in its replicas by preference. The outermost writes to
 * the sinks; when its peer is down the next one does. The same is in the table below it, in words.
 */
import { badge, element, empty, show, svg, table } from './dom.js'
import { plural, unitName, unitText } from './text.js'

/** More would be thinner than a line; a cluster may have many thousands. */
const SLICES = 360
const ROWS = 500
const OUTER = 118
const FIRST_WIDTH = 30
const NEXT_WIDTH = 15
const GAP = 2

/** @param {any} ring @param {import('./peers.js').Peers} peers */
export function showRing(ring, peers) {
  if (ring.units.length === 0) {
    show('ring', empty('No units are placed: units come with jobs.'))
    return
  }
  const byName = ring.members.toSorted((a, b) => (peers.name(a) < peers.name(b) ? -1 : 1))
  const legend = byName.map((id) => {
    const commits = ring.units.filter(({ replicas }) => peers.committer(replicas) === id).length
    const holds = ring.units.filter(({ replicas }) => replicas.includes(id)).length
    const share = peers.alive(id) ? `commits ${commits}, holds ${holds}` : `down, holds ${holds}`
    return element('li', {}, peers.chip(id), share)
  })
  const more = ring.units.length - SLICES
  show(
    'ring',
    element('div', { className: 'ring' }, figure(ring, peers), element('ul', { className: 'legend' }, ...legend)),
    ...(more > 0 ? [empty(`The ring shows ${SLICES} units of ${ring.units.length}.`)] : []),
    element('details', {}, element('summary', {}, 'As a table'), ringTable(ring, peers)),
  )
}

function figure({ units }, peers) {
  const shown = units.slice(0, SLICES)
  const slices = shown.map(({ unit, replicas }, index) => {
    const names = replicas.map((id) => peers.name(id))
    const said = `${unitText(unit)}: ${names[0]} commits, then ${names.slice(1).join(', ') || 'nobody'}`
    const bands = replicas.map((id, rank) => band(index / shown.length, (index + 1) / shown.length, rank, id, peers))
    return svg('g', {}, svg('title', {}, said), ...bands)
  })
  const middle = [
    svg('text', { y: -2, className: 'ring-count' }, String(units.length)),
    svg('text', { y: 16, className: 'ring-word' }, units.length === 1 ? 'unit' : 'units'),
  ]
  const label = `${plural(units.length, 'unit')} on ${plural(new Set(units.flatMap(({ replicas }) => replicas)).size, 'peer')}`
  return svg('svg', { viewBox: '-120 -120 240 240', role: 'img', 'aria-label': label }, ...slices, ...middle)
}

/** One replica of a unit, between two parts of the circle. */
function band(from, to, rank, id, peers) {
  const outer = OUTER - (rank === 0 ? 0 : FIRST_WIDTH + GAP + (rank - 1) * (NEXT_WIDTH + GAP))
  const inner = outer - (rank === 0 ? FIRST_WIDTH : NEXT_WIDTH)
  const down = peers.alive(id) ? '' : 'down'
  return svg('path', { d: arc(from, to, outer, Math.max(inner, 2)), className: `slice ${peers.colour(id)} ${down}` })
}

function arc(from, to, outer, inner) {
  // A whole circle begins where it ends, which draws nothing.
  const end = to - from >= 1 ? to - 0.0001 : to
  const large = end - from > 0.5 ? 1 : 0
  const at = (part, radius) => {
    const angle = 2 * Math.PI * part - Math.PI / 2
    return `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`
  }
  return `M${at(from, outer)} A${outer} ${outer} 0 ${large} 1 ${at(end, outer)} L${at(end, inner)} A${inner} ${inner} 0 ${large} 0 ${at(from, inner)} Z`
}

function ringTable(ring, peers) {
  const columns = [
    { title: 'Unit', cell: ({ unit }) => unitName(unit) },
    ...ring.members.map((id) => ({ title: peers.name(id), cell: ({ replicas }) => rank(replicas.indexOf(id)) })),
  ]
  const rows = ring.units.slice(0, ROWS)
  const more = ring.units.length - rows.length
  const shown = table('Replicas of each unit by preference', columns, rows, ({ unit }) => unit)
  return element('div', {}, shown, ...(more > 0 ? [empty(`and ${more} more units`)] : []))
}

function rank(index) {
  if (index < 0) return '–'
  return index === 0 ? badge('commits', 'good') : `${index + 1}`
}
