/**
 * Peers whose data directory is not what it was, while a job runs: one that is restored from an old copy, one that is wiped, and
 * one that is removed for good. Nothing that was signed is signed again, the view has three members again, and every row is at
 * the sink exactly once.
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runCli } from '../cli/run-cli.ts'
import { eventually } from '../eventually.ts'
import { flightRecords } from './flights.ts'
import { FlightsCluster } from './flights-cluster.ts'
import type { PeerProcess } from './peers.ts'

const WITHIN_MS = 120_000
const flights = flightRecords().filter(({ date }) => date < '2001/02/01')
const days = [...new Set(flights.map(({ date }) => date.slice(0, 10)))]

let cluster: FlightsCluster
before(async () => {
  cluster = await FlightsCluster.start({ names: ['ada', 'bo', 'cy'], partitions: 3, args: ['--admit-after', '1s'] })
  await appendDays(0, 5)
  await cluster.submit()
  await cluster.settled()
})
after(() => cluster?.stop())

const appendDays = async (from: number, to: number) => {
  for (const day of days.slice(from, to)) await cluster.append(flights.filter(({ date }) => date.startsWith(day)))
}
const idOf = (data: string): string => {
  const { publicKey } = JSON.parse(readFileSync(join(data, 'identity.json'), 'utf8'))
  return publicKey
}

/** The members of the view and of every unit are three peers, and this identity is none of them any more. */
const threeWithout = (old: string, name: string) =>
  eventually(
    `${name} has taken its own place`,
    async () => {
      const { units } = await cluster.peers.named('ada').client().status(undefined)
      const { members } = await cluster.peers.named('ada').client().ring()
      const sets = [members, ...units.map(({ replicas }) => replicas.map(({ peer }) => peer))]
      return units.length === 3 && sets.every((peers) => peers.length === 3 && !peers.some((peer) => peer === old))
    },
    WITHIN_MS,
  )

const retiredAt = async (peer: PeerProcess) => (await peer.client().status(undefined)).retired as readonly string[]

describe('a data directory', () => {
  it('that is an old copy is set aside, and the peer goes on under another identity and its name', async () => {
    const cy = cluster.peers.named('cy')
    const data = join(cluster.directory, 'cy')
    const copy = join(cluster.directory, 'copy-of-cy')
    const old = cy.id
    const key = idOf(data)
    await cy.stop()
    cpSync(data, copy, { recursive: true })
    await cy.start()
    // Without bo nothing is certified that cy has not signed.
    const bo = cluster.peers.named('bo')
    await bo.stop()
    const before = await cluster.sinkEnd()
    await appendDays(5, 10)
    await eventually('rows that cy signed are at the sink', async () => (await cluster.sinkEnd()) > before, WITHIN_MS)
    await bo.start()
    await cluster.settled()
    await cy.kill()
    rmSync(data, { recursive: true })
    cpSync(copy, data, { recursive: true })
    const flowing = appendDays(10, 15)
    await cy.start()
    assert.equal(cy.id, old)
    await threeWithout(old, 'cy')
    await flowing
    assert.deepEqual(await retiredAt(cluster.peers.named('ada')), [old])
    assert.ok(existsSync(join(data, old, 'store.sqlite')))
    assert.equal(idOf(join(data, old)), key)
    assert.notEqual(idOf(data), key)
    assert.ok(cy.running)
    const members = await cy.client().members()
    assert.deepEqual(
      members.filter(({ self }) => self).map(({ name, member }) => [name, member]),
      [['cy', true]],
    )
    assert.match(readFileSync(cy.logFile, 'utf8'), /this identity is retired, and the peer goes on as a new one/)
  })

  it('that was wiped makes another identity, which takes the place of the one with its name', async () => {
    const bo = cluster.peers.named('bo')
    const old = bo.id
    await bo.kill()
    rmSync(join(cluster.directory, 'bo'), { recursive: true })
    const flowing = appendDays(15, days.length)
    await bo.start()
    assert.notEqual(bo.id, old)
    await threeWithout(old, 'bo')
    await flowing
    assert.equal((await retiredAt(cluster.peers.named('ada'))).at(-1), old)
    await cluster.closeWindows()
    await cluster.assertRows(flights)
  })
})

describe('an identity that is removed for good', () => {
  it('ends its peer with an error that says why, and is refused when it starts again', async () => {
    const bo = cluster.peers.named('bo')
    const exited = bo.exited
    const { code, stderr } = await runCli(['remove', 'bo', '--ban', '--url', cluster.peers.named('ada').httpAddress])
    assert.equal(code, 0, stderr)
    assert.equal(await exited, 1)
    const log = () =>
      readFileSync(bo.logFile, 'utf8').match(/QRT_PEER_RETIRED.*removed from the cluster for good/g) ?? []
    assert.equal(log().length, 1)
    await bo.start()
    assert.equal(await bo.exited, 1)
    assert.equal(log().length, 2)
  })
})
