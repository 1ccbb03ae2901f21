/**
 * Records that the log loses while a job is paused and its peers are down, so that nobody has read them ahead: the units that
 * need them halt, say which and how to go on, and go on without them once an operator says so.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { runCli } from '../cli/run-cli.ts'
import { eventually } from '../eventually.ts'
import { flightRecords } from './flights.ts'
import { FlightsCluster, JOB, TOPIC } from './flights-cluster.ts'

const LOST_PARTITION = 1
const flights = flightRecords().filter(({ date }) => date < '2001/01/10')
const until = (day: string) => flights.filter(({ date }) => date < day)
const from = (day: string) => flights.filter(({ date }) => date >= day)

let cluster: FlightsCluster
before(async () => {
  cluster = await FlightsCluster.start({ names: ['ada', 'bo', 'cy'], partitions: 3 })
  await cluster.append(until('2001/01/05'))
  await cluster.submit()
  await cluster.settled()
})
after(() => cluster?.stop())

const ask = (...args: readonly string[]) => runCli([...args, '--url', cluster.peers.all[0]!.httpAddress])
const units = async () => (await cluster.peers.client().status(JOB)).units
const lostUnit = async () => (await units()).find(({ partition }) => partition === LOST_PARTITION)!
const everyUnit = (state: string) =>
  eventually(`every unit is ${state}`, async () => (await units()).every((unit) => unit.state === state))

describe('records that the log has lost', () => {
  let read: number
  let end: number

  it('halt their unit with what is missing, and the command that goes on', async () => {
    const before = (await lostUnit()).certified?.seq ?? 0
    assert.equal((await ask('pause', JOB)).code, 0)
    await everyUnit('paused')
    await eventually('every replica holds the certified pause', async () => {
      const all = await Promise.all(cluster.peers.all.map((peer) => peer.client().status(JOB)))
      return all.every(({ units }) => (units[LOST_PARTITION]?.computed?.seq ?? 0) > before)
    })
    await cluster.settled()
    read = (await lostUnit()).offset
    await Promise.all(cluster.peers.all.map((peer) => peer.stop()))
    await cluster.append(from('2001/01/05').filter(({ date }) => date < '2001/01/08'))
    end = (await cluster.log.offsets(TOPIC))[LOST_PARTITION]!.end
    await cluster.log.trim({ topic: TOPIC, partition: LOST_PARTITION }, end)
    await Promise.all(cluster.peers.all.map((peer) => peer.start()))
    assert.equal((await ask('resume', JOB)).code, 0)
    const order = `quorate resolve ${JOB} --unit 0:${LOST_PARTITION} accept-gap`
    await eventually('the unit waits for an operator', async () => (await lostUnit()).resolvable.includes('accept-gap'))
    const { state, reasons, resolvable } = await lostUnit()
    assert.deepEqual([state, resolvable], ['halted', ['accept-gap']])
    const sentence = reasons.find((reason) => reason.includes(order))
    assert.match(
      sentence ?? reasons.join('\n'),
      new RegExp(`records ${read} to ${end - 1} of ${TOPIC}\\[1\\] are gone.*[23] of 3 replicas`),
    )
    const others = (await units()).filter(({ partition }) => partition !== LOST_PARTITION)
    for (const unit of others) assert.deepEqual(unit.resolvable, [])
    const text = await ask('status', JOB)
    assert.ok(text.stdout.includes(order), text.stdout)
    const metrics = await (await fetch(`${cluster.peers.all[0]!.httpAddress}/metrics`)).text()
    assert.match(metrics, new RegExp(`^quorate_units_awaiting_operator\\{job="${JOB}",order="accept-gap"\\} 1$`, 'm'))
  })

  it('refuse orders that the unit does not wait for, and those about other units', async () => {
    for (const [unit, order] of [
      ['1', 'retry'],
      ['1', 'settle'],
      ['0', 'accept-gap'],
    ] as const) {
      const { code, stderr } = await ask('resolve', JOB, '--unit', unit, order)
      assert.equal(code, 1)
      assert.match(stderr, /QRT_UNIT_REFUSED/)
    }
  })

  it('are given up by an order, and the unit goes on behind them', async () => {
    const { code, stderr } = await ask('resolve', JOB, '--unit', '0:1', 'accept-gap')
    assert.equal(code, 0, stderr)
    await cluster.append(from('2001/01/08'))
    await cluster.settled()
    const { resolvable, reasons } = await lostUnit()
    assert.deepEqual(resolvable, [])
    assert.ok(!reasons.some((reason) => reason.includes('are gone')), reasons.join('\n'))
    const refused = await ask('resolve', JOB, '--unit', '0:1', 'accept-gap')
    assert.match(refused.stderr, /QRT_UNIT_REFUSED/)
  })
})
