/**
 * What somebody should know at once: the peer does not answer, it is not ready, a machine computes wrongly, units stand
 * still, members are down. Read aloud when it changes, and only then: nothing in it counts seconds.
 */
import { cli, cliAt } from './cli.js'
import { element } from './dom.js'
import { morph } from './morph.js'
import { peerLink } from './peers.js'
import { clock, plural, unitText } from './text.js'

/** Commands that are shown at once. */
const ORDERS = 10

/** The last documents, for what can still be said when the peer is silent. */
let peers
let silentSince

/** @param {any} documents of the last round @param {import('./peers.js').Peers} nowPeers */
export function showAlarms({ members, status }, nowPeers) {
  peers = nowPeers
  silentSince = undefined
  document.body.classList.remove('silent')
  const alarms = []
  if (status.reasons.length > 0) alarms.push(alarm('bad', `This peer is not ready: ${status.reasons.join('; ')}.`))
  alarms.push(
    ...orders(status),
    ...divergences(status),
    ...units(status),
    ...absentees(members),
    ...status.notices.map((notice) => alarm('waiting', `${notice}.`)),
  )
  render(alarms)
}

/** @param {Error & {code?: string, status?: number}} error */
export function showFailure(error) {
  if (error.code !== undefined) {
    const how =
      error.status === 401 ? [' ', element('button', { type: 'button', 'data-token': '' }, 'Give a token')] : []
    render([alarm('bad', `${error.message} [${error.code}]`, ...how)])
    return
  }
  silentSince ??= new Date().toISOString()
  const others = peers?.elsewhere() ?? []
  const links = others.flatMap((member, index) => [index === 0 ? ' Go on at ' : ' or ', peerLink(member)])
  const commands = others.slice(0, 1).flatMap(({ httpAddress }) => ['. ', cliAt(httpAddress, 'status')])
  const words = ['This peer has not answered since ', clock(silentSince), '. What is shown is what it said last.']
  render([alarm('bad', ...words, ...links, ...commands)])
  document.body.classList.add('silent')
}

function divergences({ divergences }) {
  const open = divergences.filter(({ repaired }) => !repaired)
  if (open.length === 0) return []
  const names = [...new Set(open.map(({ name }) => name))].join(', ')
  return [
    alarm(
      'bad',
      `${names} computed another result than the others agreed on, and is not repaired yet. `,
      to('divergences'),
    ),
  ]
}

/** Units that wait for an operator, each with the command that goes on. */
function orders({ units }) {
  return units
    .flatMap(({ unit, job, resolvable }) => resolvable.map((order) => ({ unit, job, order })))
    .slice(0, ORDERS)
    .map(({ unit, job, order }) =>
      alarm(
        'bad',
        `${unitText(unit)} waits for an operator. `,
        to('units'),
        ' ',
        cli('resolve', job, '--unit', unit.split(':').slice(1).join(':'), order),
      ),
    )
}

function units({ units }) {
  return ['halted', 'stalled', 'diverged'].flatMap((state) => {
    const number = units.filter((unit) => unit.state === state).length
    return number === 0
      ? []
      : [alarm('bad', `${plural(number, 'unit')} ${number === 1 ? 'is' : 'are'} ${state}. `, to('units'))]
  })
}

function absentees(members) {
  const down = members.filter(({ member, state }) => member && state !== 'alive')
  if (down.length === 0) return []
  const names = down.map(({ name, state }) => `${name} is ${state}`).join(', ')
  return [alarm('waiting', `${names}. `, to('members'))]
}

const to = (section) => element('a', { href: `#${section}` }, `See ${section}`)

const alarm = (tone, ...words) => element('li', { className: `alarm ${tone}` }, ...words)

function render(alarms) {
  const list = document.querySelector('#alarms')
  morph(
    list,
    (() => {
      const next = list.cloneNode(false)
      next.append(...alarms)
      return next
    })(),
  )
  document.body.classList.toggle(
    'alarmed',
    alarms.some(({ classList }) => classList.contains('bad')),
  )
}
