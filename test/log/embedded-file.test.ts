import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LOG_FILE } from '../../src/log/embedded/database.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { records, valuesOf } from '../contract/log.contract.ts'
import { LogRecorder, readAll } from '../contract/log-recorder.ts'
import { spawnAppending } from './embedded-child.ts'

const partition = { topic: 'shared', partition: 0 }

describe('the file of the embedded log', () => {
  let directory: string
  let logs: Log[]
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quorate-log-'))
    logs = []
  })
  afterEach(async () => {
    for (const log of logs) await log.close()
    await rm(directory, { recursive: true, force: true })
  })
  const open = async (): Promise<Log> => {
    const log = await openLog({ kind: 'embedded', directory })
    logs.push(log)
    return log
  }
  const appending = (prefix: string, count: number) =>
    spawnAppending({ directory, topic: partition.topic, prefix, records: count })
  const ended = async (child: ChildProcess) => assert.deepEqual(await once(child, 'exit'), [0, null])
  /** Straight into the file, as no log does it. */
  const tamper = (sql: string) => {
    const database = new DatabaseSync(join(directory, LOG_FILE))
    database.exec(sql)
    database.close()
  }

  it('is made once by several that open it at the same moment', async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, open))
    const ids = await Promise.all(opened.map((log) => log.id()))
    assert.equal(new Set(ids).size, 1)
    const elsewhere = await mkdtemp(join(tmpdir(), 'quorate-log-'))
    const other = await openLog({ kind: 'embedded', directory: elsewhere })
    assert.notEqual(await other.id(), ids[0])
    await other.close()
    await rm(elsewhere, { recursive: true, force: true })
  })

  it('takes what several processes append at once, each record once and in its order, while it is read', async () => {
    const log = await open()
    await log.createTopic(partition.topic, { partitions: 1 })
    const recorder = new LogRecorder(log)
    recorder.reader.add(partition, 0)
    const names = ['a', 'b', 'c']
    await Promise.all(names.map((name) => ended(appending(name, 60))))
    await recorder.until('all came', () => recorder.values(partition).length === 180)
    for (const name of names) {
      assert.deepEqual(
        recorder.values(partition).filter((value) => value?.startsWith(name)),
        valuesOf(records(0, 60, name)),
      )
    }
    assert.deepEqual(
      recorder.of(partition).records.map(({ offset }) => offset),
      Array.from({ length: 180 }, (_, i) => i),
    )
    await recorder.close()
  })

  it('delivers what another process wrote within milliseconds', async () => {
    const [reading, writing] = [await open(), await open()]
    await writing.createTopic(partition.topic, { partitions: 1 })
    let seenAt = 0
    const recorder = new LogRecorder(reading, (_, batch, start) => {
      seenAt = performance.now()
      return batch.length - start
    })
    recorder.reader.add(partition, 0)
    await recorder.until('it waits', () => recorder.of(partition).empties.length > 1)
    const waits: number[] = []
    for (let i = 1; i <= 15; i++) {
      await writing.append(partition, records(i, i + 1))
      const appendedAt = performance.now()
      await recorder.until('it came', () => recorder.values(partition).length === i)
      waits.push(seenAt - appendedAt)
    }
    const median = waits.sort((a, b) => a - b)[7]!
    assert.ok(median < 100, `the median of ${waits.map((wait) => wait.toFixed(1))} ms`)
    await recorder.close()
  })

  it('waits while another process keeps it busy, and lets the event loop go on', async () => {
    const log = await open()
    await log.createTopic(partition.topic, { partitions: 1 })
    const other = new DatabaseSync(join(directory, LOG_FILE))
    other.exec('BEGIN IMMEDIATE')
    let appended = false
    const appending = log.append(partition, records(0, 1)).then(() => {
      appended = true
    })
    for (let turns = 0; turns < 100; turns++) await nextTurn()
    assert.equal(appended, false)
    other.exec('COMMIT')
    other.close()
    await appending
    assert.equal((await readAll(log, partition, 0)).length, 1)
  })

  it('keeps what was appended when the process is killed, and ends where that was', async () => {
    const log = await open()
    await log.createTopic(partition.topic, { partitions: 1 })
    const child = appending('k', 1_000_000)
    const recorder = new LogRecorder(log)
    recorder.reader.add(partition, 0)
    await recorder.until('some came', () => recorder.values(partition).length > 20)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const seen = recorder.values(partition).length
    const all = await readAll(log, partition, 0)
    assert.ok(all.length >= seen)
    assert.deepEqual(
      all.map(({ value }) => value),
      valuesOf(records(0, all.length, 'k')),
    )
    assert.equal(await log.append(partition, records(0, 1)), all.length)
    await recorder.close()
  })

  it('never delivers a batch whose bytes were changed on the disk', async () => {
    const log = await open()
    await log.createTopic(partition.topic, { partitions: 1 })
    await log.append(partition, records(0, 3))
    await log.append(partition, records(3, 6))
    tamper(
      "UPDATE batches SET bytes = CAST(substr(bytes, 1, 80) || 'X' || substr(bytes, 82) AS BLOB) WHERE next_offset = 6",
    )
    const recorder = new LogRecorder(log)
    recorder.reader.add(partition, 0)
    const error = await recorder.untilHalt(partition)
    assert.equal(error.code, 'QRT_LOG_CORRUPT')
    assert.match(error.message, /shared\[0\] cannot be read at offset 3/)
    assert.deepEqual(recorder.values(partition), valuesOf(records(0, 3)))
    await recorder.close()
  })

  for (const [which, offset, next] of [
    ['in the middle', 3, 6],
    ['at the end', 6, 9],
  ] as const) {
    it(`halts where a batch is missing ${which}`, async () => {
      const log = await open()
      await log.createTopic(partition.topic, { partitions: 1 })
      for (const from of [0, 3, 6]) await log.append(partition, records(from, from + 3))
      tamper(`DELETE FROM batches WHERE next_offset = ${next}`)
      const recorder = new LogRecorder(log)
      recorder.reader.add(partition, offset)
      const error = await recorder.untilHalt(partition)
      assert.equal(error.code, 'QRT_LOG_OFFSET_LOST')
      assert.match(error.message, new RegExp(`from ${offset} to ${next}`))
      await recorder.close()
    })
  }

  it('lets go of records that are older than the topic keeps them, whole batches at a time', async () => {
    const log = await open()
    await log.createTopic(partition.topic, { partitions: 1, retentionMs: 60_000 })
    await log.append(partition, records(0, 3))
    await log.append(partition, records(3, 6))
    await log.append(partition, records(6, 9))
    assert.deepEqual(await log.offsets(partition.topic), [{ start: 0, end: 9 }])
    tamper('UPDATE batches SET appended_at = appended_at - 100000 WHERE next_offset <= 6')
    await log.append(partition, records(9, 10))
    assert.deepEqual(await log.offsets(partition.topic), [{ start: 6, end: 10 }])
    assert.deepEqual(
      (await readAll(log, partition, 6)).map(({ value }) => value),
      valuesOf(records(6, 10)),
    )
  })

  it('is refused when it is something else, or of another version', async () => {
    const database = new DatabaseSync(join(directory, LOG_FILE))
    database.exec('CREATE TABLE something (different TEXT)')
    database.close()
    await assert.rejects(open(), { code: 'QRT_LOG_UNSUPPORTED', message: /found something else/ })
    await rm(join(directory, LOG_FILE))
    await (await open()).close()
    tamper('PRAGMA user_version = 99')
    await assert.rejects(open(), { code: 'QRT_LOG_UNSUPPORTED', message: /format 1 .* found format 99/ })
  })

  it('says where it could not be opened', async () => {
    const file = join(directory, 'not-a-folder')
    new DatabaseSync(file).close()
    await assert.rejects(openLog({ kind: 'embedded', directory: join(file, 'log') }), {
      code: 'QRT_LOG_UNREACHABLE',
      message: /not-a-folder/,
    })
  })
})
