/**
 * Certificates as they form: for each unit the votes on its next cut, and the last cuts that enough replicas agreed on, with
 * who signed.
 */
import { element, empty, line, show, table } from './dom.js'
import { peerLink } from './peers.js'
import { clock, count, duration, plural, positionText, unitName } from './text.js'

const KEPT = 40
/** Votes younger than this are on their way. */
const PATIENCE_MS = 500

/** The last ones, newest first. */
const certificates = []

/** @param {any} event */
export function addCertificate(event) {
  certificates.unshift(event)
  certificates.length = Math.min(certificates.length, KEPT)
}

/** @param {any} status @param {readonly any[]} jobs @param {import('./peers.js').Peers} peers */
export function showCertificates(status, jobs, peers) {
  const replicas = new Map(status.units.map(({ unit, replicas }) => [unit, replicas]))
  show('certificates', ...forming(status, jobs, peers), ...absent(status, peers), formed(replicas, peers))
}

/** Cuts that wait for votes. Nearly always there are none: a certificate takes milliseconds. */
function forming({ units }, jobs, peers) {
  const write = new Map(jobs.map(({ name, quorum }) => [name, quorum.write]))
  const waiting = units.filter(
    ({ votes }) => votes !== undefined && votes.voters.length > 0 && votes.waitingMs > PATIENCE_MS,
  )
  if (waiting.length === 0) return []
  const items = waiting.slice(0, 50).map(({ unit, job, replicas, votes }) => {
    const chips = replicas.map(({ peer }) => {
      const voted = votes.voters.includes(peer)
      return peers.chip(peer, voted ? 'signed' : 'missing', voted ? 'voted' : 'no vote yet')
    })
    const told =
      votes.results > 1 ? `votes for ${votes.results} different results` : `of ${write.get(job)} votes needed`
    const place = `cut ${positionText(votes.position)}`
    const words = `${votes.voters.length} ${told}, for ${duration(votes.waitingMs)}`
    return element('li', { 'data-key': unit }, line(unitName(unit), place, ...chips, words))
  })
  return [element('h3', {}, 'Waiting for votes'), element('ul', { className: 'forming' }, ...items)]
}

/** Events are told by the replicas of a unit. */
function absent({ peer, units }, peers) {
  const elsewhere = units.filter(({ replicas }) => !replicas.some((replica) => replica.peer === peer))
  if (elsewhere.length === 0) return []
  const links = peers.elsewhere().flatMap((member) => [' ', peerLink(member)])
  const what = `This peer has no replica of ${plural(elsewhere.length, 'unit')}: their certificates are shown at their replicas.`
  return [empty(what, ...links)]
}

function formed(replicas, peers) {
  if (certificates.length === 0)
    return empty('None yet. Each appears here as soon as enough replicas have signed the same result.')
  const columns = [
    { title: 'At', cell: ({ at }) => clock(at) },
    { title: 'Unit', cell: ({ unit }) => unitName(unit) },
    { title: 'Cut', kind: 'number', cell: ({ position }) => positionText(position) },
    { title: 'Signed by', cell: ({ unit, signers }) => line(...signatures(replicas.get(unit) ?? [], signers, peers)) },
    { title: 'Records', kind: 'number', cell: ({ counts }) => count(counts.in) },
    { title: 'Rows', kind: 'number', cell: ({ rows }) => count(rows) },
    { title: 'Late', kind: 'number', cell: ({ counts }) => count(counts.late) },
    { title: 'Dead', kind: 'number', cell: ({ counts }) => count(counts.dead) },
  ]
  const keyOf = ({ unit, position }) => `${unit} ${positionText(position)}`
  return table('Last certificates', columns, certificates, keyOf)
}

/** Every replica: a certificate holds the first W votes, so others may have agreed a moment later. */
function signatures(replicas, signers, peers) {
  if (replicas.length === 0) return [signers.join(', ')]
  return replicas.map(({ peer, name }) => {
    const signed = signers.includes(name)
    return peers.chip(peer, signed ? 'signed' : 'missing', signed ? 'signed' : 'not among the first to sign')
  })
}
