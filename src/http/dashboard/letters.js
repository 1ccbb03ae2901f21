/** Dead letters of a job: records that no window took, why, and what was in them. */
import { badge, code, element, empty, show, table } from './dom.js'
import { ask } from './peer.js'
import { sum } from './rates.js'
import { count, plural } from './text.js'

const PAGE = '100'
const select = document.querySelector('#letters-job')
let total = -1
let asking = 0

/** Asks again only when there are more than before. @param {readonly any[]} jobs @param {any} status */
export function renewLetters(jobs, status) {
  const names = jobs.map(({ name }) => name)
  if (names.join('\n') !== [...select.options].map(({ value }) => value).join('\n')) {
    const chosen = select.value
    select.replaceChildren(...names.map((name) => element('option', { value: name }, name)))
    if (names.includes(chosen)) select.value = chosen
    total = -1
    showCommand()
  }
  const units = status.units.filter(({ job }) => job === select.value)
  const now = sum(units.map(({ deadLetters }) => deadLetters))
  document.querySelector('#letters-form').hidden = jobs.length === 0
  if (now === total) return
  total = now
  if (total === 0)
    show('letters', empty(names.length === 0 ? 'Dead letters come with jobs.' : 'None: every record was taken.'))
  else query()
}

export function startLetters() {
  showCommand()
  select.addEventListener('change', () => {
    total = -1
    showCommand()
    query()
  })
  document.querySelector('#letters .content').addEventListener('click', ({ target }) => {
    if (target instanceof HTMLElement && target.dataset.cursor !== undefined) query(target.dataset.cursor)
  })
}

/** @param {string | undefined} cursor */
async function query(cursor = undefined) {
  const job = select.value
  asking += 1
  const own = asking
  try {
    const page = await ask(`v1/jobs/${encodeURIComponent(job)}/dead-letters`, { limit: PAGE, cursor })
    if (own === asking) showPage(page, cursor)
  } catch (error) {
    if (own !== asking) return
    // Asked again with the next round.
    total = -1
    show('letters', element('p', { className: 'bad' }, `${error.message} [${error.code ?? error.name}]`))
  }
}

function showPage({ rows, next }, cursor) {
  const reasons = [...Map.groupBy(rows, ({ error }) => error)].map(([error, { length }]) =>
    badge(`${length} ${error}`, 'waiting'),
  )
  const columns = [
    { title: 'Where', cell: placeOf },
    { title: 'Error', cell: ({ error }) => code(error) },
    { title: 'Reason', kind: 'wide', cell: ({ reason }) => reason },
    { title: 'Record', kind: 'wide', cell: recordOf },
  ]
  const place = ({ stage, topic, partition, offset }) => `${stage} ${topic} ${partition} ${offset}`
  // A record may go wrong in several ways; they follow one another.
  const seen = new Map()
  const keyOf = (row) => {
    seen.set(place(row), (seen.get(place(row)) ?? 0) + 1)
    return `${place(row)} ${seen.get(place(row))}`
  }
  const part = cursor === undefined && next === undefined ? '' : `, ${rows.length} of them on this page`
  show(
    'letters',
    element('p', { className: 'line' }, `${plural(total, 'dead letter')}${part}: `, ...reasons),
    table('Dead letters', columns, rows, keyOf),
    ...(next === undefined ? [] : [element('button', { type: 'button', 'data-cursor': next }, 'Next page')]),
  )
}

/** Behind a shuffle, letters are about what is in an internal topic with a long name, or about a record of a named source. */
function placeOf({ topic, partition, offset }) {
  const place = `[${partition}] ${count(offset)}`
  return element(
    'code',
    { title: `${topic}${place}` },
    `${topic.startsWith('quorate-shuffle-') ? 'shuffle' : topic}${place}`,
  )
}

function recordOf({ record, recordBase64, recordBytes }) {
  if (record === null) return 'a tombstone'
  const text = record ?? `${recordBase64} (base64)`
  const bytes = recordBytes === undefined ? '' : ` … (${count(recordBytes)} bytes)`
  return element('code', { className: 'record' }, `${text}${bytes}`)
}

/** There is no verb of its own; any client of HTTP does. */

/** There is no verb for it: any client of HTTP does. */
function showCommand() {
  const job = encodeURIComponent(select.value === '' ? 'JOB' : select.value)
  const text = `curl -s ${location.origin}/v1/jobs/${job}/dead-letters`
  const place = document.querySelector('#letters .cli')
  place.querySelector('code').textContent = text
  place.querySelector('button')?.setAttribute('data-copy', text)
}
