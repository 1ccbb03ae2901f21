/**
 * Peers that come and go while records flow: two join three and take units over, then two of the five leave and their
 * processes end by themselves; every row is at the sink exactly once.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { runCli } from '../cli/run-cli.ts'
import { eventually } from '../eventually.ts'
import { flightRecords } from './flights.ts'
import { FlightsCluster } from './flights-cluster.ts'
import { isPlaced } from './placed.ts'

const FIRST = ['ada', 'bo', 'cy']
const LATER = ['dee', 'eve']
const LEAVERS = ['bo', 'eve']
const PLACED_WITHIN_MS = 120_000
const flights = flightRecords().filter(({ date }) => date < '2001/02/01')
const days = [...new Set(flights.map(({ date }) => date.slice(0, 10)))]

let cluster: FlightsCluster
before(async () => {
  cluster = await FlightsCluster.start({ names: FIRST, partitions: 6 })
})
after(() => cluster?.stop())

const appendDays = async (from: number, to: number) => {
  for (const day of days.slice(from, to)) await cluster.append(flights.filter(({ date }) => date.startsWith(day)))
}

describe('a cluster of three', () => {
  it('becomes one of five while records flow: whoever comes takes units over', async () => {
    const { peers } = cluster
    await appendDays(0, 5)
    await cluster.submit()
    await eventually('rows are at the sink', async () => (await cluster.sinkEnd()) > 0, 120_000)
    const flowing = appendDays(5, 15)
    await Promise.all(LATER.map((name) => peers.join(name)))
    for (const peer of peers.all) {
      await eventually(`${peer.name} sees every unit in place`, () => isPlaced(peer, 5), PLACED_WITHIN_MS)
    }
    await flowing
    const { units } = await peers.client().ring()
    const holders = new Set<string>(units.flatMap(({ replicas }) => replicas))
    // Which units come to whom is chance; that none comes to either of two is one in a million.
    assert.ok(LATER.some((name) => holders.has(peers.named(name).id)))
  })

  it('becomes one of three again while records flow, and no row is lost, doubled or wrong', async () => {
    const { peers } = cluster
    const flowing = appendDays(15, days.length)
    const left = LEAVERS.map((name) => {
      const peer = peers.named(name)
      return Promise.all([runCli(['leave', '--url', peer.httpAddress]), peer.exited])
    })
    for (const [{ code, stderr }, exitCode] of await Promise.all(left)) {
      assert.equal(code, 0, stderr)
      assert.match(stderr, /units handed over/)
      assert.match(stderr, /It has left/)
      assert.equal(exitCode, 0)
    }
    await flowing
    await cluster.closeWindows()
    await cluster.assertRows(flights)
    const stayed = peers.all.filter(({ name }) => !LEAVERS.includes(name))
    for (const peer of stayed) {
      const ring = await peer.client().ring()
      assert.deepEqual([...ring.members].sort(), stayed.map(({ id }) => id).sort())
      for (const { replicas } of ring.units) assert.deepEqual([...replicas].sort(), stayed.map(({ id }) => id).sort())
    }
  })

  it('refuses to become too small for its job, and says what to do first', async () => {
    const [first, second] = cluster.peers.all.filter(({ running }) => running)
    const { code } = await runCli(['leave', '--url', first!.httpAddress])
    assert.equal(code, 0)
    assert.equal(await first!.exited, 0)
    const refused = await runCli(['leave', '--url', second!.httpAddress])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /1 peer would be left, and 2 must agree.*QRT_MEMBER_REFUSED/)
    assert.equal((await second!.client().leaving()).state, 'staying')
  })
})
