/**
 * The windows of a job: the latest ones, renewed as they close, or all of them page by page, as `quorate query` shows them.
 * Only what is on the screen is asked for: every answer costs a read at quorum.
 */
import { command } from './cli.js'
import { element, empty, show } from './dom.js'
import { ask } from './peer.js'
import { sum } from './rates.js'
import { plural } from './text.js'
import { rowsTable } from './window-rows.js'

const PAGE = 100
/** The latest windows are found by time; more of them than this are not shown. */
const LATEST = 1000

const form = document.querySelector('#windows-form')
const select = form.elements.namedItem('job')
let jobs = []
let status
let peers
/** The question that is being answered; an answer to an earlier one is dropped. */
let asking = 0
let visible = false
/** Of the last question; null before the first. */
let shownFrom = null

/** Where nothing says what is latest, pages stay as they are while they are read. */
const isRenewed = (from) => from !== undefined || from !== shownFrom

/** @param {any} now documents of the last round @param {import('./peers.js').Peers} nowPeers */
export function renewWindows(now, nowPeers) {
  jobs = now.jobs
  status = now.status
  peers = nowPeers
  offerJobs()
  form.hidden = jobs.length === 0
  if (jobs.length === 0) show('windows', empty('Windows come with jobs; there are none yet.'))
  else if (visible && asked().view === 'latest' && isRenewed(latestFrom(asked().job))) query()
}

function offerJobs() {
  const names = jobs.map(({ name }) => name)
  if (names.join('\n') === [...select.options].map(({ value }) => value).join('\n')) return
  const chosen = select.value
  select.replaceChildren(...names.map((name) => element('option', { value: name }, name)))
  if (names.includes(chosen)) select.value = chosen
  showCommand()
}

export function startWindows() {
  form.addEventListener('input', () => {
    showCommand()
    query()
  })
  form.addEventListener('submit', (submitted) => {
    submitted.preventDefault()
    query()
  })
  document.querySelector('#windows .content').addEventListener('click', ({ target }) => {
    if (target instanceof HTMLElement && target.dataset.cursor !== undefined) query(target.dataset.cursor)
  })
  new IntersectionObserver(([{ isIntersecting }]) => {
    visible = isIntersecting
    if (visible) query()
  }).observe(document.querySelector('#windows'))
}

function asked() {
  const data = new FormData(form)
  const field = (name) => String(data.get(name) ?? '')
  return { job: field('job'), key: field('key').trim(), view: field('view'), state: field('state') }
}

/** What is asked of the API. */
function parameters({ job, key, view, state }) {
  const from = view === 'latest' ? latestFrom(job) : undefined
  return {
    key: key === '' ? undefined : keyText(key),
    from,
    open: state === '' || state === 'open' ? 'true' : undefined,
    limit: String(from === undefined ? PAGE : LATEST),
  }
}

/**
 * From the last closed window of the partition that is furthest behind. Undefined before the first record and behind the last
 * one, where no watermark says what is late: all windows are shown then, page by page.
 */
function latestFrom(name) {
  const window = windowOf(name)
  const marks = unitsOf(name).flatMap(({ watermark }) => (watermark === undefined ? [] : [Date.parse(watermark)]))
  if (window === undefined || marks.length === 0) return undefined
  return new Date(Math.min(...marks) - window.sizeMs).toISOString()
}

/** Of the job's last stage; undefined where rows pass one by one. */
function windowOf(name) {
  const graph = jobs.find((job) => job.name === name)?.graph ?? []
  return graph.findLast((node) => node.window !== undefined)?.window
}

/** Units of the job's last stage: the windows are there. */
function unitsOf(name) {
  const last = (jobs.find((job) => job.name === name)?.stages ?? 1) - 1
  return (status?.units ?? []).filter((unit) => unit.job === name && unit.stage === last)
}

/** The same question for the command line. */
function showCommand() {
  const question = asked()
  const { key, from, open } = parameters(question)
  const words = ['query', question.job === '' ? 'JOB' : question.job]
  if (key !== undefined) words.push('--key', key)
  if (from !== undefined) words.push('--from', from)
  if (open !== undefined) words.push('--open')
  if (question.view === 'all') words.push('--all')
  const place = document.querySelector('#windows .cli')
  place.querySelector('code').textContent = command(...words)
  place.querySelector('button')?.setAttribute('data-copy', command(...words))
}

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
  const question = asked()
  if (question.job === '') return
  showCommand()
  asking += 1
  if (windowOf(question.job) === undefined) {
    show('windows', empty('This job has no windows: its rows go to its sinks one by one.'))
    return
  }
  const own = asking
  try {
    const path = `v1/jobs/${encodeURIComponent(question.job)}/windows`
    const wanted = parameters(question)
    shownFrom = wanted.from
    const page = await ask(path, { ...wanted, cursor })
    if (own === asking) showPage(page, { ...question, latest: wanted.from !== undefined }, cursor)
  } catch (error) {
    if (own === asking)
      show('windows', element('p', { className: 'bad' }, `${error.message} [${error.code ?? error.name}]`))
  }
}

function showPage(page, { job, latest, state }, cursor) {
  const units = unitsOf(job)
  const totals = [
    `${plural(sum(units.map(({ openWindows }) => openWindows)), 'window')} open`,
    `${plural(sum(units.map(({ rows }) => rows)), 'certified row')} so far`,
    `${plural(sum(units.map(({ lateRecords }) => lateRecords)), 'late record')}`,
  ]
  const rows = news(page.rows).filter((row) => isIn(state, row))
  if (latest) rows.sort((a, b) => (a.window.end < b.window.end ? 1 : a.window.end > b.window.end ? -1 : 0))
  const nodes = [element('p', { className: 'quiet' }, `${totals.join(', ')}.`)]
  if (page.mayBeStale)
    nodes.push(element('p', { className: 'waiting' }, 'These rows may be stale: too few replicas answered.'))
  if (rows.length > 0) nodes.push(rowsTable(rows, page.certificates, peers))
  else nodes.push(empty(latest ? 'None of these yet.' : 'No windows match.'))
  if (page.next !== undefined) nodes.push(...further(page.next, latest))
  if (cursor !== undefined) nodes.push(button('', 'First page'))
  show('windows', ...nodes)
}

function further(next, latest) {
  if (latest) return [empty(`More than ${LATEST} windows are this young: give a key, or look at all of them.`)]
  return [button(next, 'Next page')]
}

const button = (cursor, text) => element('button', { type: 'button', 'data-cursor': cursor }, text)

/** While late records are allowed, a window is open that says what its certified row says: that is no news. */
function news(rows) {
  const nameOf = ({ window, key }) => JSON.stringify([window.start, window.end, key])
  const said = new Map(
    rows.filter(({ certified }) => certified).map((row) => [nameOf(row), JSON.stringify(row.values)]),
  )
  return rows.filter((row) => row.certified || said.get(nameOf(row)) !== JSON.stringify(row.values))
}

function isIn(state, { certified, final, revision }) {
  switch (state) {
    case 'open':
      return !certified
    case 'provisional':
      return certified && !final
    case 'closed':
      return certified && final
    case 'revised':
      return revision > 0
    default:
      return true
  }
}
