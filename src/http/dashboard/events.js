/** What happens: certificates as they form, and the timeline of everything. Both are bounded. */
import { code, element, empty, positionText, show, table } from './dom.js'

const CERTIFICATES = 50
const TIMELINE = 300

const certificates = []
const timeline = []

/** @param {any} event */
export function addEvent(event) {
  timeline.unshift(event)
  timeline.length = Math.min(timeline.length, TIMELINE)
  if (event.kind !== 'certified') return
  certificates.unshift(event)
  certificates.length = Math.min(certificates.length, CERTIFICATES)
}

/** @param {string} reason */
export function addGap(reason) {
  addEvent({ kind: 'gap', at: new Date().toISOString(), reason })
}

export function showCertificates() {
  if (certificates.length === 0) {
    show('certificates', empty('None since this page was opened.'))
    return
  }
  const columns = [
    { title: 'At', cell: (event) => event.at },
    { title: 'Unit', cell: (event) => code(event.unit) },
    { title: 'Cut', kind: 'number', cell: (event) => positionText(event.position) },
    { title: 'Rows', kind: 'number', cell: (event) => event.rows },
    { title: 'Signed by', cell: (event) => event.signers.join(', ') },
  ]
  show('certificates', table(columns, certificates))
}

/** @param {string} kind empty: all */
export function showTimeline(kind) {
  const shown = timeline.filter((event) => kind === '' || event.kind === kind)
  if (shown.length === 0) {
    show('timeline', empty('Nothing has happened since this page was opened.'))
    return
  }
  const items = shown.map((event) =>
    element(
      'li',
      { className: event.kind === 'diverged' ? 'bad' : '' },
      element('time', { datetime: event.at }, event.at),
      sentence(event),
    ),
  )
  show('timeline', element('ol', { className: 'events' }, ...items))
}

function sentence(event) {
  switch (event.kind) {
    case 'certified':
      return `${event.unit} ${positionText(event.position)} certified: ${event.rows} rows, signed by ${event.signers.join(', ')}`
    case 'committed':
      return `${event.unit} ${positionText(event.position)} is at ${event.sink}`
    case 'member':
      return `${event.name} is ${event.state}`
    case 'diverged':
      return `${event.divergence.name} diverged at ${event.divergence.unit} ${positionText(event.divergence.position)} (${event.divergence.cause})`
    case 'job':
      return `job ${event.job} was ${event.change}`
    case 'gap':
      return `some events were missed: ${event.reason}`
    default:
      return event.kind
  }
}
