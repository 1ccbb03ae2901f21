/**
 * What an operator orders of three real peers: a job that pauses and goes on, an order about a unit that waits for none, and a
 * member that does not come back. Each step leaves the cluster as the next one finds it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { StatusView } from '../../src/http/api.ts'
import { runCli } from '../cli/run-cli.ts'
import { eventually } from '../eventually.ts'
import { flightRecords } from './flights.ts'
import { FlightsCluster, JOB, jobText } from './flights-cluster.ts'
import type { PeerProcess } from './peers.ts'

const PARTITIONS = 4
const flights = flightRecords().filter(({ date }) => date < '2001/01/15')
const until = (day: string) => flights.filter(({ date }) => date < day)
const from = (day: string) => flights.filter(({ date }) => date >= day)

let cluster: FlightsCluster
before(async () => {
  cluster = await FlightsCluster.start({ names: ['ada', 'bo', 'cy'], partitions: PARTITIONS })
  await cluster.append(until('2001/01/05'))
  await cluster.submit(jobText().replace('write: 2', 'write: 2'))
  await cluster.settled()
})
after(() => cluster?.stop())

const ask = (peer: PeerProcess, ...args: readonly string[]) => runCli([...args, '--url', peer.httpAddress])
const status = (peer: PeerProcess): Promise<StatusView> => peer.client().status(undefined)

/** Every peer says so of every unit. */
const unitsAre = (state: string) =>
  eventually(`every unit is ${state}`, async () => {
    const all = await Promise.all(cluster.peers.all.filter(({ running }) => running).map(status))
    return all.every(({ units }) => units.length === PARTITIONS && units.every((unit) => unit.state === state))
  })

describe('a job', () => {
  it('pauses where its replicas agree on, and says so wherever it is asked for', async () => {
    const [ada, bo] = cluster.peers.all
    const { code, stdout, stderr } = await ask(ada!, 'pause', JOB)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /paused/)
    await unitsAre('paused')
    const before = await cluster.sinkEnd()
    const reads = async () => (await status(bo!)).units.map(({ offset }) => offset)
    const offsets = await reads()
    await cluster.append(from('2001/01/05').filter(({ date }) => date < '2001/01/10'))
    // What a running job would take at once: it is at the log, and nobody takes it.
    const { units } = await status(bo!)
    for (const { reasons } of units)
      assert.ok(reasons.includes(`it is paused; let it go on with: quorate resume ${JOB}`))
    assert.match((await ask(bo!, 'jobs')).stdout, new RegExp(`^${JOB} +paused`, 'm'))
    assert.equal((await ask(bo!, 'pause', JOB)).code, 0)
    await unitsAre('paused')
    assert.deepEqual(await reads(), offsets)
    assert.equal(await cluster.sinkEnd(), before)
  })

  it('stays paused across a restart of a peer', async () => {
    const cy = cluster.peers.named('cy')
    await cy.kill()
    await cy.start()
    await cy.ready()
    await unitsAre('paused')
  })

  it('goes on where it stopped', async () => {
    const [, bo] = cluster.peers.all
    const { code, stderr } = await ask(bo!, 'resume', JOB)
    assert.equal(code, 0, stderr)
    await cluster.settled()
    assert.equal((await ask(bo!, 'resume', JOB)).code, 0)
    const metrics = await (await fetch(`${bo!.httpAddress}/metrics`)).text()
    assert.match(metrics, new RegExp(`^quorate_units\\{job="${JOB}",state="paused"\\} 0$`, 'm'))
  })
})

describe('a unit that waits for no order', () => {
  it('refuses each, and one that is not there is not known', async () => {
    const [ada] = cluster.peers.all
    for (const order of ['retry', 'accept-gap', 'settle']) {
      const { code, stderr } = await ask(ada!, 'resolve', JOB, '--unit', '0:1', order)
      assert.equal(code, 1)
      assert.match(stderr, new RegExp(`does not wait for "${order}".*QRT_UNIT_REFUSED`))
    }
    const { code, stderr } = await ask(ada!, 'resolve', JOB, '--unit', '7', 'retry')
    assert.equal(code, 1)
    assert.match(stderr, /has no unit 7.*QRT_UNIT_UNKNOWN/)
  })
})

describe('a member', () => {
  it('is not removed while it is alive, nor is one that nobody knows', async () => {
    const [ada] = cluster.peers.all
    const alive = await ask(ada!, 'remove', 'cy')
    assert.equal(alive.code, 1)
    assert.match(alive.stderr, /cy is alive.*quorate leave.*QRT_MEMBER_REFUSED/)
    const unknown = await ask(ada!, 'remove', 'dee')
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /no member is called "dee"; members are ada, bo, cy.*QRT_MEMBER_UNKNOWN/)
  })

  it('that does not come back is removed for good, and its identity stays out', async () => {
    const { peers } = cluster
    const [ada, bo, cy] = [peers.named('ada'), peers.named('bo'), peers.named('cy')]
    await cy.kill()
    await eventually(
      'cy is dead',
      async () => (await ada.client().members()).some(({ id, state }) => id === cy.id && state === 'dead'),
      120_000,
    )
    const { code, stderr } = await ask(ada, 'remove', 'cy', '--ban')
    assert.equal(code, 0, stderr)
    for (const peer of [ada, bo]) {
      await eventually(`${peer.name} has a view of two`, async () => (await peer.client().ring()).members.length === 2)
      await eventually(
        'units go on with two',
        async () => {
          const { units } = await status(peer)
          return units.every(({ replicas }) => replicas.length === 2)
        },
        120_000,
      )
    }
    const { notices, retired } = await status(bo)
    assert.deepEqual(retired, [cy.id])
    assert.ok(notices.includes(`cy (${cy.id.slice(0, 8)}) was removed for good`), notices.join())
    await cluster.append(from('2001/01/10'))
    await cluster.closeWindows()
    await cluster.assertRows(flights)
  })

  it('is not removed where the rest could not go on', async () => {
    const [ada, bo] = cluster.peers.all
    await bo!.kill()
    await eventually(
      'bo is dead',
      async () => (await ada!.client().members()).some(({ id, state }) => id === bo!.id && state === 'dead'),
      120_000,
    )
    const { code, stderr } = await ask(ada!, 'remove', 'bo')
    assert.equal(code, 1)
    assert.match(stderr, /1 peer would be left, and 2 must agree.*QRT_MEMBER_REFUSED/)
  })
})
