import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { Kafka, logLevel, type Producer, type Transaction } from 'kafkajs'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { LogRecorder, readAll } from '../contract/log-recorder.ts'
import { obtain, skipReason } from '../services/availability.ts'
import { kafka, kafkaJars } from '../services/kafka.ts'

const broker = await kafka()
const java = await obtain('Java client of Kafka', 'Java 17 or newer and Maven', async () => ({
  jars: await kafkaJars(),
}))
const JAVA = 'java'
const brokers = 'brokers' in broker ? broker.brokers : []
after(async () => {
  if ('stop' in broker) await broker.stop()
})

describe('what other clients wrote to Kafka', { skip: skipReason(broker) }, () => {
  let log: Log
  before(async () => {
    log = await openLog({ kind: 'kafka', brokers, clientId: 'clients' })
  })
  after(() => log.close())

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    it(`is read when the Java client compressed it with ${codec}`, { skip: skipReason(java) }, async () => {
      const partition = { topic: `codec-${codec}-${process.pid}`, partition: 0 }
      await log.createTopic(partition.topic, { partitions: 1 })
      // Long and short repetitions, and what does not repeat; several blocks of each framing.
      const lines = Array.from({ length: 8_000 }, (_, i) => `${i} ${'abcdefgh'.repeat(i % 50)} ${(i * 7_919) % 65_537}`)
      const folder = 'jars' in java ? java.jars : ''
      const args = ['--bootstrap-server', brokers.join(','), '--topic', partition.topic, '--compression-codec', codec]
      const batches = ['--command-property', 'linger.ms=1000', '--batch-size', '900000']
      const producer = spawn(
        JAVA,
        ['-Xmx256m', '-cp', join(folder, '*'), 'org.apache.kafka.tools.ConsoleProducer', ...args, ...batches],
        { stdio: ['pipe', 'ignore', 'ignore'] },
      )
      producer.stdin.end(`${lines.join('\n')}\n`)
      const [code] = await once(producer, 'exit')
      assert.equal(code, 0)

      const seen = await readAll(log, partition, 0)
      assert.deepEqual(
        seen.map(({ value }) => value),
        lines,
      )
      const last = await readAll(log, partition, 7_990)
      assert.deepEqual(last, seen.slice(7_990))
    })
  }

  //   a: w w . w . commit      The broker's answers say at which offset each write is; what was committed, and what no
  //   b: . w w . abort w …     transaction was about, is what every reader sees, from every offset.
  it('is read without the aborted ones, however transactions are interleaved', async () => {
    const client = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 5, retries: 100 } })
    const plain = client.producer()
    const producers = ['a', 'b', 'c'].map((name) =>
      client.producer({ transactionalId: `interleaved-${name}-${process.pid}`, maxInFlightRequests: 1 }),
    )
    await Promise.all([plain, ...producers].map((each) => each.connect()))
    const step = fc.record({
      who: fc.integer({ min: 0, max: 3 }),
      end: fc.constantFrom('no', 'no', 'abort', 'commit'),
      records: fc.integer({ min: 1, max: 5 }),
    })
    let topics = 0
    const run = async (steps: readonly Step[]) => {
      topics += 1
      const partition = { topic: `interleaved-${process.pid}-${topics}`, partition: 0 }
      await log.createTopic(partition.topic, { partitions: 1 })
      const visible = await play(steps, partition.topic, plain, producers)
      const { end } = (await log.offsets(partition.topic))[0]!
      for (let from = 0; from <= end; from += 1 + Math.floor(end / 12)) {
        const seen = (await readAll(log, partition, from)).map(({ offset }) => offset)
        assert.deepEqual(
          seen,
          visible.filter((offset) => offset >= from),
          `from ${from}`,
        )
      }
    }
    try {
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), run), {
        seed: 20_260_727,
        numRuns: 6,
        endOnFailure: true,
      })
    } finally {
      await Promise.all([plain, ...producers].map((each) => each.disconnect()))
    }
  })

  it('is held back behind an open transaction, and comes when that ends', async () => {
    const partition = { topic: `open-${process.pid}`, partition: 0 }
    await log.createTopic(partition.topic, { partitions: 1 })
    const client = new Kafka({ brokers, logLevel: logLevel.NOTHING })
    const producer = client.producer({ transactionalId: `open-${process.pid}`, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: partition.topic, messages: [{ value: 'open' }] })
    await log.append(partition, [{ key: null, value: Buffer.from('behind it') }])

    const recorder = new LogRecorder(log)
    recorder.reader.add(partition, 0)
    await recorder.until('it is at the stable end', () => recorder.of(partition).empties.length >= 2)
    assert.deepEqual(recorder.of(partition).empties[1]?.end, 0)
    assert.deepEqual(recorder.values(partition), [])
    await transaction.commit()
    await recorder.until('both came', () => recorder.values(partition).length === 2)
    assert.deepEqual(recorder.values(partition), ['open', 'behind it'])
    await recorder.close()
    await producer.disconnect()
  })
})

interface Step {
  readonly who: number
  readonly end: 'no' | 'abort' | 'commit'
  readonly records: number
}

/** Plays the steps; returns the offsets of what is to be seen. */
async function play(
  steps: readonly Step[],
  topic: string,
  plain: Producer,
  producers: readonly Producer[],
): Promise<number[]> {
  const open = new Map<number, { readonly transaction: Transaction; readonly offsets: number[] }>()
  const visible: number[] = []
  const finish = async (who: number, how: 'abort' | 'commit') => {
    const { transaction, offsets } = open.get(who)!
    open.delete(who)
    await (how === 'commit' ? transaction.commit() : transaction.abort())
    if (how === 'commit') visible.push(...offsets)
  }
  for (const { who, end, records } of steps) {
    const messages = Array.from({ length: records }, () => ({ partition: 0, value: 'x'.repeat(20) }))
    const producer = producers[who]
    if (producer === undefined) {
      const [sent] = await plain.send({ topic, messages })
      visible.push(...messages.map((_, i) => Number(sent!.baseOffset) + i))
      continue
    }
    const current = open.get(who) ?? { transaction: await producer.transaction(), offsets: [] }
    open.set(who, current)
    const [sent] = await current.transaction.send({ topic, messages })
    current.offsets.push(...messages.map((_, i) => Number(sent!.baseOffset) + i))
    if (end !== 'no') await finish(who, end)
  }
  for (const who of [...open.keys()]) await finish(who, who % 2 === 0 ? 'abort' : 'commit')
  return visible.sort((a, b) => a - b)
}
