/** Submitting, pausing and deleting jobs. A document's faults come back with their places, which are shown in the text itself. */
import { cli } from './cli.js'
import { element, show } from './dom.js'
import { changeJob, deleteJob, submitJob } from './peer.js'

const form = document.querySelector('#submit-form')
const text = form.elements.namedItem('document')
const dialog = document.querySelector('#delete-dialog')

/** @param {() => void} changed asks the peer again */
export function startActions(changed) {
  form.addEventListener('submit', async (submitted) => {
    submitted.preventDefault()
    const format = String(new FormData(form).get('format'))
    await attempt('submit', async () => {
      const { name } = await submitJob(text.value, format)
      text.value = ''
      return element('p', { className: 'good' }, `${name} was submitted.`)
    })
    changed()
  })
  document.querySelector('#submit .content').addEventListener('click', ({ target }) => {
    if (target instanceof HTMLElement && target.dataset.line !== undefined) goTo(target.dataset)
  })
  document.addEventListener('click', async ({ target }) => {
    if (!(target instanceof HTMLElement)) return
    const { pause, resume } = target.dataset
    const name = pause ?? resume
    if (name === undefined) return
    await attempt('job-orders', async () => {
      await changeJob(name, pause === undefined ? 'resume' : 'pause')
      return element('p', {}, `${name} ${pause === undefined ? 'goes on' : 'is paused'}.`)
    })
    changed()
  })
  document.addEventListener('click', ({ target }) => {
    if (!(target instanceof HTMLElement) || target.dataset.delete === undefined) return
    dialog.dataset.job = target.dataset.delete
    dialog.querySelector('strong').textContent = target.dataset.delete
    dialog.querySelector('.cli').replaceChildren(cli('delete', target.dataset.delete))
    dialog.querySelector('input').value = ''
    show('delete-dialog')
    dialog.showModal()
  })
  dialog.querySelector('form').addEventListener('submit', async (submitted) => {
    if (submitted.submitter?.value === 'cancel') return
    submitted.preventDefault()
    const { job } = dialog.dataset
    if (dialog.querySelector('input').value !== job) return
    await attempt('delete-dialog', async () => {
      await deleteJob(job)
      dialog.close()
      return element('p', {}, `${job} was deleted.`)
    })
    changed()
  })
}

/** @param {string} place @param {() => Promise<Node>} action */
async function attempt(place, action) {
  show(place, element('p', { className: 'quiet' }, 'asking the peer …'))
  try {
    show(place, await action())
  } catch (error) {
    show(place, problem(error))
  }
}

function problem({ message, code = 'no answer', errors = [] }) {
  const told = element(
    'p',
    {},
    errors.length > 0 ? `The document has ${errors.length} faults [${code}]` : `${message} [${code}]`,
  )
  return element('div', { className: 'bad', role: 'alert' }, told, element('ol', {}, ...errors.map(fault)))
}

function fault({ line, column, message, suggestion }) {
  const place =
    line === undefined
      ? []
      : [element('button', { type: 'button', 'data-line': line, 'data-column': column }, `line ${line}:${column}`), ' ']
  return element('li', {}, ...place, message, suggestion === undefined ? '' : ` (${suggestion})`)
}

/** Puts the cursor where the fault is. */
function goTo({ line, column }) {
  const before = text.value.split('\n').slice(0, Number(line) - 1)
  const at = before.reduce((length, each) => length + each.length + 1, 0) + Number(column) - 1
  text.focus()
  text.setSelectionRange(at, at + 1)
}
