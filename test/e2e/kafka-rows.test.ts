/** The reader that every test of a Kafka sink relies on, against a real broker. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Kafka, logLevel, type Transaction } from 'kafkajs'
import { skipReason } from '../services/availability.ts'
import { kafka } from '../services/kafka.ts'
import { committedRecords } from './kafka-rows.ts'

const service = await kafka()
after(async () => {
  if ('stop' in service) await service.stop()
})

describe('the reader of committed records', { skip: skipReason(service) }, () => {
  if ('unavailable' in service) return
  const client = new Kafka({ brokers: service.brokers, logLevel: logLevel.NOTHING })

  const writer = async (name: string) => {
    const producer = client.producer({ transactionalId: `${name}-${process.pid}`, idempotent: true })
    await producer.connect()
    return producer
  }
  const topic = `committed-${process.pid}`
  const send = (to: Transaction, value: string) =>
    to.send({ topic, messages: [{ value, headers: { revision: '3' }, partition: 0 }] })

  //   a: ──a1─────────a2──────✗
  //   b: ─────b1──✗───────b2─────────✓      c: none of both
  it('shows nothing of transactions that were aborted, however they overlap, and all of the others', async () => {
    const admin = client.admin()
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
    await admin.disconnect()
    const [a, b] = [await writer('a'), await writer('b')]
    const first = await a.transaction()
    await send(first, 'a1')
    const second = await b.transaction()
    await send(second, 'b1')
    await second.abort()
    await send(first, 'a2')
    const third = await b.transaction()
    await send(third, 'b2')
    await first.abort()
    await third.commit()
    await a.send({ topic, messages: [{ value: 'c', partition: 0 }] })
    const records = await committedRecords(service.brokers, topic)
    await Promise.all([a.disconnect(), b.disconnect()])
    assert.deepEqual(records, [
      { value: 'b2', headers: { revision: '3' } },
      { value: 'c', headers: {} },
    ])
  })
})
