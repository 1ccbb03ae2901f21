/** Replicas that computed something else than the others agreed on: which machine, where, and whether it agrees again. */
import { badge, empty, show, table } from './dom.js'
import { count, instant, positionText, unitName } from './text.js'

/** @param {readonly any[]} divergences @param {import('./peers.js').Peers} peers */
export function showDivergences(divergences, peers) {
  if (divergences.length === 0) {
    show('divergences', empty('None: every replica has computed what the others did.'))
    return
  }
  const columns = [
    { title: 'Seen', cell: ({ at }) => instant(at) },
    { title: 'Peer', cell: ({ peer }) => peers.chip(peer) },
    { title: 'Unit', cell: ({ unit }) => unitName(unit) },
    { title: 'Cut', kind: 'number', cell: ({ position }) => positionText(position) },
    { title: 'Offset', kind: 'number', cell: ({ offset }) => count(offset) },
    {
      title: 'Cause',
      cell: ({ cause }) =>
        cause === 'input' ? 'it read other input' : 'it computed another result from the same input',
    },
    {
      title: 'Repair',
      cell: ({ repaired }) => (repaired ? badge('agrees again', 'good') : badge('not repaired yet', 'bad')),
    },
  ]
  const newestFirst = divergences.toReversed()
  const keyOf = ({ peer, unit, position }) => `${peer} ${unit} ${positionText(position)}`
  show('divergences', table('Divergences', columns, newestFirst, keyOf))
}
