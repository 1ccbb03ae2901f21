import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { QuorateError } from '../../src/errors.ts'
import { openLog } from '../../src/log/open.ts'
import { records, valuesOf } from '../contract/log.contract.ts'
import { LogRecorder, readAll } from '../contract/log-recorder.ts'
import { skipReason } from '../services/availability.ts'
import { kafka } from '../services/kafka.ts'

const broker = await kafka({ private: true })

describe('a Kafka broker that is killed and started again', { skip: skipReason(broker) }, () => {
  if ('unavailable' in broker) return
  after(() => broker.stop())
  const open = () => openLog({ kind: 'kafka', brokers: broker.brokers, clientId: 'restart' })

  it('is an outage for its readers, which go on where they were', async () => {
    const log = await open()
    const partition = { topic: 'read', partition: 0 }
    await log.createTopic(partition.topic, { partitions: 2 })
    const paused = { ...partition, partition: 1 }
    await log.append(partition, records(0, 100))
    await log.append(paused, records(0, 10))
    let pausing = true
    const recorder = new LogRecorder(log, ({ partition: number }, batch, start) =>
      number === 1 && pausing ? 0 : batch.length - start,
    )
    recorder.reader.add(partition, 0)
    recorder.reader.add(paused, 0)
    await recorder.until('it reads', () => recorder.values(partition).length === 100)

    await broker.kill()
    await recorder.until('the outage is told', () => recorder.outage !== undefined)
    assert.match(recorder.outage!.message, /are the brokers 127\.0\.0\.1:\d+ up/)
    pausing = false
    recorder.reader.resume(paused)
    await recorder.until('what was fetched is delivered', () => recorder.values(paused).length === 10)

    await broker.restart()
    await recorder.until('the outage is over', () => recorder.outage === undefined, 60_000)
    await log.append(partition, records(100, 120))
    await log.append(paused, records(10, 12))
    await recorder.until('both go on', () => recorder.values(partition).length === 120)
    await recorder.untilEnd(log, paused)
    assert.deepEqual(recorder.values(partition), valuesOf(records(0, 120)))
    assert.deepEqual(recorder.values(paused), valuesOf(records(0, 12)))
    assert.deepEqual(recorder.of(partition).halts, [])
    assert.equal(recorder.outages.length, 2)
    await recorder.close()
    await log.close()
  })

  it('leaves a commit whole or undone, and the progress says which', async () => {
    const log = await open()
    const partition = { topic: 'written', partition: 0 }
    await log.createTopic(partition.topic, { partitions: 1 })
    let done = 0
    let written = 0
    for (const killAfter of [0, 40, 120]) {
      const writer = await log.openWriter('writer', 'progress')
      const target = done + 3_000
      const committing = writer.commit(
        new Map([[partition, records(done, target, 'x'.repeat(500))]]),
        Buffer.from(String(target)),
      )
      const outcome = committing.then(
        () => 'committed' as const,
        (error: QuorateError) => error,
      )
      await Promise.race([outcome, new Promise((resolve) => setTimeout(resolve, killAfter))])
      await broker.kill()
      const answer = await outcome
      await writer.close()
      await broker.restart()

      const next = await log.openWriter('writer', 'progress')
      const progress = Number(Buffer.from(next.progress ?? Buffer.from('0')).toString())
      assert.ok(progress === done || progress === target, `progress ${progress} between ${done} and ${target}`)
      if (answer === 'committed') assert.equal(progress, target)
      else {
        assert.equal(answer.code, 'QRT_LOG_UNREACHABLE')
        if (!answer.indefinite) assert.equal(progress, done)
      }
      written += progress - done
      done = progress
      await next.close()
      assert.equal((await readAll(log, partition, 0)).length, written)
    }
    await log.close()
  })

  it('is unreachable while it is down, and says where it was looked for', async () => {
    await broker.kill()
    const log = await open()
    await assert.rejects(log.id(), { code: 'QRT_LOG_UNREACHABLE', message: new RegExp(broker.brokers[0]!) })
    await assert.rejects(log.openWriter('late', 'progress'), { code: 'QRT_LOG_UNREACHABLE' })
    await log.close()
    await broker.restart()
  })
})
