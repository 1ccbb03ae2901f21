/** The whole cluster in a line of numbers, each the way to the section that says more. */
import { element, show } from './dom.js'
import { sparkline, sum } from './rates.js'
import { count, rate } from './text.js'
import { UNIT_TONE } from './units.js'

/** @param {any} documents of the last round @param {import('./rates.js').Rates} rates */
export function showSummary({ members, jobs, status }, rates) {
  const placed = members.filter(({ member }) => member)
  const alive = placed.filter(({ state }) => state === 'alive').length
  const troubled = status.units.filter(({ state }) => ['waiting', 'bad'].includes(UNIT_TONE[state])).length
  const dead = sum(status.units.map(({ deadLetters }) => deadLetters))
  const late = sum(status.units.map(({ lateRecords }) => lateRecords))
  const open = status.divergences.filter(({ repaired }) => !repaired).length
  show(
    'summary',
    tile('Members alive', '#members', `${alive} of ${placed.length}`, alive < placed.length ? 'bad' : 'good'),
    tile('Jobs', '#jobs', count(jobs.length), 'neutral'),
    tile('Units', '#units', count(status.units.length), troubled > 0 ? 'waiting' : 'good', ` ${troubled} in trouble`),
    tile('Records/s', '#units', rate(rates.latest('read')), 'neutral', sparkline(rates.history('read'))),
    tile('Rows/s certified', '#certificates', rate(rates.latest('rows')), 'neutral', sparkline(rates.history('rows'))),
    tile('Lag', '#units', count(rates.latest('lag')), 'neutral', sparkline(rates.history('lag'))),
    tile('Dead letters', '#letters', count(dead), dead > 0 ? 'waiting' : 'good', ` ${count(late)} late`),
    tile('Divergences', '#divergences', count(status.divergences.length), open > 0 ? 'bad' : 'good', ` ${open} open`),
  )
}

function tile(name, target, value, tone, more = '') {
  const link = element('a', { href: target }, element('span', { className: 'name' }, name))
  return element(
    'li',
    { 'data-key': name, className: tone },
    link,
    element('strong', {}, value),
    element('small', {}, more),
  )
}
