/** The page's clock: asks for documents while it is seen, follows events, and says when the peer does not answer. */
import { addEvent, addGap, showCertificates, showTimeline } from './events.js'
import { ask, follow, token } from './peer.js'
import { showDivergences, showMembers, showRing, showUnits } from './sections.js'
import { offerJobs, startWindows } from './windows.js'

const REFRESH_MS = 2000
/** Events may come by the thousand: they are drawn this often. */
const DRAW_MS = 250

const alarm = document.querySelector('#alarm')
const connection = document.querySelector('#connection')
const dialog = document.querySelector('#token-dialog')
const kind = document.querySelector('#timeline-kind')

async function refresh() {
  try {
    const [{ members }, ring, { jobs }, status] = await Promise.all(
      ['/v1/members', '/v1/ring', '/v1/jobs', '/v1/status'].map((path) => ask(path)),
    )
    showMembers(members)
    showUnits(jobs, status)
    showRing(ring, members)
    showDivergences(status.divergences)
    offerJobs(jobs)
    document.title = `${status.name} – Quorate`
    document.querySelector('#peer').textContent =
      `peer ${status.name}, cluster ${status.cluster ?? 'none yet'}, view ${status.view}, version ${status.version}`
    showAlarm(status)
  } catch (error) {
    raise(failureText(error))
    if (error.status === 401 && !dialog.open) dialog.showModal()
  }
}

function failureText(error) {
  if (error.code !== undefined) return `${error.message} [${error.code}]`
  return `This peer does not answer. What is shown is what it last said. Ask another: quorate status --url URL`
}

function showAlarm(status) {
  const diverged = status.divergences.filter((divergence) => !divergence.repaired)
  if (status.reasons.length > 0) raise(`This peer is not ready: ${status.reasons.join('; ')}`)
  else if (diverged.length > 0)
    raise(`${diverged.map((divergence) => divergence.name).join(', ')} diverged and is not repaired yet`)
  else alarm.hidden = true
}

function raise(text) {
  if (alarm.textContent !== text) alarm.textContent = text
  alarm.hidden = false
}

/** The next round begins after the last has ended, so a slow peer is not asked faster than it answers. */
async function keepRefreshing() {
  for (;;) {
    if (document.visibilityState === 'visible') await refresh()
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS))
  }
}

let drawing = false
function draw() {
  if (drawing) return
  drawing = true
  setTimeout(() => {
    drawing = false
    showCertificates()
    showTimeline(kind.value)
  }, DRAW_MS)
}

function state(name) {
  connection.textContent = name === 'live' ? 'live' : 'connection lost, trying again'
  connection.className = `badge ${name === 'live' ? 'good' : 'bad'}`
}

document.querySelector('#token-open').addEventListener('click', () => dialog.showModal())
dialog.addEventListener('close', () => {
  if (dialog.returnValue !== 'use') return
  token.set(document.querySelector('#token').value)
  refresh()
})
kind.addEventListener('change', draw)
// As on many sites: a slash begins a search.
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target.closest('input, select, dialog') !== null) return
  event.preventDefault()
  document.querySelector('#windows-form input[name=key]').focus()
})

startWindows()
draw()
keepRefreshing()
follow({
  state,
  gap: (reason) => {
    addGap(reason)
    draw()
  },
  event: (event) => {
    addEvent(event)
    draw()
  },
})
