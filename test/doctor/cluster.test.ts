/** What doctor says of a cluster, by what its peers answer. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type Finding, findings } from '../../src/doctor/check.ts'
import { type ClusterApi, clusterChecks } from '../../src/doctor/cluster.ts'
import { QuorateError } from '../../src/errors.ts'
import type { MemberView, RingView } from '../../src/http/api.ts'
import { FakePeer } from '../http/fake-peer.ts'

const fake = new FakePeer()

/** A peer whose clock shows this much. */
let skewed: Server
let aheadMs = 0
before(async () => {
  skewed = createServer((_, response) => {
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString())
    response.end()
  }).listen(0, '127.0.0.1')
  await once(skewed, 'listening')
})
after(() => skewed.close())

interface Answers {
  readonly members: readonly MemberView[]
  readonly rings: readonly RingView[]
}

async function diagnosed({ members, rings }: Answers): Promise<ReadonlyMap<string, Finding>> {
  const { port } = skewed.address() as AddressInfo
  const addressed = members.map((member) => ({ ...member, httpAddress: `http://127.0.0.1:${port}#${member.name}` }))
  const apiOf = (url: string): ClusterApi => ({
    ...api,
    ring: async () => {
      const ring = rings[addressed.findIndex(({ httpAddress }) => httpAddress === url)]
      if (ring === undefined) throw new QuorateError('QRT_UNREACHABLE', 'nobody is there')
      return ring
    },
  })
  const api: ClusterApi = {
    status: () => fake.status(undefined),
    members: async () => addressed,
    ring: async () => fake.ring(),
  }
  const found = new Map<string, Finding>()
  for await (const finding of findings(await clusterChecks({ url: 'x', api, apiOf }), 10_000)) {
    found.set(finding.name, finding)
  }
  return found
}

describe('a cluster', async () => {
  const all = (await fake.members()).map(
    (member): MemberView => ({ ...member, state: 'alive', member: true, version: '0.1.0' }),
  )
  const ring = await fake.ring()
  const rings = all.map(() => ring)
  const first = <T>(change: Partial<T>, [head, ...others]: readonly T[]): readonly T[] => [
    { ...(head as T), ...change },
    ...others,
  ]
  const verdict = async (name: string, answers: Partial<Answers>) => {
    const finding = (await diagnosed({ members: all, rings, ...answers })).get(name)
    return [finding?.verdict, finding?.detail ?? ''] as const
  }

  it('whose peers are alive and agree is well', async () => {
    const found = await diagnosed({ members: all, rings })
    for (const name of ['members', 'ring', 'clocks'])
      assert.equal(found.get(name)?.verdict, 'ok', found.get(name)?.detail)
  })

  it('that lacks a member says whom', async () => {
    const [said, detail] = await verdict('members', { members: first({ state: 'dead' }, all) })
    assert.equal(said, 'failed')
    assert.match(detail, new RegExp(`^2 of 3 are alive: ${all[0]?.name} is dead`))
  })

  it('of several versions says which', async () => {
    const [said, detail] = await verdict('members', { members: first({ version: '0.2.0' }, all) })
    assert.deepEqual([said, /versions 0\.1\.0, 0\.2\.0$/.test(detail)], ['warning', true])
  })

  it('whose peers have different views, or place a unit elsewhere, does not agree', async () => {
    const [view] = await verdict('ring', { rings: first({ view: ring.view + 1 }, rings) })
    assert.equal(view, 'failed')
    const units = ring.units.map((unit) => ({ ...unit, replicas: [...unit.replicas].reverse() }))
    const [placed, detail] = await verdict('ring', { rings: first({ units }, rings) })
    assert.equal(placed, 'failed')
    assert.match(detail, /place units differently/)
  })

  it('of which a peer cannot be asked says so', async () => {
    const [said, detail] = await verdict('ring', { rings: rings.slice(0, 2) })
    assert.equal(said, 'warning')
    assert.match(detail, new RegExp(`not asked: ${all[2]?.name}: nobody is there`))
  })

  it('whose clocks differ says by how much', async () => {
    aheadMs = 90_000
    const [ahead, detail] = await verdict('clocks', {})
    aheadMs = -60_000
    const [behind, other] = await verdict('clocks', {})
    aheadMs = 0
    assert.deepEqual([ahead, behind], ['warning', 'warning'])
    assert.match(detail, /is (?:89|90|91) s ahead/)
    assert.match(other, /is (?:59|60|61) s behind/)
  })
})
