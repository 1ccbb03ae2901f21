import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { generateIdentity } from '../../mesh/identity.ts'
import { seededRandom } from '../../mesh/random.ts'
import { messagesOf, type Watched, watched } from '../contract/transport.contract.ts'
import { SimulatedClock } from './clock.ts'
import { SimulatedNetwork, type SimulatedTransport } from './network.ts'

const identities = [generateIdentity(), generateIdentity()].map(({ id, publicKey }) => ({ id, publicKey }))

describe('the simulated network', () => {
  let clock: SimulatedClock
  let network: SimulatedNetwork
  let a: Watched & { transport: SimulatedTransport }
  let b: Watched & { transport: SimulatedTransport }
  const start = async (index: number, address?: string) => {
    const transport = network.createTransport({ ...identities[index]!, name: String(index) }, address)
    return { ...(await watched(transport)), transport }
  }
  const begin = async (seed: number) => {
    clock = new SimulatedClock()
    network = new SimulatedNetwork(clock, seededRandom(seed))
    a = await start(0)
    b = await start(1)
    a.transport.dial(b.self.address)
    await clock.run(10)
  }
  beforeEach(() => begin(1))
  const sendMany = async (count: number) => {
    for (let i = 0; i < count; i++) a.transport.send(b.self.id, i)
    await clock.run(100)
    return messagesOf(b) as number[]
  }

  it('loses, doubles and reorders only as told', async () => {
    const calm = await sendMany(300)
    assert.deepEqual(
      calm,
      Array.from({ length: 300 }, (_, i) => i),
    )
    b.events.length = 0
    network.faults = { delayMs: [1, 20], loss: 0.2, duplication: 0.2, reordering: 0.5 }
    const rough = await sendMany(300)
    assert.ok(new Set(rough).size < 290, 'some are lost')
    assert.ok(rough.length > new Set(rough).size + 10, 'some come twice')
    assert.notDeepEqual(
      rough,
      [...rough].sort((x, y) => x - y),
      'some overtake others',
    )
  })

  it('is a function of its seed', async () => {
    const run = async (seed: number) => {
      await begin(seed)
      network.faults = { delayMs: [1, 20], loss: 0.2, duplication: 0.2, reordering: 0.5 }
      return sendMany(100)
    }
    assert.deepEqual(await run(5), await run(5))
    assert.notDeepEqual(await run(5), await run(6))
  })

  it('partitions one way or both, and heals', async () => {
    const exchange = async () => {
      a.events.length = 0
      b.events.length = 0
      a.transport.send(b.self.id, 'from a')
      b.transport.send(a.self.id, 'from b')
      await clock.run(10)
      return [...messagesOf(a), ...messagesOf(b)]
    }
    network.partition([a.self.id], [b.self.id], true)
    assert.deepEqual(await exchange(), ['from b'])
    network.partition([a.self.id], [b.self.id])
    assert.deepEqual(await exchange(), [])
    network.heal()
    assert.deepEqual(await exchange(), ['from b', 'from a'])
  })

  it('lets a peer find a crashed one when it sends, and reach it again when it is back', async () => {
    b.transport.crash()
    await clock.run(10)
    assert.equal(a.transport.peers.size, 1, 'a crash says nothing')
    a.transport.send(b.self.id, 'lost')
    await clock.run(10)
    assert.equal(a.transport.peers.size, 0)
    b = await start(1, b.self.address)
    a.transport.dial(b.self.address)
    await clock.run(10)
    a.transport.send(b.self.id, 'back')
    await clock.run(10)
    assert.deepEqual(messagesOf(b), ['back'])
  })

  it('breaks a connection for both ends', async () => {
    network.breakConnection(a.transport, b.transport)
    assert.equal(a.events.at(-1)?.kind, 'disconnected')
    assert.equal(b.events.at(-1)?.kind, 'disconnected')
  })
})
