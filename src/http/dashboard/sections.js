/** What the sections show of the peer's documents: members, units, ring, divergences. */
import { ago, badge, code, element, empty, positionText, show, table } from './dom.js'

const MEMBER_TONE = { alive: 'good', suspect: 'waiting', dead: 'bad', left: 'waiting' }
const UNIT_TONE = {
  running: 'good',
  finished: 'good',
  waiting: 'waiting',
  'catching-up': 'waiting',
  degraded: 'waiting',
  stalled: 'bad',
  halted: 'bad',
  diverged: 'bad',
}
/** Rows of the ring's table; a cluster may have many thousands of units. */
const RING_ROWS = 500

/** @param {any[]} members */
export function showMembers(members) {
  const columns = [
    { title: 'Name', cell: (member) => (member.self ? `${member.name} (this peer)` : memberLink(member)) },
    { title: 'State', cell: (member) => badge(member.state, MEMBER_TONE[member.state]) },
    { title: 'Heard', cell: (member) => (member.self ? 'now' : ago(member.lastHeardMs)) },
    { title: 'Member', cell: (member) => (member.member ? 'yes' : 'not in the view') },
    { title: 'Id', cell: (member) => code(member.id.slice(0, 8)) },
    { title: 'Address', cell: (member) => code(member.address) },
    { title: 'Version', cell: (member) => member.version },
  ]
  show('members', table(columns, members))
}

/** Only an address that is a web address becomes a link. */
function memberLink(member) {
  if (!/^https?:\/\//.test(member.httpAddress)) return member.name
  return element('a', { href: member.httpAddress, rel: 'noreferrer' }, member.name)
}

/** @param {any[]} jobs @param {any} status */
export function showUnits(jobs, status) {
  if (jobs.length === 0) {
    show(
      'units',
      empty('No jobs run here yet. Submit one:'),
      element('code', { className: 'cli' }, 'quorate submit FILE'),
    )
    return
  }
  const jobColumns = [
    { title: 'Job', cell: (job) => job.name },
    { title: 'State', cell: (job) => badge(job.state, UNIT_TONE[job.state] ?? 'waiting') },
    { title: 'Quorum', cell: ({ quorum }) => `N=${quorum.replicas} W=${quorum.write} R=${quorum.read}` },
    { title: 'Source', cell: (job) => job.source },
    { title: 'Sinks', cell: (job) => job.sinks.join(', ') },
    { title: 'Units', kind: 'number', cell: (job) => job.units },
    { title: 'Delete', cell: (job) => element('code', { className: 'cli' }, `quorate delete ${job.name}`) },
  ]
  const unitColumns = [
    { title: 'Unit', cell: (unit) => code(unit.unit) },
    { title: 'State', cell: (unit) => badge(unit.state, UNIT_TONE[unit.state]) },
    { title: 'Certified', kind: 'number', cell: (unit) => positionText(unit.certified) },
    { title: 'Computed', kind: 'number', cell: (unit) => positionText(unit.computed) },
    { title: 'At sinks', kind: 'number', cell: (unit) => positionText(unit.committed) },
    { title: 'Lag', kind: 'number', cell: (unit) => Math.max(0, unit.endOffset - unit.offset) },
    { title: 'Watermark', cell: (unit) => unit.watermark },
    { title: 'Why', kind: 'wide', cell: (unit) => unit.reasons.join('; ') },
  ]
  const worstFirst = [...status.units].sort((a, b) => severity(b) - severity(a))
  show('units', table(jobColumns, jobs), table(unitColumns, worstFirst))
}

const severity = (unit) => ['good', 'waiting', 'bad'].indexOf(UNIT_TONE[unit.state])

/** @param {any} ring @param {any[]} members */
export function showRing(ring, members) {
  if (ring.units.length === 0) {
    show('ring', empty('No units are placed: units come with jobs.'))
    return
  }
  const names = new Map(members.map((member) => [member.id, member.name]))
  const columns = [
    { title: 'Unit', cell: (unit) => code(unit.unit) },
    ...ring.members.map((id) => ({
      title: names.get(id) ?? id.slice(0, 8),
      cell: (unit) => rank(unit.replicas.indexOf(id)),
    })),
  ]
  const shown = ring.units.slice(0, RING_ROWS)
  const more = ring.units.length - shown.length
  show('ring', table(columns, shown), ...(more > 0 ? [empty(`and ${more} more units`)] : []))
}

function rank(index) {
  if (index < 0) return ' '
  return index === 0 ? badge('first', 'good') : `${index + 1}`
}

/** @param {any[]} divergences */
export function showDivergences(divergences) {
  if (divergences.length === 0) {
    show('divergences', empty('None: every replica has computed what the others did.'))
    return
  }
  const columns = [
    { title: 'At', cell: (divergence) => divergence.at },
    { title: 'Peer', cell: (divergence) => divergence.name },
    { title: 'Unit', cell: (divergence) => code(divergence.unit) },
    { title: 'Cut', cell: (divergence) => positionText(divergence.position) },
    { title: 'Offset', kind: 'number', cell: (divergence) => divergence.offset },
    { title: 'Cause', cell: (divergence) => divergence.cause },
    {
      title: 'Repair',
      cell: ({ repaired }) => (repaired ? badge('repaired', 'good') : badge('not repaired', 'bad')),
    },
  ]
  show('divergences', table(columns, divergences))
}
