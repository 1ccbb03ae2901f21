import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { skipReason } from './availability.ts'
import { kafka } from './kafka.ts'

const broker = await kafka({ private: true })
describe('a Kafka broker of its own', { skip: skipReason(broker) }, () => {
  if ('unavailable' in broker) return
  const client = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING, retry: { retries: 20 } })
  after(() => broker.stop())

  it('keeps what it was told when it is killed and started again', async () => {
    const before = client.admin()
    await before.connect()
    await before.createTopics({ topics: [{ topic: 'kept', numPartitions: 3 }] })
    await before.disconnect()

    await broker.kill()
    await broker.restart()

    const later = client.admin()
    await later.connect()
    const { topics } = await later.fetchTopicMetadata({ topics: ['kept'] })
    await later.disconnect()
    assert.equal(topics[0]?.partitions.length, 3)
  })
})
