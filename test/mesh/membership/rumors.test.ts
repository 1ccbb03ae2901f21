/** What is told to others: the latest about each, a bounded number of times, in messages of bounded size. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { announce } from '../../../mesh/membership/announcement.ts'
import { encodeMessage } from '../../../mesh/membership/messages.ts'
import { MAX_RUMORS, type Rumor, RumorQueue } from '../../../mesh/membership/rumors.ts'
import { DEFAULT_SETTINGS } from '../../../mesh/membership/settings.ts'
import { syncMessages } from '../../../mesh/membership/sync.ts'
import { fakeSigner } from '../../sim/identity.ts'

function rumorAbout(name: string, incarnation = 0): Rumor {
  const signer = fakeSigner(name)
  const { id, publicKey } = signer
  const words = { id, publicKey, name, address: `ws://${name}`, httpAddress: `http://${name}`, version: '1' }
  return { claim: announce(signer, { ...words, incarnation, left: false }), since: 0 }
}

const names = (rumors: readonly Rumor[]) => rumors.map(({ claim }) => claim.announcement.name)

test('a rumor is sent 4 × ⌈log10(members + 1)⌉ times', () => {
  for (const [members, times] of [
    [5, 4],
    [9, 4],
    [10, 8],
    [120, 12],
  ] as const) {
    const queue = new RumorQueue(DEFAULT_SETTINGS)
    queue.put(rumorAbout('ada'))
    let sent = 0
    while (sent < 100 && queue.take(members).length > 0) sent += 1
    assert.equal(sent, times, `${members} members`)
  }
})

test('news about a member takes the place of what was to be told before', () => {
  const queue = new RumorQueue(DEFAULT_SETTINGS)
  queue.put(rumorAbout('ada', 1))
  queue.put(rumorAbout('ada', 2))
  assert.deepEqual(
    queue.take(3).map(({ claim }) => claim.announcement.incarnation),
    [2],
  )
})

test('a message holds as many rumors as its bytes allow, the least often told first', () => {
  const queue = new RumorQueue({ ...DEFAULT_SETTINGS, rumorBytes: 800 })
  for (const name of ['ada', 'bob', 'cyd', 'dan']) queue.put(rumorAbout(name))
  assert.deepEqual(names(queue.take(3)), ['ada', 'bob'])
  assert.deepEqual(names(queue.take(3)), ['cyd', 'dan'])
  assert.deepEqual(names(queue.take(3)), ['ada', 'bob'])
})

test('the estimate of a rumor is not below what JSON without keys would take', () => {
  const queue = new RumorQueue({ ...DEFAULT_SETTINGS, rumorBytes: 400 })
  for (const name of ['ada', 'bob']) queue.put(rumorAbout(name))
  const [taken] = queue.take(3)
  const values: (string | number)[] = []
  JSON.stringify(encodeMessage(0, { t: 'gossip', rumors: [taken!] }), (_, value) => {
    if (value instanceof Uint8Array) values.push('x'.repeat(value.length))
    else if (typeof value === 'string' || typeof value === 'number') values.push(value)
    return value instanceof Uint8Array ? null : value
  })
  assert.ok(values.join('').length <= 400)
})

test('a table is exchanged in messages of bounded size, and only the first asks for the other', () => {
  const table = Array.from({ length: 2 * MAX_RUMORS + 1 }, (_, n) => rumorAbout(`peer ${n}`))
  const messages = syncMessages(table, true)
  assert.deepEqual(
    messages.map(({ rumors }) => rumors.length),
    [MAX_RUMORS, MAX_RUMORS, 1],
  )
  assert.deepEqual(
    messages.map((message) => message.t === 'sync' && message.reply),
    [true, false, false],
  )
  assert.equal(syncMessages([], false).length, 1)
})
