/** Readers: part of the log's contract. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogPartition } from '../../src/log/log.ts'
import { type LogUnderTest, records, valuesOf } from './log.contract.ts'
import { LogRecorder, readAll } from './log-recorder.ts'

const MEGABYTE = 1 << 20

export function readingContract(subject: LogUnderTest): void {
  describe('reading', () => {
    it('delivers keys, values, headers and timestamps as they were appended', async () => {
      const { log } = subject
      const partition = await subject.topic()
      const before = Date.now()
      const first = await log.append(partition, [
        { key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1_000_000_000_000 },
        { key: null, value: Buffer.from('no key'), timestamp: 999_999_999_000, headers: { of: 'a window' } },
        { key: Buffer.from('tombstone'), value: null, timestamp: 1_000_000_500_000 },
        { key: null, value: null, timestamp: 0, headers: {} },
        { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: { empty: '', größe: 'ß' } },
      ])
      assert.equal(first, 0)
      const seen = await readAll(log, partition, 0)
      assert.deepEqual(
        seen.map(({ offset, key, value }) => [offset, key, value]),
        [
          [0, 'k', 'v'],
          [1, null, 'no key'],
          [2, 'tombstone', null],
          [3, null, null],
          [4, '', ''],
        ],
      )
      assert.deepEqual(
        seen.slice(0, 4).map(({ timestamp }) => timestamp),
        [1_000_000_000_000, 999_999_999_000, 1_000_000_500_000, 0],
      )
      assert.deepEqual(
        seen.map(({ headers }) => headers),
        [{}, { of: 'a window' }, {}, {}, { empty: '', größe: 'ß' }],
      )
      const { timestamp } = seen[4]!
      assert.ok(timestamp >= before && timestamp <= Date.now(), `${timestamp} is when it was appended`)
    })

    it('delivers records of megabytes among small ones', async () => {
      const partition = await subject.topic()
      const sizes = [1, 3 * MEGABYTE, 10, MEGABYTE, MEGABYTE, 5 * MEGABYTE, 2]
      const made = sizes.map((size, i) => ({ key: null, value: Buffer.alloc(size, 97 + i) }))
      await subject.log.append(partition, made)
      const seen = await readAll(subject.log, partition, 0)
      assert.deepEqual(
        seen.map(({ value }) => [value?.length, value?.[0], value?.at(-1)]),
        sizes.map((size, i) => [size, String.fromCharCode(97 + i), String.fromCharCode(97 + i)]),
      )
    })

    //   0 1 2 │ aborted │ 3 4 │ aborted │ aborted │ committed 5 6 │ aborted
    it('delivers the same suffix from every offset of a topic with aborted transactions', async () => {
      const { log, harness } = subject
      const partition = await subject.topic()
      await log.append(partition, records(0, 3))
      await harness.abort(partition, records(1000, 1004))
      await log.append(partition, records(3, 5))
      await harness.abort(partition, records(2000, 2001))
      await harness.abort(partition, records(3000, 3002))
      const writer = await log.openWriter(`suffix-${partition.topic}`, `progress-${process.pid}`)
      await writer.commit(new Map([[partition, records(5, 7)]]), Buffer.from('1'))
      await writer.close()
      await harness.abort(partition, records(4000, 4003))

      const all = await readAll(log, partition, 0)
      assert.deepEqual(
        all.map(({ value }) => value),
        valuesOf(records(0, 7)),
      )
      const { end } = (await log.offsets(partition.topic))[0]!
      for (let from = 0; from <= end; from++) {
        const expected = all.filter(({ offset }) => offset >= from)
        assert.deepEqual(await readAll(log, partition, from), expected, `from offset ${from}`)
      }
    })

    it('comes to the end of a topic that has nothing but aborted transactions, and goes on there', async () => {
      const { log, harness } = subject
      const partition = await subject.topic()
      for (let i = 0; i < 4; i++) await harness.abort(partition, records(0, 50))
      const recorder = new LogRecorder(log)
      recorder.reader.add(partition, 0)
      await recorder.untilEnd(log, partition)
      const { end } = (await log.offsets(partition.topic))[0]!
      assert.deepEqual(recorder.values(partition), [])
      assert.deepEqual(recorder.of(partition).empties.at(-1)?.end, end)
      await log.append(partition, records(0, 2))
      await recorder.until('what comes then is delivered', () => recorder.values(partition).length === 2)
      assert.equal(recorder.of(partition).records[0]?.offset, end)
      await recorder.close()
    })

    it('tells an empty partition that it is empty, again and again but not too often', async () => {
      const partition = await subject.topic()
      const recorder = new LogRecorder(subject.log)
      recorder.reader.add(partition, 0)
      const { empties } = recorder.of(partition)
      await recorder.until('it was told ten times', () => empties.length >= 10)
      assert.ok(empties.every(({ position, end }) => position === 0 && end === 0))
      const elapsedMs = empties[9]!.at - empties[0]!.at
      assert.ok(elapsedMs > 9 * 10, `ten times within ${elapsedMs} ms`)
      await recorder.close()
    })

    it('halts where the offset is not there, on either side, and goes on from where it is sent', async () => {
      const { log } = subject
      const partition = await subject.topic(2)
      await log.append(partition, records(0, 10))
      await log.trim(partition, 4)
      const recorder = new LogRecorder(log)

      recorder.reader.add(partition, 3)
      const lost = await recorder.untilHalt(partition)
      assert.equal(lost.code, 'QRT_LOG_OFFSET_LOST')
      assert.match(lost.message, new RegExp(`${partition.topic}\\[0\\].* offset 3.* 4`))
      recorder.reader.seek(partition, 11)
      await recorder.until('it halts again', () => recorder.of(partition).halts.length === 2)
      const truncated = recorder.of(partition).halts[1]!
      assert.equal(truncated.code, 'QRT_LOG_TRUNCATED')
      assert.match(truncated.message, new RegExp(`${partition.topic}\\[0\\].* offset 11.* 10`))
      assert.deepEqual(recorder.values(partition), [])
      assert.deepEqual(recorder.of(partition).empties, [])

      recorder.reader.seek(partition, 4)
      await recorder.untilEnd(log, partition)
      assert.deepEqual(recorder.values(partition), valuesOf(records(4, 10)))
      const atEnd = { ...partition, partition: 1 }
      recorder.reader.add(atEnd, 0)
      await recorder.until('an offset at the end is there', () => recorder.of(atEnd).empties.length > 0)
      await recorder.close()
    })

    it('halts where there is no such topic or partition', async () => {
      const partition = await subject.topic(1)
      const recorder = new LogRecorder(subject.log)
      const nowhere = { topic: `nowhere-${process.pid}`, partition: 0 }
      const beyond = { ...partition, partition: 1 }
      recorder.reader.add(nowhere, 0)
      recorder.reader.add(beyond, 0)
      assert.equal((await recorder.untilHalt(nowhere)).code, 'QRT_LOG_TOPIC_GONE')
      assert.equal((await recorder.untilHalt(beyond)).code, 'QRT_LOG_TOPIC_GONE')
      await recorder.close()
    })

    it('halts a reader whose next records are trimmed away', async () => {
      const { log } = subject
      const partition = await subject.topic()
      await log.append(partition, records(0, 10))
      const recorder = new LogRecorder(log, (_, batch, start) => (batch.offset(start) === 0 ? 2 : batch.length - start))
      recorder.reader.add(partition, 0)
      await recorder.until('two are taken', () => recorder.values(partition).length === 2)
      await log.append(partition, records(10, 20))
      await log.trim(partition, 15)
      recorder.reader.seek(partition, 2)
      assert.equal((await recorder.untilHalt(partition)).code, 'QRT_LOG_OFFSET_LOST')
      assert.equal(recorder.values(partition).length, 2)
      await recorder.close()
    })

    it('pauses where less than all is taken, keeps the rest, and delivers the others meanwhile', async () => {
      const { log } = subject
      const partition = await subject.topic(2)
      const other = { ...partition, partition: 1 }
      await log.append(partition, records(0, 100))
      let limit = 7
      const recorder = new LogRecorder(log, ({ partition: number }, batch, start) =>
        number === 1 ? batch.length - start : Math.min(batch.length - start, limit),
      )
      recorder.reader.add(partition, 0)
      recorder.reader.add(other, 0)
      await recorder.until('seven are taken', () => recorder.values(partition).length === 7)
      const emptiesBefore = recorder.of(partition).empties.length
      await log.append(other, records(0, 5))
      await recorder.untilEnd(log, other)
      assert.equal(recorder.values(partition).length, 7)
      assert.equal(recorder.of(partition).empties.length, emptiesBefore)

      limit = 0
      recorder.reader.resume(partition)
      recorder.reader.resume(partition)
      await log.append(other, records(5, 6))
      await recorder.untilEnd(log, other)
      assert.equal(recorder.values(partition).length, 7)

      limit = Number.POSITIVE_INFINITY
      recorder.reader.resume(partition)
      await recorder.untilEnd(log, partition)
      assert.deepEqual(recorder.values(partition), valuesOf(records(0, 100)))
      await recorder.close()
    })

    it('seeks from inside the handler, whatever that call returns', async () => {
      const { log } = subject
      const partition = await subject.topic()
      await log.append(partition, records(0, 20))
      let sought = false
      const recorder = new LogRecorder(log, (_, batch, start) => {
        if (sought) return batch.length - start
        sought = true
        recorder.reader.seek(partition, 12)
        return 5
      })
      recorder.reader.add(partition, 0)
      await recorder.untilEnd(log, partition)
      assert.deepEqual(recorder.values(partition), valuesOf([...records(0, 5), ...records(12, 20)]))

      recorder.reader.seek(partition, 18)
      await recorder.until('it was read again', () => recorder.values(partition).length === 15)
      assert.deepEqual(recorder.values(partition).slice(13), ['18', '19'])
      await recorder.close()
    })

    it('un-pauses by a seek, and reads the same again', async () => {
      const { log } = subject
      const partition = await subject.topic()
      await log.append(partition, records(0, 20))
      let pause = true
      const recorder = new LogRecorder(log, (_, batch, start) => (pause ? 3 : batch.length - start))
      recorder.reader.add(partition, 0)
      await recorder.until('it is paused', () => recorder.values(partition).length === 3)
      pause = false
      recorder.reader.seek(partition, 2)
      await recorder.untilEnd(log, partition)
      assert.deepEqual(recorder.values(partition), valuesOf([...records(0, 3), ...records(2, 20)]))
      await recorder.close()
    })

    it('removes from inside the handler, and delivers nothing more of it until it is added', async () => {
      const { log } = subject
      const partition = await subject.topic(2)
      const other = { ...partition, partition: 1 }
      await log.append(partition, records(0, 10))
      const recorder = new LogRecorder(log, ({ partition: number }, batch, start) => {
        if (number === 0 && batch.offset(start) === 0) recorder.reader.remove(partition)
        return batch.length - start
      })
      recorder.reader.add(partition, 0)
      recorder.reader.add(other, 0)
      await recorder.until('it was delivered once', () => recorder.values(partition).length > 0)
      const seen = recorder.values(partition).length
      recorder.reader.resume(partition)
      recorder.reader.seek(partition, 0)
      await log.append(partition, records(10, 12))
      await log.append(other, records(0, 1))
      await recorder.untilEnd(log, other)
      assert.equal(recorder.values(partition).length, seen)

      recorder.reader.add(partition, 10)
      await recorder.untilEnd(log, partition)
      assert.deepEqual(recorder.values(partition).slice(seen), ['10', '11'])
      await recorder.close()
    })

    it('reads several partitions of several topics, each in its order, while they are written', async () => {
      const { log } = subject
      const topics = [await subject.topic(3), await subject.topic(2)]
      const partitions: LogPartition[] = [
        ...[0, 1, 2].map((partition) => ({ ...topics[0]!, partition })),
        ...[0, 1].map((partition) => ({ ...topics[1]!, partition })),
      ]
      const recorder = new LogRecorder(log)
      for (const partition of partitions) recorder.reader.add(partition, 0)
      for (let round = 0; round < 10; round++) {
        await Promise.all(partitions.map((each) => log.append(each, records(round * 20, round * 20 + 20))))
      }
      for (const partition of partitions) {
        await recorder.untilEnd(log, partition)
        assert.deepEqual(recorder.values(partition), valuesOf(records(0, 200)))
        assert.deepEqual(
          recorder.of(partition).records.map(({ offset }) => offset),
          Array.from({ length: 200 }, (_, i) => i),
        )
      }
      await recorder.close()
    })

    it('lets a little come through beside a lot, and the event loop have its turn', async () => {
      const { log } = subject
      const partition = await subject.topic(2)
      const little = { ...partition, partition: 1 }
      const value = Buffer.alloc(2_000, 'x')
      const lot = Array.from({ length: 10_000 }, () => ({ key: null, value }))
      await log.append(partition, lot)
      await log.append(little, records(0, 1))
      let turns = 0
      let pieces = 0
      const recorder = new LogRecorder(log, ({ partition: number }, batch, start) => {
        if (number === 0) pieces += 1
        setImmediate(() => {
          turns += 1
        })
        return batch.length - start
      })
      recorder.reader.add(partition, 0)
      recorder.reader.add(little, 0)
      await recorder.until('the little came', () => recorder.values(little).length === 1)
      assert.ok(recorder.of(partition).records.length < lot.length, 'it came before all of the lot')
      await recorder.untilEnd(log, partition)
      assert.ok(pieces > 5, `20 MB came in ${pieces} pieces`)
      assert.ok(turns >= pieces - 1, `${turns} turns of the event loop for ${pieces} pieces`)
      await recorder.close()
    })

    it('delivers what is added while others have nothing to read, without their wait', async () => {
      const { log } = subject
      const idle = await subject.topic(2)
      const busy = { ...idle, partition: 1 }
      await log.append(busy, records(0, 10))
      const recorder = new LogRecorder(log)
      recorder.reader.add(idle, 0)
      await recorder.until('it waits', () => recorder.of(idle).empties.length >= 2)
      const waits: number[] = []
      for (let round = 1; round <= 9; round++) {
        const started = performance.now()
        if (round === 1) recorder.reader.add(busy, 0)
        else recorder.reader.seek(busy, 0)
        await recorder.until('it is delivered', () => recorder.values(busy).length === 10 * round)
        waits.push(performance.now() - started)
      }
      const median = waits.sort((a, b) => a - b)[4]!
      assert.ok(median < 200, `the median of ${waits.map(Math.round)} ms`)
      await recorder.close()
    })

    it('delivers nothing once it was closed', async () => {
      const { log } = subject
      const partition = await subject.topic()
      await log.append(partition, records(0, 5))
      const recorder = new LogRecorder(log, () => 1)
      recorder.reader.add(partition, 0)
      await recorder.until('one is taken', () => recorder.values(partition).length === 1)
      const closing = recorder.close()
      recorder.reader.resume(partition)
      recorder.reader.add(partition, 0)
      await closing
      await recorder.close()
      assert.deepEqual(await readAll(log, partition, 0).then((all) => all.length), 5)
      assert.equal(recorder.values(partition).length, 1)
    })
  })
}
