/** What happened, newest first. What happens all the time is shown only when it is asked for. */
import { element, empty, show } from './dom.js'
import { clock, plural, positionText, unitText } from './text.js'

const KEPT = 500
const TONE = { diverged: 'bad', gap: 'waiting', lost: 'bad' }
const MEMBER_TONE = { alive: 'good', suspect: 'waiting', dead: 'bad', left: 'waiting' }

/** Every kind is bounded by itself: certificates by the hundred must not push out the one peer that died. */
const frequent = []
const rare = []
let number = 0

/** @param {any} event of a peer, or of this page: `gap`, `lost`, `found` */
export function addEvent(event) {
  const list = event.kind === 'certified' || event.kind === 'committed' ? frequent : rare
  number += 1
  list.unshift({ ...event, number })
  list.length = Math.min(list.length, KEPT)
}

/** @param {string} kind empty: all that is rare; `all` */
export function showTimeline(kind) {
  const chosen = kind === '' ? rare : [...rare, ...frequent].filter((event) => kind === 'all' || event.kind === kind)
  const newestFirst = chosen.toSorted(later).slice(0, KEPT)
  if (newestFirst.length === 0) {
    show('timeline', empty('Nothing of this kind has happened since the peer was started.'))
    return
  }
  const items = newestFirst.map((event) => {
    const tone = event.kind === 'member' ? MEMBER_TONE[event.state] : (TONE[event.kind] ?? 'neutral')
    return element(
      'li',
      { 'data-key': String(event.number), className: tone },
      clock(event.at),
      element('span', { className: 'kind' }, event.kind),
      element('span', {}, sentence(event)),
    )
  })
  show('timeline', element('ol', { className: 'events' }, ...items))
}

/** What the peer still had from before comes after the page has connected. */
const later = (a, b) => (a.at === b.at ? b.number - a.number : a.at < b.at ? 1 : -1)

function sentence(event) {
  const place = 'position' in event ? `${unitText(event.unit)} cut ${positionText(event.position)}` : ''
  switch (event.kind) {
    case 'certified':
      return `${place}: ${plural(event.rows, 'row')}, signed by ${event.signers.join(' and ')}`
    case 'committed':
      return `${place} is at ${event.sink}`
    case 'member':
      return `${event.name} is ${event.state}`
    case 'diverged': {
      const { name, unit, position, cause } = event.divergence
      return `${name} diverged at ${unitText(unit)} cut ${positionText(position)} (${cause})`
    }
    case 'job':
      return `${event.job} was ${event.change}`
    case 'gap':
      return `some events were missed: ${event.reason}`
    case 'lost':
      return 'the connection to this peer was lost'
    case 'found':
      return 'connected to this peer'
    default:
      return JSON.stringify(event)
  }
}
