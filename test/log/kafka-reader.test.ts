import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'

import { KafkaCluster } from '../../src/log/kafka/cluster.ts'
import { KafkaReader } from '../../src/log/kafka/reader.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { AT } from '../../src/log/records/batch-header.ts'
import { encodeBatch } from '../../src/log/records/encode.ts'
import { records, valuesOf } from '../contract/log.contract.ts'
import { LogRecorder, type Take } from '../contract/log-recorder.ts'
import { eventually } from '../eventually.ts'
import { batch, concat, TRANSACTIONAL } from './records/batches.ts'
import { type AskedFetch, ScriptedBroker } from './scripted-broker.ts'

const FIRST = { topic: 'scripted', partition: 0 }
const SECOND = { topic: 'scripted', partition: 1 }
const numbered = (from: number, to: number) => encodeBatch(records(from, to), from, 0)

describe('the reader of Kafka, with a broker that does what it is told', () => {
  let broker: ScriptedBroker
  let cluster: KafkaCluster
  let recorders: LogRecorder[]
  let compacted: boolean
  beforeEach(async () => {
    broker = await ScriptedBroker.start()
    cluster = new KafkaCluster({ kind: 'kafka', brokers: [broker.address], clientId: 'test' })
    recorders = []
    compacted = false
  })
  afterEach(async () => {
    for (const recorder of recorders) await recorder.close()
    cluster.close()
    await broker.close()
  })

  const read = (take?: Take): LogRecorder => {
    const log: Pick<Log, 'reader'> = { reader: (handler) => new KafkaReader(cluster, handler, async () => compacted) }
    const recorder = new LogRecorder(log, take)
    recorders.push(recorder)
    return recorder
  }
  /** A partition with these bytes from offset 0 on; a fetch gets all of its batches that end beyond its offset. */
  const holds = (...batches: readonly Uint8Array[]) => {
    const parts = batches.map((bytes) => {
      const view = new DataView(bytes.buffer)
      const base = view.getInt32(4)
      return { bytes, next: base + view.getInt32(AT.lastOffsetDelta) + 1 }
    })
    const end = parts.at(-1)?.next ?? 0
    return ({ offset }: AskedFetch) => {
      const found = parts.filter(({ next }) => next > offset).map(({ bytes }) => bytes)
      return { records: concat(...found), end }
    }
  }
  const damaged = (bytes: Uint8Array) => {
    const bad = bytes.slice()
    bad[bad.length - 3]! ^= 4
    return bad
  }

  it('fetches again what does not match its checksum, and delivers it once', async () => {
    let reads = 0
    const good = holds(numbered(0, 3), numbered(3, 6))
    const bad = holds(numbered(0, 3), damaged(numbered(3, 6)))
    broker.onFetch = (asked) => {
      if (asked.offset >= 6) return good(asked)
      reads += 1
      return reads < 3 ? bad(asked) : good(asked)
    }
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await recorder.until('all is delivered', () => recorder.values(FIRST).length === 6)
    assert.deepEqual(recorder.values(FIRST), valuesOf(records(0, 6)))
    assert.deepEqual(recorder.of(FIRST).halts, [])
  })

  it('asks again when a broker does not say where a partition ends, and does not take it for a truncated one', async () => {
    const OFFSET_OUT_OF_RANGE = 1
    const good = holds(numbered(0, 3), numbered(3, 6))
    let refused = 0
    broker.range = undefined
    broker.onFetch = (asked) => {
      if (asked.offset > 3 || refused === 3) return good(asked)
      refused += 1
      return { error: OFFSET_OUT_OF_RANGE }
    }
    const recorder = read()
    recorder.reader.add(FIRST, 3)
    await recorder.until('all is delivered', () => recorder.values(FIRST).length === 3)
    assert.deepEqual(recorder.of(FIRST).halts, [])
  })

  it('halts where nothing else comes, however often it is fetched, and delivers what is before', async () => {
    broker.onFetch = holds(numbered(0, 3), damaged(numbered(3, 6)))
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    const error = await recorder.untilHalt(FIRST)
    assert.equal(error.code, 'QRT_LOG_CORRUPT')
    assert.match(error.message, /scripted\[0\].* offset 3:.*read 4 times.*checksum/)
    assert.deepEqual(recorder.values(FIRST), valuesOf(records(0, 3)))
  })

  it('halts at a message format that is not read here', async () => {
    const old = numbered(0, 3)
    old[AT.magic] = 1
    broker.onFetch = () => ({ records: old, end: 3 })
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    assert.equal((await recorder.untilHalt(FIRST)).code, 'QRT_LOG_UNSUPPORTED')
  })

  it('halts where batches are missing, unless the topic is compacted', async () => {
    broker.onFetch = holds(numbered(0, 3), numbered(5, 7))
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    const error = await recorder.untilHalt(FIRST)
    assert.equal(error.code, 'QRT_LOG_OFFSET_LOST')
    assert.match(error.message, /records from 3 to 5 are missing/)

    compacted = true
    recorder.reader.seek(FIRST, 0)
    await recorder.until('it goes on over the gap', () => recorder.values(FIRST).length === 5)
    assert.deepEqual(recorder.values(FIRST), ['0', '1', '2', '5', '6'])
  })

  it('looks for the leader when a broker is none, and says nothing of an outage', async () => {
    const NOT_LEADER = 6
    const FENCED_LEADER_EPOCH = 74
    const UNKNOWN_LEADER_EPOCH = 75
    const errors = [NOT_LEADER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH]
    const good = holds(numbered(0, 3))
    broker.onFetch = (asked) => {
      const error = errors.shift()
      return error === undefined ? good(asked) : { error }
    }
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await recorder.until('all is delivered', () => recorder.values(FIRST).length === 3)
    assert.ok(broker.metadataRequests >= 4, `asked ${broker.metadataRequests} times who leads`)
    assert.deepEqual(recorder.outages, [])
  })

  it('follows a broker to another address, whatever is on its way at the old one', async () => {
    const moved = await ScriptedBroker.start()
    moved.onFetch = holds(numbered(0, 3), numbered(3, 6))
    const never = new Promise<never>(() => undefined)
    let fetches = 0
    const good = holds(numbered(0, 3))
    broker.partitions = 2
    broker.onFetch = (asked) => {
      if (asked.partition === 1) return { error: 6 }
      fetches += 1
      return fetches === 1 ? good(asked) : never
    }
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await recorder.until('it reads', () => recorder.values(FIRST).length === 3)
    broker.advertised = moved.address
    // Its leader is looked for, and with it that of the first.
    recorder.reader.add(SECOND, 0)
    await recorder.until('it reads at the new one', () => recorder.values(FIRST).length === 6)
    assert.deepEqual(recorder.values(FIRST), valuesOf(records(0, 6)))
    recorder.reader.remove(FIRST)
    recorder.reader.remove(SECOND)
    await moved.close()
  })

  it('halts when the topic has become another one', async () => {
    const UNKNOWN_TOPIC_ID = 100
    const good = holds(numbered(0, 3))
    let replaced = false
    broker.onFetch = (asked) => (replaced ? { error: UNKNOWN_TOPIC_ID } : good(asked))
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await recorder.until('it reads', () => recorder.values(FIRST).length === 3)
    replaced = true
    broker.topicId = 'cd'.repeat(16)
    assert.equal((await recorder.untilHalt(FIRST)).code, 'QRT_LOG_TOPIC_GONE')
  })

  //   add ──▶ metadata: ab… ───────────── on its way ─────▶ is not about what was sought
  //       the topic is replaced by cd…, seek ──▶ metadata: cd… ──▶ fetch
  it('takes the topic that is there after a seek, whatever metadata was on its way before', async () => {
    const { promise, resolve: release } = Promise.withResolvers<void>()
    broker.metadataGate = promise
    broker.onFetch = holds(numbered(0, 3))
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await eventually('it asks', () => broker.metadataRequests > 0)
    broker.topicId = 'cd'.repeat(16)
    recorder.reader.seek(FIRST, 1)
    release()
    await recorder.until('it reads', () => recorder.values(FIRST).length === 2)
    assert.deepEqual([...new Set(broker.fetches.map(({ topicId }) => topicId))], [broker.topicId])
  })

  it('goes on behind the last whole batch of an answer that is cut off', async () => {
    const whole = holds(numbered(0, 3), numbered(3, 6), numbered(6, 9))
    broker.onFetch = (asked) => {
      const { records: bytes, end } = whole(asked)
      return { records: bytes.subarray(0, numbered(0, 3).length + 20), end }
    }
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await recorder.until('all is delivered', () => recorder.values(FIRST).length === 9)
    assert.deepEqual(recorder.values(FIRST), valuesOf(records(0, 9)))
  })

  it('goes on when a connection ends in the middle of an answer', async () => {
    const good = holds(numbered(0, 3), numbered(3, 6))
    let dropped = 0
    broker.onFetch = (asked) => {
      dropped += 1
      return { ...good(asked), ...(dropped <= 2 ? { dropAfterBytes: 50 } : {}) }
    }
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await recorder.until('all is delivered', () => recorder.values(FIRST).length === 6)
    assert.deepEqual(recorder.values(FIRST), valuesOf(records(0, 6)))
    assert.deepEqual(recorder.outages, [])
  })

  it('tells an outage once, and once that it is over', async () => {
    broker.onFetch = holds(numbered(0, 3))
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await recorder.until('it reads', () => recorder.values(FIRST).length === 3)
    await broker.close()
    await recorder.until('the outage is told', () => recorder.outages.length === 1)
    assert.match(String(recorder.outage?.message), /127\.0\.0\.1/)
    await broker.listen()
    broker.onFetch = holds(numbered(0, 3), numbered(3, 5))
    await recorder.until('it goes on', () => recorder.values(FIRST).length === 5)
    assert.deepEqual(
      recorder.outages.map((outage) => outage === undefined),
      [false, true],
    )
    assert.deepEqual(recorder.values(FIRST), valuesOf(records(0, 5)))
  })

  it('reads by topic names from brokers that know no ids', async () => {
    broker.versions = { metadata: 8, fetch: 11 }
    broker.onFetch = holds(numbered(0, 3))
    const recorder = read()
    recorder.reader.add(FIRST, 1)
    await recorder.until('all is delivered', () => recorder.of(FIRST).empties.length > 0)
    assert.deepEqual(recorder.values(FIRST), ['1', '2'])
    assert.ok(broker.fetches.every(({ version }) => version === 11))
  })

  it('never delivers what is not stable, whatever the broker sends', async () => {
    const open = batch({ baseOffset: 3, records: records(3, 6), attributes: TRANSACTIONAL, producerId: 7 })
    const bytes = concat(numbered(0, 3), open)
    let end = 3
    broker.onFetch = ({ offset }) => ({ records: offset < 3 ? bytes : offset < 6 ? open : new Uint8Array(), end })
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await recorder.until('it is at the end', () => recorder.of(FIRST).empties.length >= 2)
    assert.deepEqual(recorder.values(FIRST), valuesOf(records(0, 3)))
    assert.deepEqual([recorder.of(FIRST).empties[0]?.position, recorder.of(FIRST).empties[0]?.end], [3, 3])
    end = 6
    await recorder.until('it became stable', () => recorder.values(FIRST).length === 6)
  })

  //   fetch at 0 ───────────────── hangs ───────────────▶ its answer comes, too late
  //        seek 6 ──▶ fetch at 6 ──▶ 6 7 8
  it('drops the answer to an earlier position', async () => {
    const { promise: late, resolve: release } = Promise.withResolvers<void>()
    const good = holds(numbered(0, 3), numbered(3, 6), numbered(6, 9))
    broker.onFetch = async (asked) => {
      if (asked.offset === 0) await late
      return good(asked)
    }
    const recorder = read()
    recorder.reader.add(FIRST, 0)
    await eventually('it fetches', () => broker.fetches.length > 0)
    recorder.reader.seek(FIRST, 6)
    await recorder.until('it reads from there, over the other lane', () => recorder.values(FIRST).length === 3)
    release()
    await recorder.until('it is told twice that it is at its end', () => recorder.of(FIRST).empties.length >= 3)
    assert.deepEqual(recorder.values(FIRST), valuesOf(records(6, 9)))
  })

  it('fetches one answer ahead and no more while a partition is paused, and reads the others on', async () => {
    broker.partitions = 2
    broker.onFetch = ({ offset }) => ({ records: numbered(offset, offset + 10), end: 1_000_000 })
    const recorder = read(({ partition }, given, start) => (partition === 0 ? 1 : given.length - start))
    recorder.reader.add(FIRST, 0)
    recorder.reader.add(SECOND, 0)
    await recorder.until('the other one read a lot', () => recorder.values(SECOND).length > 300)
    const offsets = new Set(broker.fetches.filter(({ partition }) => partition === 0).map(({ offset }) => offset))
    assert.ok(offsets.size <= 2, `fetched at ${[...offsets]}`)
    assert.equal(recorder.values(FIRST).length, 1)
    recorder.reader.remove(SECOND)
  })

  it('keeps the bytes of a paused partition, and not the answer that they came in', async () => {
    broker.partitions = 2
    const large = encodeBatch([{ key: null, value: Buffer.alloc(200_000) }], 0, 0)
    const small = holds(numbered(0, 3))
    broker.onFetch = (asked) => {
      if (asked.partition === 0) return small(asked)
      return { records: asked.offset === 0 ? large : new Uint8Array(), end: 1 }
    }
    const kept: number[] = []
    const recorder = read(({ partition }, given, start) => {
      if (partition === 0) kept.push(given.value(start)!.buffer.byteLength)
      return 1
    })
    recorder.reader.add(FIRST, 0)
    recorder.reader.add(SECOND, 0)
    await recorder.until('the first is paused', () => recorder.values(FIRST).length === 1)
    await recorder.until('the second is read', () => recorder.values(SECOND).length === 1)
    recorder.reader.resume(FIRST)
    await recorder.until('it goes on', () => recorder.values(FIRST).length === 2)
    assert.ok(kept[0]! > 200_000, `at first it lies in an answer of ${kept[0]} bytes`)
    assert.ok(kept[1]! < 1_000, `then in ${kept[1]} bytes`)
  })

  it('fetches one answer ahead of what is delivered, however long that takes', async () => {
    const BATCH = 9_000
    const ANSWER = 8 * BATCH
    const value = Buffer.alloc(1)
    const many = Array.from({ length: BATCH }, () => ({ key: null, value }))
    broker.onFetch = ({ offset }) => {
      const batches = Array.from({ length: 8 }, (_, i) => encodeBatch(many, offset + i * BATCH, 0))
      return { records: concat(...batches), end: 1e9 }
    }
    let ahead = 0
    const recorder = read((_, given, start) => {
      const asked = Math.max(...broker.fetches.map(({ offset }) => offset))
      ahead = Math.max(ahead, asked - given.offset(start))
      return given.length - start
    })
    recorder.reader.add(FIRST, 0)
    await recorder.until('several answers are delivered', () => recorder.of(FIRST).records.length >= 4 * ANSWER)
    assert.ok(ahead <= ANSWER, `it asked ${ahead / ANSWER} answers ahead`)
  })

  it('waits long on one lane of a broker at most, and takes along what the other one had', async () => {
    broker.partitions = 3
    broker.onFetch = holds()
    const recorder = read()
    const all = [0, 1, 2].map((partition) => ({ topic: 'scripted', partition }))
    for (const partition of all) {
      recorder.reader.add(partition, 0)
      await recorder.until('it is at its end', () => recorder.of(partition).empties.length > 0)
    }
    // Once all are at their end they are asked for together: two of them can only come from one lane then.
    const together = () => {
      const last = broker.fetches.slice(-3)
      return (
        new Set(last.map(({ partition }) => partition)).size === 3 && last.every(({ maxWaitMs }) => maxWaitMs >= 200)
      )
    }
    await recorder.until('they are asked for together', together)
    assert.ok(broker.fetches.some(({ maxWaitMs }) => maxWaitMs <= 50))
  })

  it('is not opened with what is no address of a broker', async () => {
    for (const address of ['localhost', 'kafka://localhost:9092', '', 'a b:1', 'localhost:port']) {
      await assert.rejects(openLog({ kind: 'kafka', brokers: [address], clientId: 'test' }), {
        code: 'QRT_CONFIG_INVALID',
        message: `expected a broker as host:port, found "${address}"`,
      })
    }
  })

  it('says that it was refused without the password, whatever the broker says', async () => {
    broker.refusal = (password) => `no entry for "${password}"`
    const log = await openLog({
      ...{ kind: 'kafka', brokers: [broker.address], clientId: 'test' },
      sasl: { mechanism: 'plain', username: 'reader', password: 'hunter2-secret' },
    })
    for (const call of [() => log.id(), () => log.offsets('scripted'), () => log.openWriter('id', 'progress')]) {
      await assert.rejects(call, (error: Error & { code: string }) => {
        assert.equal(error.code, 'QRT_LOG_REFUSED')
        assert.match(error.message, /no entry for "\*\*\*"/)
        assert.ok(!JSON.stringify(error, Object.getOwnPropertyNames(error)).includes('hunter2'))
        return true
      })
    }
    await log.close()
  })
})
