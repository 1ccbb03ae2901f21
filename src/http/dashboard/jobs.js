/** Jobs: what each is, what it is made of, and what can be done with it. */
import { cli } from './cli.js'
import { badge, code, element, empty, show } from './dom.js'
import { jobGraph } from './graph.js'
import { sum } from './rates.js'
import { count, instant } from './text.js'

const TONE = {
  running: 'good',
  finished: 'good',
  paused: 'neutral',
  degraded: 'waiting',
  stalled: 'bad',
  halted: 'bad',
}

/** @param {readonly any[]} jobs @param {any} status @param {import('./rates.js').Rates} rates */
export function showJobs(jobs, status, rates) {
  if (jobs.length === 0) {
    inviteOnce()
    show('jobs', empty('No jobs run here yet. Submit one below, or: ', cli('submit', 'FILE')))
    return
  }
  show(
    'jobs',
    ...jobs.map((job) =>
      card(
        job,
        status.units.filter((unit) => unit.job === job.name),
        rates,
      ),
    ),
  )
}

/** Where nothing runs, the form is open; whoever closes it has closed it. */
let invited = false
function inviteOnce() {
  if (!invited) document.querySelector('#submit').open = true
  invited = true
}

function card(job, units, rates) {
  const { name, state, quorum, generation, submittedAt, document, format } = job
  const { replicas, write, read, allowForks } = quorum
  const lastStage = job.stages - 1
  const results = units.filter(({ stage }) => stage === lastStage)
  const facts = [
    ['Quorum', `N=${replicas} W=${write} R=${read}${allowForks ? ', forks allowed' : ''}`],
    ['Rows', count(sum(results.map(({ rows }) => rows)))],
    ['Open windows', count(sum(results.map(({ openWindows }) => openWindows)))],
    ['Late records', count(sum(units.map(({ lateRecords }) => lateRecords)))],
    ['Dead letters', count(sum(units.map(({ deadLetters }) => deadLetters)))],
    ['Submitted', instant(submittedAt)],
    ['Generation', code(generation)],
  ]
  return element(
    'article',
    { 'data-key': name, 'aria-label': `Job ${name}` },
    element(
      'header',
      {},
      element('h3', {}, name),
      badge(state, TONE[state] ?? 'neutral'),
      cli('status', name),
      element('span', { className: 'push' }),
      cli(state === 'paused' ? 'resume' : 'pause', name),
      state === 'paused'
        ? element('button', { type: 'button', 'data-resume': name }, 'Resume')
        : element('button', { type: 'button', 'data-pause': name }, 'Pause'),
      element('button', { type: 'button', className: 'danger', 'data-delete': name }, 'Delete …'),
    ),
    element('dl', { className: 'facts' }, ...facts.map(([term, value]) => fact(term, value))),
    jobGraph(job, units, rates),
    element(
      'details',
      {},
      element('summary', {}, `Document (${format})`),
      cli('jobs', name),
      element('pre', {}, document),
    ),
  )
}

const fact = (term, value) => element('div', {}, element('dt', {}, term), element('dd', {}, value))
