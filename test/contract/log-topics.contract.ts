/** Topics and the log's identity: part of the log's contract. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type LogUnderTest, records, valuesOf } from './log.contract.ts'
import { LogRecorder, readAll } from './log-recorder.ts'

export function topicContract(subject: LogUnderTest): void {
  describe('topics', () => {
    it('is the same log to every client', async () => {
      const other = await subject.harness.open()
      assert.equal(await other.id(), await subject.log.id())
      assert.match(await other.id(), /^\S{8,}$/)
      await other.close()
    })

    it('creates a topic once, and checks it from then on', async () => {
      const { log } = subject
      const { topic } = await subject.topic(3)
      assert.deepEqual(await log.describeTopic(topic), {
        name: topic,
        partitions: 3,
        cleanupPolicy: 'delete',
        retentionMs: -1,
      })
      await log.createTopic(topic, { partitions: 3 })
      await assert.rejects(log.createTopic(topic, { partitions: 4 }), {
        code: 'QRT_LOG_TOPIC_MISMATCH',
        message: new RegExp(`${topic}.*4.*3`),
      })
      assert.deepEqual(
        await log.offsets(topic),
        Array.from({ length: 3 }, () => ({ start: 0, end: 0 })),
      )
    })

    it('keeps the settings that it is given', async () => {
      const topic = `${(await subject.topic()).topic}-table`
      await subject.log.createTopic(topic, { partitions: 1, cleanupPolicy: 'compact', retentionMs: 3_600_000 })
      const { cleanupPolicy, retentionMs } = (await subject.log.describeTopic(topic))!
      assert.deepEqual([cleanupPolicy, retentionMs], ['compact', 3_600_000])
      await subject.log.deleteTopic(topic)
    })

    it('says that it knows no such topic', async () => {
      const { log } = subject
      const nowhere = { topic: `nowhere-${process.pid}`, partition: 0 }
      assert.equal(await log.describeTopic(nowhere.topic), undefined)
      for (const call of [
        () => log.offsets(nowhere.topic),
        () => log.append(nowhere, records(0, 1)),
        () => log.trim(nowhere, 1),
        async () => log.append({ ...(await subject.topic(1)), partition: 1 }, records(0, 1)),
      ]) {
        await assert.rejects(call, { code: 'QRT_TOPIC_UNKNOWN' })
      }
    })

    //   reader of 0:   0 1 2 ──────────── 3 4
    //   partition 1:          grown │ a b c    read from its first record on
    it('gives a topic more partitions, once; what it has stays, and its readers go on', async () => {
      const { log } = subject
      const partition = await subject.topic()
      const { topic } = partition
      await log.append(partition, records(0, 3))
      const recorder = new LogRecorder(log)
      recorder.reader.add(partition, 0)
      await recorder.untilEnd(log, partition)

      await log.growTopic(topic, 3)
      await log.growTopic(topic, 3)

      assert.equal((await log.describeTopic(topic))?.partitions, 3)
      assert.deepEqual(
        (await log.offsets(topic)).map(({ start, end }) => [start, end]),
        [
          [0, 3],
          [0, 0],
          [0, 0],
        ],
      )
      const added = { topic, partition: 1 }
      await log.append(added, records(10, 13))
      await log.append(partition, records(3, 5))
      recorder.reader.add(added, 0)
      await recorder.until('both are read', () => {
        return recorder.values(partition).length === 5 && recorder.values(added).length === 3
      })
      assert.deepEqual(recorder.values(added), valuesOf(records(10, 13)))
      await recorder.close()
    })

    it('takes no partition away, and gives none to a topic that is not there', async () => {
      const { log } = subject
      const { topic } = await subject.topic(3)
      await assert.rejects(log.growTopic(topic, 2), {
        code: 'QRT_LOG_TOPIC_MISMATCH',
        message: new RegExp(`${topic}.*2.*3`),
      })
      await assert.rejects(log.growTopic(`nowhere-${process.pid}`, 2), { code: 'QRT_TOPIC_UNKNOWN' })
    })

    it('deletes a topic, any number of times; its readers halt', async () => {
      const { log } = subject
      const partition = await subject.topic()
      await log.append(partition, records(0, 3))
      const recorder = new LogRecorder(log)
      recorder.reader.add(partition, 0)
      await recorder.untilEnd(log, partition)

      await log.deleteTopic(partition.topic)
      await log.deleteTopic(partition.topic)

      assert.equal((await recorder.untilHalt(partition)).code, 'QRT_LOG_TOPIC_GONE')
      assert.equal(await log.describeTopic(partition.topic), undefined)
      await recorder.close()
    })

    //   reader:  0 1 2 ‖ paused …                        resume → which records?
    //   topic:   0 1 2 3 … 9      deleted, created again   a b c … j
    it('takes a topic of the same name for another one, also at an offset that it has', async () => {
      const { log } = subject
      const partition = await subject.topic()
      await log.append(partition, records(0, 10))
      const paused = new LogRecorder(log, (_, batch, start) => Math.min(3 - batch.offset(start), batch.length - start))
      paused.reader.add(partition, 0)
      const reading = new LogRecorder(log)
      reading.reader.add(partition, 0)
      await paused.until('three are taken', () => paused.of(partition).records.length === 3)
      await reading.untilEnd(log, partition)

      await log.deleteTopic(partition.topic)
      await log.createTopic(partition.topic, { partitions: 1 })
      await log.append(partition, records(100, 120))

      assert.equal((await reading.untilHalt(partition)).code, 'QRT_LOG_TOPIC_GONE')
      assert.deepEqual(reading.values(partition), valuesOf(records(0, 10)))
      reading.reader.seek(partition, 15)
      await reading.until('it reads the new topic', () => reading.values(partition).length === 15)
      assert.deepEqual(reading.values(partition).slice(10), valuesOf(records(115, 120)))

      paused.reader.seek(partition, 1)
      await paused.until('it reads the new topic', () => paused.of(partition).records.length > 3)
      assert.deepEqual(paused.values(partition).slice(3), valuesOf(records(101, 103)))
      await Promise.all([paused.close(), reading.close()])
    })

    it('halts a paused reader, too, that goes on in a topic that was replaced', async () => {
      const { log } = subject
      const partition = await subject.topic()
      await log.append(partition, records(0, 2))
      const recorder = new LogRecorder(log, (_, batch, start) => (batch.offset(start) === 0 ? 1 : batch.length - start))
      recorder.reader.add(partition, 0)
      await recorder.until('one is taken', () => recorder.of(partition).records.length === 1)
      await log.deleteTopic(partition.topic)
      await log.createTopic(partition.topic, { partitions: 1 })
      await log.append(partition, records(100, 120))

      recorder.reader.resume(partition)

      assert.equal((await recorder.untilHalt(partition)).code, 'QRT_LOG_TOPIC_GONE')
      // What had been fetched before was of the old topic, and is delivered unless the reader noticed before it was to go on.
      const values = recorder.values(partition)
      assert.deepEqual(values, valuesOf(records(0, 2)).slice(0, values.length), 'nothing of the new one is among it')
      await recorder.close()
    })

    it('trims: what is below is gone, what is at it and above is there', async () => {
      const { log } = subject
      const partition = await subject.topic(2)
      await log.append(partition, records(0, 10))
      await log.append(partition, records(10, 20))
      await log.trim(partition, 13)
      assert.deepEqual((await log.offsets(partition.topic))[0], { start: 13, end: 20 })
      assert.deepEqual(
        (await readAll(log, partition, 13)).map(({ offset }) => offset),
        [13, 14, 15, 16, 17, 18, 19],
      )
      await log.trim(partition, 5)
      assert.deepEqual((await log.offsets(partition.topic))[0], { start: 13, end: 20 })
      await log.trim(partition, 1_000)
      assert.deepEqual((await log.offsets(partition.topic))[0], { start: 20, end: 20 })
      assert.equal(await log.append(partition, records(20, 21)), 20)
      assert.deepEqual(
        (await readAll(log, partition, 20)).map(({ value }) => value),
        ['20'],
      )
      assert.deepEqual((await log.offsets(partition.topic))[1], { start: 0, end: 0 })
    })
  })
}
