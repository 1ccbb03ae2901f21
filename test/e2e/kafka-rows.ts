/**
 * What a reader of committed records finds in a Kafka topic, read here byte by byte: Fetch version 4, record batches of
 * version 2, and the markers that end transactions. kafkajs cannot serve as this reader: it expects the broker's list of
 * aborted transactions by their first offset, the broker gives it by their last, and so where two of them overlap it shows
 * records that were aborted, or hides ones that were not.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'

export interface TopicRecord {
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

const FETCH = 1
const VERSION = 4
const MAX_BYTES = 8 << 20
const COMMIT = 1
/** What is undecided for longer is left out, as for every reader: its writer was frozen or killed. */
const DECIDED_WITHIN_MS = 10_000

/** Every committed record of a topic, from the beginning to the end that it has now. */
export async function committedRecords(brokers: readonly string[], topic: string): Promise<TopicRecord[]> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const [{ topics }, cluster, ends] = await Promise.all([
    admin.fetchTopicMetadata({ topics: [topic] }),
    admin.describeCluster(),
    admin.fetchTopicOffsets(topic),
  ])
  await admin.disconnect()
  const records: TopicRecord[] = []
  for (const { partitionId, leader } of topics[0]?.partitions ?? []) {
    const broker = cluster.brokers.find(({ nodeId }) => nodeId === leader)
    const end = Number(ends.find(({ partition }) => partition === partitionId)?.high ?? 0)
    if (broker === undefined) throw new Error(`${topic}[${partitionId}] has no leader`)
    const socket = connect({ host: broker.host, port: broker.port })
    try {
      await once(socket, 'connect')
      records.push(...(await readPartition(socket, { topic, partition: partitionId, end })))
    } finally {
      socket.destroy()
    }
  }
  return records
}

async function readPartition(
  socket: Socket,
  { topic, partition, end }: { topic: string; partition: number; end: number },
): Promise<TopicRecord[]> {
  const answers = framesOf(socket)
  const committed: RecordBatch[] = []
  /** By producer: what it wrote since its last marker. */
  const open = new Map<bigint, RecordBatch[]>()
  const deadline = performance.now() + DECIDED_WITHIN_MS
  // A writer hears that its transaction is decided before the marker that says so is in the partition.
  for (let offset = 0; offset < end || (open.size > 0 && performance.now() < deadline); ) {
    socket.write(fetchRequest(topic, partition, offset))
    const { value: answer } = await answers.next()
    if (answer === undefined) throw new Error(`the broker ended the connection while ${topic} was read`)
    const before = offset
    for (const batch of batchesOf(recordsOf(answer, topic))) {
      if (batch.nextOffset <= offset) continue
      const isNews = offset >= end
      offset = batch.nextOffset
      if (batch.control) {
        if (batch.marker === COMMIT) committed.push(...(open.get(batch.producer) ?? []))
        open.delete(batch.producer)
      } else if (isNews) continue
      else if (batch.transactional) {
        open.set(batch.producer, [...(open.get(batch.producer) ?? []), batch])
      } else committed.push(batch)
    }
    if (offset === before && offset < end) {
      throw new Error(`nothing comes at offset ${offset} of ${topic}, before its end ${end}`)
    }
  }
  return committed.sort((a, b) => a.nextOffset - b.nextOffset).flatMap(({ records }) => records)
}

function fetchRequest(topic: string, partition: number, offset: number): Buffer {
  const name = Buffer.from(topic)
  const body = Buffer.alloc(61 + name.length)
  let at = body.writeInt32BE(body.length - 4)
  at = body.writeInt16BE(FETCH, at)
  at = body.writeInt16BE(VERSION, at)
  at = body.writeInt32BE(0, at)
  at = body.writeInt16BE(-1, at)
  // No replica; 500 ms, one byte and at most so many; what is not yet decided too.
  at = body.writeInt32BE(-1, at)
  at = body.writeInt32BE(500, at)
  at = body.writeInt32BE(1, at)
  at = body.writeInt32BE(MAX_BYTES, at)
  at = body.writeInt8(0, at)
  at = body.writeInt32BE(1, at)
  at = body.writeInt16BE(name.length, at)
  at += name.copy(body, at)
  at = body.writeInt32BE(1, at)
  at = body.writeInt32BE(partition, at)
  at = body.writeBigInt64BE(BigInt(offset), at)
  body.writeInt32BE(MAX_BYTES, at)
  return body
}

/** Answers without their length. */
async function* framesOf(socket: Socket): AsyncGenerator<Buffer> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
      const size = bytes.readInt32BE(0)
      yield bytes.subarray(4, 4 + size)
      bytes = bytes.subarray(4 + size)
    }
  }
}

/** Of the one partition in an answer. */
function recordsOf(answer: Buffer, topic: string): Buffer {
  // Correlation, throttle time, one topic, its name, one partition, its number.
  let at = 12 + 2 + Buffer.byteLength(topic) + 4 + 4
  const error = answer.readInt16BE(at)
  if (error !== 0) throw new Error(`fetching from ${topic} failed with error ${error}`)
  at += 2 + 8 + 8
  const aborted = Math.max(0, answer.readInt32BE(at))
  at += 4 + aborted * 16
  return answer.subarray(at + 4, at + 4 + Math.max(0, answer.readInt32BE(at)))
}

interface RecordBatch {
  readonly nextOffset: number
  readonly producer: bigint
  readonly transactional: boolean
  readonly control: boolean
  readonly marker: number | undefined
  readonly records: readonly TopicRecord[]
}

/** The last one of an answer may be cut off. */
function* batchesOf(bytes: Buffer): Generator<RecordBatch> {
  for (let at = 0; at + 12 <= bytes.length; ) {
    const size = 12 + bytes.readInt32BE(at + 8)
    if (at + size > bytes.length) return
    const batch = bytes.subarray(at, at + size)
    const attributes = batch.readInt16BE(21)
    if ((attributes & 7) !== 0) throw new Error('a compressed batch: the product writes none')
    const control = (attributes & 32) !== 0
    const raw = [...rawRecords(batch.subarray(61), batch.readInt32BE(57))]
    yield {
      nextOffset: Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23) + 1,
      producer: batch.readBigInt64BE(43),
      transactional: (attributes & 16) !== 0,
      control,
      marker: control ? raw[0]?.key?.readInt16BE(2) : undefined,
      records: raw.map(({ value, headers }) => ({ value: String(value), headers })),
    }
    at += size
  }
}

interface RawRecord {
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined
  readonly headers: Readonly<Record<string, string>>
}

function* rawRecords(bytes: Buffer, count: number): Generator<RawRecord> {
  let at = 0
  const number = (): number => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return Number((value >> 1n) ^ -(value & 1n))
    }
  }
  const sized = (): Buffer | undefined => {
    const size = number()
    if (size < 0) return undefined
    at += size
    return bytes.subarray(at - size, at)
  }
  for (let i = 0; i < count; i++) {
    number()
    at += 1
    number()
    number()
    const [key, value] = [sized(), sized()]
    const headers: Record<string, string> = {}
    for (let left = number(); left > 0; left--) headers[String(sized())] = String(sized())
    yield { key, value, headers }
  }
}
