/**
 * A broker that does what a test says: it speaks enough of Kafka's protocol to be read from, and lies, fails and hangs on
 * request, which a real one does not. Each connection is answered in order, as brokers do.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { WireReader, WireWriter } from '../../src/log/kafka/wire.ts'
import type { AbortedTransaction } from '../../src/log/records/record-set.ts'

export interface AskedFetch {
  readonly partition: number
  readonly offset: number
  readonly maxWaitMs: number
  readonly version: number
  /** Or its name, from who asks by that. */
  readonly topicId: string
}

export interface ScriptedAnswer {
  readonly error?: number
  readonly records?: Uint8Array
  /** Of what is stable; by default all that is there. */
  readonly end?: number
  readonly aborted?: readonly AbortedTransaction[]
  /** The connection ends after so many bytes of the answer. */
  readonly dropAfterBytes?: number
}

const API = { fetch: 1, listOffsets: 2, metadata: 3, saslHandshake: 17, apiVersions: 18, saslAuthenticate: 36 } as const

export class ScriptedBroker {
  readonly topic = 'scripted'
  topicId = 'ab'.repeat(16)
  partitions = 1
  /** Where metadata says that this broker is; itself by default. */
  advertised: string | undefined
  /** Highest versions of Metadata and Fetch. */
  versions = { metadata: 10, fetch: 13 }
  /** What ListOffsets tells; undefined: nothing of any partition. */
  range: { readonly start: number; readonly end: number } | undefined = { start: 0, end: 0 }
  /** Said to whoever authenticates; undefined: welcome. */
  refusal: ((password: string) => string) | undefined
  /** How a fetch of one partition is answered. */
  onFetch: (asked: AskedFetch) => ScriptedAnswer | Promise<ScriptedAnswer> = () => ({})
  readonly fetches: AskedFetch[] = []
  metadataRequests = 0
  /** What metadata tells is as of its request, and gets through when this resolves. */
  metadataGate: Promise<void> = Promise.resolve()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #port = 0

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => undefined)
      this.#serve(socket)
    })
  }

  static async start(): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker()
    await broker.listen()
    return broker
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Again on the same port, after `close`. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    let received = Buffer.alloc(0)
    let answering = Promise.resolve()
    socket.on('data', (data) => {
      received = Buffer.concat([received, data])
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const request = received.subarray(4, 4 + received.readInt32BE(0))
        received = received.subarray(4 + request.length)
        answering = answering.then(() => this.#answer(socket, request))
      }
    })
  }

  async #answer(socket: Socket, request: Buffer): Promise<void> {
    const [key, version, correlation] = [request.readInt16BE(0), request.readInt16BE(2), request.readInt32BE(4)]
    const flexible = (key === API.metadata && version >= 9) || (key === API.fetch && version >= 12)
    const reader = new WireReader(request.subarray(10 + Math.max(0, request.readInt16BE(8))), flexible)
    reader.end()
    const writer = new WireWriter(flexible)
    writer.int32(correlation).end()
    const dropAfter = await this.#write(key, version, reader, writer, request)
    const size = Buffer.alloc(4)
    size.writeInt32BE(writer.bytes.length)
    const answer = Buffer.concat([size, writer.bytes])
    if (dropAfter === undefined) socket.write(answer)
    else socket.end(answer.subarray(0, dropAfter))
  }

  /** Returns after how many bytes to end the connection, if it is to end. */
  async #write(
    key: number,
    version: number,
    reader: WireReader,
    writer: WireWriter,
    request: Buffer,
  ): Promise<number | undefined> {
    switch (key) {
      case API.apiVersions: {
        const highest = { ...{ [API.fetch]: this.versions.fetch, [API.metadata]: this.versions.metadata } }
        const all = { ...highest, [API.listOffsets]: 2, [API.saslHandshake]: 1, [API.saslAuthenticate]: 0 }
        writer.int16(0).array(Object.entries(all), ([api, max]) => writer.int16(Number(api)).int16(0).int16(max))
        if (version > 0) writer.int32(0)
        return undefined
      }
      case API.saslHandshake:
        writer.int16(0).array(['PLAIN'], (mechanism) => writer.string(mechanism))
        return undefined
      case API.saslAuthenticate: {
        const password = request.toString('latin1').split('\0').at(-1) ?? ''
        writer
          .int16(this.refusal === undefined ? 0 : 58)
          .string(this.refusal?.(password) ?? '')
          .int32(0)
        return undefined
      }
      case API.metadata:
        this.metadataRequests += 1
        this.#writeMetadata(writer, version >= 10)
        await this.metadataGate
        return undefined
      case API.listOffsets:
        this.#writeOffsets(reader, writer)
        return undefined
      case API.fetch:
        return this.#writeFetch(reader, writer, version)
    }
    throw new Error(`the scripted broker does not know API ${key}`)
  }

  #writeMetadata(writer: WireWriter, withIds: boolean): void {
    writer.int32(0)
    const port = Number(this.advertised?.split(':')[1] ?? this.#port)
    writer.array([port], () => writer.int32(1).string('127.0.0.1').int32(port).string('').end())
    writer.string('scripted-cluster').int32(1)
    writer.array([this.topic], (topic) => {
      writer.int16(0).string(topic)
      if (withIds) writer.uuid(this.topicId)
      writer.int8(0)
      const numbers = Array.from({ length: this.partitions }, (_, i) => i)
      writer.array(numbers, (partition) => {
        writer.int16(0).int32(partition).int32(1).int32(0)
        for (let list = 0; list < 3; list++) writer.array([1], (node) => writer.int32(node))
        writer.end()
      })
      writer.int32(0).end()
    })
    writer.int32(0).end()
  }

  #writeOffsets(reader: WireReader, writer: WireWriter): void {
    reader.int32()
    reader.int8()
    const asked = reader.array(() => ({
      topic: reader.string(),
      partitions: reader.array(() => ({ partition: reader.int32(), timestamp: reader.int64() })),
    }))
    const { range } = this
    writer.int32(0).array(asked, ({ topic, partitions }) => {
      writer.string(topic).array(range === undefined ? [] : partitions, ({ partition, timestamp }) => {
        writer.int32(partition).int16(0).int64(-1)
        writer.int64((timestamp === -2 ? range?.start : range?.end) ?? 0)
      })
    })
  }

  async #writeFetch(reader: WireReader, writer: WireWriter, version: number): Promise<number | undefined> {
    const flexible = version >= 12
    reader.int32()
    const maxWaitMs = reader.int32()
    for (let field = 0; field < 2; field++) reader.int32()
    reader.int8()
    for (let field = 0; field < 2; field++) reader.int32()
    const asked = reader
      .array(() => {
        const topicId = version >= 13 ? reader.uuid() : reader.string()
        const partitions = reader.array(() => {
          const partition = reader.int32()
          reader.int32()
          const offset = reader.int64()
          if (flexible) reader.int32()
          reader.int64()
          reader.int32()
          reader.end()
          return { partition, offset, maxWaitMs, version, topicId }
        })
        reader.end()
        return partitions
      })
      .flat()
    this.fetches.push(...asked)
    const answers = await Promise.all(asked.map((each) => this.onFetch(each)))
    if (answers.every(({ error = 0, records = [] }) => error === 0 && records.length === 0)) await held(maxWaitMs)
    writer.int32(0).int16(0).int32(0)
    writer.array(asked, (each) => {
      const { error = 0, records = new Uint8Array(), end = 0, aborted = [] } = answers[asked.indexOf(each)]!
      if (version >= 13) writer.uuid(this.topicId)
      else writer.string(this.topic)
      writer.array([each], ({ partition }) => {
        writer.int32(partition).int16(error).int64(end).int64(end).int64(0)
        writer.array(aborted, ({ producerId, firstOffset }) => writer.int64(producerId).int64(firstOffset).end())
        writer.int32(-1)
        writeBytes(writer, records)
        writer.end()
      })
      writer.end()
    })
    writer.end()
    return answers.find(({ dropAfterBytes }) => dropAfterBytes !== undefined)?.dropAfterBytes
  }
}

/** As long as a broker holds back an answer that has nothing. */
const held = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Bytes have the grammar of a list of bytes. */
function writeBytes(writer: WireWriter, bytes: Uint8Array): void {
  writer.array([...bytes], (byte) => writer.int8(byte > 127 ? byte - 256 : byte))
}
