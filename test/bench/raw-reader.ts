/**
 * Bare kafkajs, as a process of its own: reads a topic from its beginning with `eachBatch` and parses nothing.
 * Arguments: brokers, topic, number of records. Prints seconds from the first batch to the last, and CPU seconds.
 */
import { Kafka, logLevel } from 'kafkajs'

const [brokers = '', topic = '', wanted = '0'] = process.argv.slice(2)
const consumer = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).consumer({
  groupId: `raw-${topic}-${process.pid}`,
  maxBytes: 16 << 20,
  maxBytesPerPartition: 4 << 20,
})
let records = 0
let bytes = 0
let started = 0
let cpuBefore = process.cpuUsage()
const { promise: done, resolve } = Promise.withResolvers<void>()
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  eachBatchAutoResolve: true,
  eachBatch: async ({ batch }) => {
    if (started === 0) {
      started = performance.now()
      cpuBefore = process.cpuUsage()
    }
    for (const { value } of batch.messages) bytes += value?.length ?? 0
    records += batch.messages.length
    if (records >= Number(wanted)) resolve()
  },
})
await done
const seconds = (performance.now() - started) / 1000
const { user, system } = process.cpuUsage(cpuBefore)
console.log(JSON.stringify({ records, bytes, seconds, cpuSeconds: (user + system) / 1e6 }))
await consumer.disconnect()
