import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { KafkaCluster } from '../../src/log/kafka/cluster.ts'
import { PROGRESS_PARTITIONS, progressPartition, readProgress } from '../../src/log/kafka/progress.ts'
import { contentsHeader } from '../../src/log/kafka/progress-search.ts'
import { untilMarked } from '../../src/log/kafka/until-marked.ts'
import type { Log, LogPartition } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { readAll } from '../contract/log-recorder.ts'
import { skipReason } from '../services/availability.ts'
import { kafka } from '../services/kafka.ts'
import { UnmarkedWriter } from './unmarked-writer.ts'

const broker = await kafka({ private: true, settings: ['transaction.partition.verification.enable=false'] })

//   the coordinator, for a moment without leaders         progress   6 COMMIT   7 .             .
//   for the partitions, calls the transaction of 7        out[0]     6 COMMIT   7 .             .
//   complete without writing a marker:                    out[1]     6 COMMIT   7 .             .
//   the next writer finds progress 6, and must not                                  next writer
//   commit the rows of 7 beside those that are there
describe('a transaction in Kafka that is complete and has no marker', { skip: skipReason(broker) }, () => {
  if ('unavailable' in broker) return
  const settings = { kind: 'kafka', brokers: broker.brokers, clientId: 'unmarked' } as const
  const topic = 'progress'
  const cluster = new KafkaCluster(settings)
  let log: Log
  let id: string
  let out: readonly LogPartition[]
  let number = 0
  before(async () => {
    log = await openLog(settings)
  })
  after(async () => {
    cluster.close()
    await log.close()
    await broker.stop()
  })
  beforeEach(async () => {
    number += 1
    id = `unit-${number}`
    out = [0, 1].map((partition) => ({ topic: `out-${number}`, partition }))
    await log.createTopic(`out-${number}`, { partitions: 2 })
    await commit('6')
  })

  const place = (): LogPartition => ({ topic, partition: progressPartition(id, PROGRESS_PARTITIONS) })
  const row = (value: string) => ({ key: null, value: Buffer.from(value) })

  /** What a writer does that is asked to commit a number: nothing if it is there. Gives the progress that it found. */
  async function commit(value: string): Promise<string | undefined> {
    const writer = await log.openWriter(id, topic)
    const found = writer.progress === undefined ? undefined : Buffer.from(writer.progress).toString()
    if (found !== value)
      await writer.commit(new Map(out.map((partition) => [partition, [row(value)]])), Buffer.from(value))
    await writer.close()
    return found
  }

  /** The progress 7 and its rows, without markers. */
  async function unmarked(
    partitions: readonly LogPartition[],
    headers = contentsHeader(out.map((partition) => [partition, [row('7')]] as const)),
  ): Promise<UnmarkedWriter> {
    const writer = await UnmarkedWriter.open(cluster, id)
    await writer.write(place(), { key: Buffer.from(id), value: Buffer.from('7'), headers })
    for (const partition of partitions) await writer.write(partition, row('7'))
    return writer
  }

  async function rows(): Promise<(string | null)[][]> {
    const seen = await Promise.all(out.map((partition) => readAll(log, partition, 0)))
    return seen.map((records) => records.map(({ value }) => value))
  }

  /** Markers included: nobody waits for anything. */
  async function allIsDecided(): Promise<void> {
    for (const { topic: name, partition } of [...out, place()]) {
      const [ends] = await cluster.withLeaders(
        name,
        'looking',
        async (leader) => {
          const [range] = await leader.ranges(name, [partition], 'stable end')
          return { stable: range?.end, all: await leader.offset(name, partition, 'end') }
        },
        partition,
      )
      assert.equal(ends?.stable, ends?.all, `${name}[${partition}]`)
    }
  }

  it('is committed by the next writer when it is whole: its own was told that it is', async () => {
    await unmarked(out)
    assert.equal(await commit('7'), '7')
    assert.deepEqual(await rows(), [
      ['6', '7'],
      ['6', '7'],
    ])
    await allIsDecided()
  })

  it('is aborted when it is not whole, and written again', async () => {
    await unmarked(out.slice(0, 1))
    assert.equal(await commit('7'), '6')
    assert.deepEqual(await rows(), [
      ['6', '7'],
      ['6', '7'],
    ])
    await allIsDecided()
  })

  it('is committed where a partition has been told that it is: readers have seen those rows', async () => {
    const writer = await unmarked(out)
    await writer.end(out.slice(0, 1), true)
    assert.equal(await commit('7'), '7')
    assert.deepEqual(await rows(), [
      ['6', '7'],
      ['6', '7'],
    ])
    await allIsDecided()
  })

  it('is committed where its progress is, and its rows have no marker', async () => {
    const writer = await unmarked(out)
    await writer.end([place()], true)
    assert.equal(await commit('7'), '7')
    assert.deepEqual(await rows(), [
      ['6', '7'],
      ['6', '7'],
    ])
    await allIsDecided()
  })

  it('is aborted where a partition has been told so', async () => {
    const writer = await unmarked(out)
    await writer.end(out.slice(1), false)
    assert.equal(await commit('7'), '6')
    assert.deepEqual(await rows(), [
      ['6', '7'],
      ['6', '7'],
    ])
    await allIsDecided()
  })

  it('keeps the id from being written to when nobody knows where it wrote', async () => {
    await unmarked(out, {})
    const expected = {
      code: 'QRT_LOG_UNREACHABLE',
      message: /neither, and its record does not say.*kafka-transactions\.sh/,
    }
    await assert.rejects(commit('7'), expected)
    await assert.rejects(commit('7'), expected)
    assert.deepEqual(await rows(), [['6'], ['6']])
  })

  it('keeps the id from being written to when it is that of a producer which the id no longer has', async () => {
    const writer = await UnmarkedWriter.open(cluster, `${id}, before`)
    await writer.write(place(), { key: Buffer.from(id), value: Buffer.from('7'), headers: contentsHeader([]) })
    await assert.rejects(commit('7'), {
      code: 'QRT_LOG_UNREACHABLE',
      message: /neither, and the id has another producer now, \d+; nothing is written/,
    })
  })

  it('is seen by its own writer, which begins no other one until it has its marker', async () => {
    const writer = await unmarked([])
    const end = await cluster.withLeaders(
      topic,
      'looking',
      (leader) => leader.offset(topic, place().partition, 'end'),
      place().partition,
    )
    const written = (end[0] ?? 0) - 1
    await writer.write(out[0]!, row('7'))
    const marked = () => untilMarked(cluster, place(), written, out)
    const unmarkedIn = ({ topic: name, partition }: LogPartition) => ({
      message: `the transaction at ${written} has no marker in ${name}[${partition}]`,
    })
    await assert.rejects(marked(), unmarkedIn(place()))
    await writer.end([place()], true)
    await assert.rejects(marked(), unmarkedIn(out[0]!))
    await writer.end([out[0]!], true)
    await marked()
  })

  /** Looks for the progress; `meanwhile` happens after the first look. */
  function lookTwice(meanwhile: () => Promise<void>) {
    const watched = new (class extends KafkaCluster {
      #looks = 0
      override async withLeaders<T>(...args: Parameters<typeof KafkaCluster.prototype.withLeaders<T>>): Promise<T[]> {
        this.#looks += 1
        if (this.#looks === 2) await meanwhile()
        return super.withLeaders(...args)
      }
    })(settings)
    return readProgress(watched, topic, id, PROGRESS_PARTITIONS).finally(() => watched.close())
  }

  it('is waited for: its marker may be on its way', async () => {
    const writer = await unmarked([])
    const { committed, undecided } = await lookTwice(() => writer.end([place()], true))
    assert.equal(Buffer.from(committed?.progress ?? []).toString(), '7')
    assert.equal(undecided, undefined)
  })

  it('is no such thing when another follows it: a newer writer is at work', async () => {
    const writer = await unmarked([])
    const next = async () => {
      await writer.end([place()], true)
      await unmarked([])
    }
    await assert.rejects(lookTwice(next), {
      code: 'QRT_LOG_FENCED',
      message: /a newer writer of "unit-\d+" is at work/,
    })
  })
})
