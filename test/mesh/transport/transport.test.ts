import { generateIdentity } from '../../../mesh/identity.ts'
import { seededRandom } from '../../../mesh/random.ts'
import { createWebSocketTransport } from '../../../mesh/transport/websocket.ts'
import { transportContract } from '../../contract/transport.contract.ts'
import { eventually } from '../../eventually.ts'
import { SimulatedClock } from '../../sim/clock.ts'
import { SimulatedNetwork } from '../../sim/network.ts'

transportContract('websocket', () => ({
  create: (name) =>
    createWebSocketTransport({
      signer: generateIdentity(),
      name,
      secret: Buffer.from('a secret of the test'),
      listen: { host: '127.0.0.1', port: 0 },
    }),
  nowhere: 'ws://127.0.0.1:1',
  until: eventually,
}))

transportContract('simulated network', () => {
  const clock = new SimulatedClock()
  const network = new SimulatedNetwork(clock, seededRandom(1))
  return {
    create(name) {
      const { id, publicKey } = generateIdentity()
      return network.createTransport({ id, publicKey, name })
    },
    nowhere: 'ws://sim:1',
    async until(what, condition) {
      // The condition may act (send), so time moves on even where nothing is due.
      clock.after(1, () => {})
      for (let i = 0; i < 1_000 && !condition(); i++) await clock.run(1)
      if (!condition()) throw new Error(`not within a simulated second: ${what}`)
    },
  }
})
