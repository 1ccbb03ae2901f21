/**
 * The page's clock: asks the peer for its documents while somebody looks, follows its events, gives both to the sections, and
 * says when the peer does not answer.
 */
import { startActions } from './actions.js'
import { showAlarms, showFailure } from './alarms.js'
import { addCertificate, showCertificates } from './certificates.js'
import { fillCommands } from './cli.js'
import { showDivergences } from './divergences.js'
import { showJobs } from './jobs.js'
import { renewLetters, startLetters } from './letters.js'
import { showMembers } from './members.js'
import { ask, follow, token } from './peer.js'
import { Peers } from './peers.js'
import { Rates } from './rates.js'
import { showRing } from './ring.js'
import { watchScrollable } from './scrollable.js'
import { showSummary } from './summary.js'
import { addEvent, showTimeline } from './timeline.js'
import { showUnits } from './units.js'
import { renewWindows, startWindows } from './windows.js'

const REFRESH_MS = 1500
/** Events may come by the thousand: they are drawn this often. */
const DRAW_MS = 250

const connection = document.querySelector('#connection')
const kind = document.querySelector('#timeline-kind')
const dialog = document.querySelector('#token-dialog')
const tokenButton = document.querySelector('#token-button')
const rates = new Rates()
/** The last answers, for what is drawn between two rounds. */
let documents
let peers

async function refresh() {
  try {
    const paths = ['v1/members', 'v1/ring', 'v1/jobs', 'v1/status']
    const [{ members }, ring, { jobs }, status] = await Promise.all(paths.map((path) => ask(path)))
    documents = { members, ring, jobs, status }
    peers = new Peers(members, ring)
    rates.add(performance.now(), status.units)
    render()
  } catch (error) {
    showFailure(error)
    if (error.status !== 401) return
    tokenButton.hidden = false
    if (!declined && !dialog.open) dialog.showModal()
  }
}

function render() {
  const { members, ring, jobs, status } = documents
  const { name, cluster, view, version } = status
  showAlarms(documents, peers)
  showSummary(documents, rates)
  showMembers(members, ring, peers)
  showRing(ring, peers)
  showJobs(jobs, status, rates)
  showUnits(status, rates)
  showDivergences(status.divergences, peers)
  renewWindows(documents, peers)
  renewLetters(jobs, status)
  draw()
  document.title = `${document.body.classList.contains('alarmed') ? '(!) ' : ''}${name} – Quorate`
  document.querySelector('#peer').textContent =
    `peer ${name}, cluster ${cluster ?? 'none yet'}, view ${view}, version ${version}`
}

/** A round begins after the last has ended, so a slow peer is not asked faster than it answers; news ends the wait. */
let wake = () => {}
async function keepRefreshing() {
  for (;;) {
    if (document.visibilityState === 'visible') await refresh()
    await new Promise((resolve) => {
      wake = resolve
      setTimeout(resolve, REFRESH_MS)
    })
  }
}

let drawing = false
function draw() {
  if (drawing) return
  drawing = true
  setTimeout(() => {
    drawing = false
    showTimeline(kind.value)
    if (documents !== undefined) showCertificates(documents.status, documents.jobs, peers)
  }, DRAW_MS)
}

/** What changes who is there or what runs is looked at once, not with the next round. */
const NEWS = ['member', 'diverged', 'job']

function onEvent(event) {
  addEvent(event)
  if (event.kind === 'certified') addCertificate(event)
  if (NEWS.includes(event.kind)) wake()
  draw()
}

let live
function onState(now) {
  if (live === now) return
  if (live !== undefined || now) addEvent({ kind: now ? 'found' : 'lost', at: new Date().toISOString() })
  live = now
  connection.textContent = now ? 'live' : 'connection lost, trying again'
  connection.className = `badge ${now ? 'good' : 'bad'}`
  wake()
  draw()
}

/** Whoever closes the dialog without a token is not asked again by itself. */
let declined = false
document.addEventListener('click', ({ target }) => {
  if (target instanceof HTMLElement && target.dataset.token !== undefined) dialog.showModal()
})
dialog.addEventListener('close', () => {
  declined = dialog.returnValue !== 'use'
  if (declined) return
  token.set(dialog.querySelector('input').value)
  wake()
})
document.addEventListener('visibilitychange', () => wake())
kind.addEventListener('change', draw)
// As on many sites: a slash begins a search.
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.target.closest('input, select, textarea, dialog') !== null) return
  event.preventDefault()
  document.querySelector('#windows-form input[name=key]').focus()
})

// A peer without tokens asks for none.
tokenButton.hidden = token.get() === ''
fillCommands()
watchScrollable()
startWindows()
startLetters()
startActions(() => wake())
keepRefreshing()
follow({
  state: onState,
  gap: (reason) => onEvent({ kind: 'gap', at: new Date().toISOString(), reason }),
  event: onEvent,
})
