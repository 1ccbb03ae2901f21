/** Rows of windows as a table: the key, what was aggregated, how final it is, and who signed it. */
import { badge, line, table, valueText } from './dom.js'
import { instant, positionText } from './text.js'

/** @param {readonly any[]} rows @param {readonly any[]} certificates of their page @param {import('./peers.js').Peers} peers */
export function rowsTable(rows, certificates, peers) {
  const names = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))]
  const columns = [
    { title: 'Key', cell: ({ key }) => valueText(key) },
    { title: 'From', cell: ({ window }) => instant(window.start) },
    { title: 'To', hint: 'The window ends before it', cell: ({ window }) => instant(window.end) },
    ...names.map((name) => ({ title: name, kind: 'number', cell: ({ values }) => numberText(values[name]) })),
    { title: 'State', cell: stateOf },
    { title: 'Revision', hint: 'How often the row was given before', kind: 'number', cell: ({ revision }) => revision },
    { title: 'Signed by', cell: (row) => signers(certificates[row.certificate], peers) },
    { title: 'Cut', kind: 'number', cell: (row) => positionText(certificates[row.certificate]?.certificate.content) },
  ]
  const keyOf = ({ window, key, certified }) => `${window.start} ${window.end} ${valueText(key)} ${certified}`
  return table('Windows', columns, rows, keyOf)
}

/** The mean of some delays has more digits than anybody reads. */
function numberText(value) {
  if (typeof value !== 'number' || Number.isInteger(value)) return valueText(value)
  return String(Number(value.toPrecision(6)))
}

function stateOf({ certified, final, revision }) {
  if (!certified) return badge('open', 'neutral')
  if (!final) return badge(revision > 0 ? 'provisional, revised' : 'provisional', 'waiting')
  return badge(revision > 0 ? 'closed, revised' : 'closed', 'good')
}

function signers(view, peers) {
  if (view === undefined) return 'not certified yet'
  return line(...view.certificate.signers.map(({ peer }) => peers.chip(peer, 'signed')))
}
