/** Members: who is there, how well, and what each holds. */
import { badge, code, line, show, table } from './dom.js'
import { isWeb, peerLink } from './peers.js'
import { ago } from './text.js'

const TONE = { alive: 'good', suspect: 'waiting', dead: 'bad', left: 'neutral' }

/** @param {readonly any[]} members @param {any} ring @param {import('./peers.js').Peers} peers */
export function showMembers(members, ring, peers) {
  const columns = [
    { title: 'Name', cell: (member) => line(peers.chip(member.id), member.self ? 'this peer' : link(member)) },
    {
      title: 'State',
      cell: ({ state, member, leaving }) =>
        line(badge(state, TONE[state]), leaving ? badge('leaving', 'waiting') : '', member ? '' : 'not in the view'),
    },
    { title: 'Heard', cell: ({ self, lastHeardMs }) => (self ? '–' : ago(lastHeardMs)) },
    {
      title: 'Commits',
      hint: 'Units whose results it writes to the sinks',
      kind: 'number',
      cell: ({ id }) => ring.units.filter(({ replicas }) => peers.committer(replicas) === id).length,
    },
    {
      title: 'Holds',
      hint: 'Units that it has a replica of',
      kind: 'number',
      cell: ({ id }) => ring.units.filter(({ replicas }) => replicas.includes(id)).length,
    },
    { title: 'Id', cell: ({ id }) => code(id.slice(0, 8)) },
    { title: 'Address', cell: ({ address }) => code(address) },
    { title: 'Version', cell: ({ version }) => version },
  ]
  const byName = members.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  show(
    'members',
    table('Members', columns, byName, ({ id }) => id),
  )
}

const link = (member) => (isWeb(member.httpAddress) && member.state === 'alive' ? peerLink(member) : '')
