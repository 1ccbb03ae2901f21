import { after } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { KafkaCluster } from '../../src/log/kafka/cluster.ts'
import { openLog } from '../../src/log/open.ts'
import { type LogHarness, logContract } from '../contract/log.contract.ts'
import { skipReason } from '../services/availability.ts'
import { kafka } from '../services/kafka.ts'

const broker = await kafka()
const brokers = 'brokers' in broker ? broker.brokers : []
after(async () => {
  if ('stop' in broker) await broker.stop()
})

async function kafkaHarness(): Promise<LogHarness> {
  const settings = { kind: 'kafka', brokers, clientId: 'contract' } as const
  const client = new Kafka({ brokers, clientId: 'harness', logLevel: logLevel.NOTHING })
  const cluster = new KafkaCluster(settings)
  let transactions = 0
  return {
    settings,
    open: () => openLog(settings),
    async abort({ topic, partition }, records) {
      transactions += 1
      const transactionalId = `given-up-${process.pid}-${transactions}`
      const producer = client.producer({ transactionalId, maxInFlightRequests: 1 })
      await producer.connect()
      const transaction = await producer.transaction()
      const messages = records.map(({ value }) => ({ partition, value: Buffer.from(value ?? []) }))
      await transaction.send({ topic, messages })
      await transaction.abort()
      await producer.disconnect()
    },
    // Every record of the process that is killed is two thousand bytes.
    async bytes({ topic, partition }) {
      const ranges = await cluster.withLeaders(topic, 'looking', (leader, led) => leader.ranges(topic, led, 'end'))
      return (ranges.flat().find((each) => each.partition === partition)?.end ?? 0) * 2_000
    },
    async dispose() {
      cluster.close()
    },
  }
}

logContract('Kafka', kafkaHarness, skipReason(broker))
