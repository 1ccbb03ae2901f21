/** The windows of a job, as `quorate query` shows them, page by page. */
import { badge, element, empty, show, table, valueText } from './dom.js'
import { ask } from './peer.js'

const PAGE = '50'
const form = document.querySelector('#windows-form')
const select = form.elements.namedItem('job')

/** @param {any[]} jobs */
export function offerJobs(jobs) {
  const names = jobs.map((job) => job.name)
  const offered = [...select.options].map((option) => option.value)
  if (names.join('\n') === offered.join('\n')) return
  const chosen = select.value
  select.replaceChildren(...names.map((name) => element('option', { value: name }, name)))
  if (names.includes(chosen)) select.value = chosen
  showCommand()
  if (names.length === 0) show('windows', empty('Windows come with jobs; there are none yet.'))
}

export function startWindows() {
  form.addEventListener('input', showCommand)
  form.addEventListener('submit', (submitted) => {
    submitted.preventDefault()
    query()
  })
  show('windows', empty('Choose a job and query it.'))
}

function asked() {
  const data = new FormData(form)
  return { job: String(data.get('job') ?? ''), key: String(data.get('key') ?? ''), open: data.get('open') === 'on' }
}

/** The same question for the command line. */
function showCommand() {
  const { job, key, open } = asked()
  const words = ['quorate', 'query', job === '' ? 'JOB' : job]
  if (key !== '') words.push('--key', quoted(key))
  if (open) words.push('--open')
  document.querySelector('#windows-cli').textContent = words.join(' ')
}

const quoted = (text) => (/^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** As on the command line: what is JSON stands for itself, any other text is a string. */
function keyText(text) {
  try {
    JSON.parse(text)
    return text
  } catch {
    return JSON.stringify(text)
  }
}

/** @param {string | undefined} cursor */
async function query(cursor = undefined) {
  const { job, key, open } = asked()
  if (job === '') return
  const parameters = {
    key: key === '' ? undefined : keyText(key),
    open: open ? 'true' : undefined,
    limit: PAGE,
    cursor,
  }
  try {
    showPage(await ask(`/v1/jobs/${encodeURIComponent(job)}/windows`, parameters))
  } catch (error) {
    show('windows', element('p', { className: 'bad', role: 'alert' }, `${error.message} [${error.code ?? ''}]`))
  }
}

function showPage(page) {
  if (page.rows.length === 0) {
    show('windows', empty('No windows match. Tick "open windows too" to see those that are not closed yet.'))
    return
  }
  const names = [...new Set(page.rows.flatMap((row) => Object.keys(row.values)))]
  const columns = [
    { title: 'Start', cell: (row) => row.window.start },
    { title: 'End', cell: (row) => row.window.end },
    { title: 'Key', cell: (row) => row.key },
    ...names.map((name) => ({ title: name, kind: 'number', cell: (row) => row.values[name] })),
    { title: 'Revision', kind: 'number', cell: (row) => row.revision },
    { title: 'State', cell: stateOf },
    { title: 'Signed by', cell: (row) => signers(page, row) },
  ]
  const nodes = [table(columns, page.rows)]
  if (page.mayBeStale)
    nodes.unshift(element('p', { className: 'waiting' }, 'These rows may be stale: too few replicas answered.'))
  if (page.next !== undefined) {
    const next = element('button', { type: 'button' }, 'Next page')
    next.addEventListener('click', () => query(page.next))
    nodes.push(next)
  }
  show('windows', ...nodes)
}

function stateOf(row) {
  if (!row.certified) return badge('open', 'waiting')
  return row.final ? badge('final', 'good') : badge('provisional', 'waiting')
}

const signers = (page, row) => valueText(page.certificates[row.certificate]?.signerNames.join(', '))
