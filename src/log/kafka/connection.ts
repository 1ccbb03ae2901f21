/**
 * One connection to one broker: kafkajs's socket, version negotiation, TLS and SASL, with requests and answers of our own
 * codecs. Every wait has a deadline, and whatever goes wrong ends the connection: its owner opens another one. So nothing
 * here depends on how kafkajs reconnects or waits for what is under way (a connection that it disconnects waits for
 * answers that may never come).
 */
import Broker, { type Logger } from 'kafkajs/src/broker/index.js'
import ConnectionPool from 'kafkajs/src/network/connectionPool.js'
import type { LogPartition } from '../log.ts'
import { type KafkaSettings, saslOptions, socketFactory, TIMEOUTS, tlsOptions } from './client-options.ts'
import { WireReader, type WireRequest, WireWriter } from './wire.ts'

const SILENT: Logger = {
  namespace: () => SILENT,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** Instead of a time: the first offset, and the one after the last. */
const START = -2
const END = -1
const NONE_SO_LATE = -1
const TRANSACTION_COORDINATOR = 1

export interface TransactionalProducer {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface KafkaTransaction extends TransactionalProducer {
  readonly transactionalId: string
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** Where a partition begins and ends. */
export interface Range {
  readonly partition: number
  readonly start: number
  readonly end: number
}

export class BrokerConnection {
  readonly address: BrokerAddress
  readonly #pool: ConnectionPool
  readonly #broker: Broker
  #ended: Error | undefined

  private constructor(address: BrokerAddress, settings: KafkaSettings) {
    this.address = address
    this.#pool = new ConnectionPool({
      ...address,
      clientId: settings.clientId,
      ssl: tlsOptions(settings) ?? null,
      sasl: saslOptions(settings) ?? null,
      socketFactory,
      connectionTimeout: TIMEOUTS.connectMs,
      requestTimeout: TIMEOUTS.requestMs,
      // Ours, below; kafkajs's looks ten times a second whether one has passed.
      enforceRequestTimeout: false,
      logger: SILENT,
    })
    this.#broker = new Broker({ connectionPool: this.#pool, logger: SILENT })
  }

  /** Connected and authenticated when it resolves. */
  static async open(address: BrokerAddress, settings: KafkaSettings): Promise<BrokerConnection> {
    const connection = new BrokerConnection(address, settings)
    await connection.#within(TIMEOUTS.connectMs, 'to connect', () => connection.#broker.connect())
    return connection
  }

  get isOpen(): boolean {
    return this.#ended === undefined
  }

  knows(api: { readonly key: number }): boolean {
    return this.#broker.versions?.[api.key] !== undefined
  }

  /** The highest version of an API that the broker knows. */
  maxVersion(api: { readonly key: number }): number {
    return this.#broker.versions?.[api.key]?.maxVersion ?? 0
  }

  /** @param waitMs how long the broker was asked to wait by itself */
  send<Answer>(request: WireRequest<Answer>, waitMs = 0): Promise<Answer> {
    return this.#within(TIMEOUTS.requestMs + waitMs, `for an answer to ${request.api.name}`, async () => {
      const connection = await this.#pool.getConnection()
      return connection.send({
        request: {
          apiKey: request.api.key,
          apiVersion: request.version,
          apiName: request.api.name,
          encode: async () => encode(request),
        },
        response: {
          decode: async (raw) => decode(request, raw),
          parse: async (answer) => answer,
        },
        logResponseError: false,
      })
    })
  }

  /** Of partitions that this broker leads, in their order. @throws Error when it says nothing of one */
  async ranges(topic: string, partitions: readonly number[], to: 'stable end' | 'end'): Promise<readonly Range[]> {
    const starts = await this.#listOffsets(topic, partitions, 0, START)
    const ends = await this.#listOffsets(topic, partitions, to === 'stable end' ? 1 : 0, END)
    return partitions.map((partition) => {
      return { partition, start: told(starts.get(partition)), end: told(ends.get(partition)) }
    })
  }

  async #listOffsets(
    topic: string,
    partitions: readonly number[],
    isolationLevel: 0 | 1,
    timestamp: number,
  ): Promise<ReadonlyMap<number, number>> {
    const listed = await this.#within(TIMEOUTS.requestMs, 'for an answer to ListOffsets', () =>
      this.#broker.listOffsets({
        replicaId: -1,
        isolationLevel,
        topics: [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }],
      }),
    )
    return new Map(
      listed.responses.flatMap(({ partitions: found }) =>
        found.map(({ partition, offset }) => [partition, Number(offset)] as const),
      ),
    )
  }

  /**
   * Of a partition that this broker leads: its start, its end, or that of the first record of a time or later (epoch
   * milliseconds), which is its end when there is none.
   */
  async offset(topic: string, partition: number, which: 'start' | 'end' | { timestamp: number }): Promise<number> {
    const timestamp = which === 'start' ? START : which === 'end' ? END : which.timestamp
    const found = (await this.#listOffsets(topic, [partition], 0, timestamp)).get(partition)
    if (found === NONE_SO_LATE && typeof which !== 'string') return this.offset(topic, partition, 'end')
    return told(found)
  }

  /** Of a broker: which one coordinates a transactional id. */
  async coordinatorOf(transactionalId: string): Promise<BrokerAddress> {
    const asking = () =>
      this.#broker.findGroupCoordinator({ groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR })
    const { host, port } = (await this.#within(TIMEOUTS.requestMs, 'for an answer to FindCoordinator', asking))
      .coordinator
    return { host, port }
  }

  /** Of a coordinator: fences the id's producers, and ends what they left open. */
  async initProducer(transactionalId: string, transactionTimeout: number): Promise<TransactionalProducer> {
    const asking = () => this.#broker.initProducerId({ transactionalId, transactionTimeout })
    const answer = await this.#within(TIMEOUTS.requestMs, 'for an answer to InitProducerId', asking)
    return { producerId: Number(answer.producerId), producerEpoch: answer.producerEpoch }
  }

  /** Of a coordinator. */
  async addPartitions(transaction: KafkaTransaction, partitions: readonly LogPartition[]): Promise<void> {
    const topics = [...new Set(partitions.map(({ topic }) => topic))].map((topic) => ({
      topic,
      partitions: partitions.filter((each) => each.topic === topic).map(({ partition }) => partition),
    }))
    const asking = () => this.#broker.addPartitionsToTxn({ ...transaction, topics })
    await this.#within(TIMEOUTS.requestMs, 'for an answer to AddPartitionsToTxn', asking)
  }

  /** Of a coordinator. */
  async endTransaction(transaction: KafkaTransaction, commit: boolean): Promise<void> {
    const asking = () => this.#broker.endTxn({ ...transaction, transactionResult: commit })
    await this.#within(TIMEOUTS.requestMs, 'for an answer to EndTxn', asking)
  }

  /** Of a partition that this broker leads. */
  deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    return this.#within(TIMEOUTS.requestMs, 'for an answer to DeleteRecords', () =>
      this.#broker.deleteRecords({ topics: [{ topic, partitions: [{ partition, offset: String(before) }] }] }),
    )
  }

  close(): void {
    this.#end(new Error(`the connection to ${describe(this.address)} was closed`))
  }

  #end(error: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = error
    for (const connection of this.#pool.pool) {
      // In this order: nothing that is under way keeps `disconnect` waiting then.
      connection.rejectRequests(error)
      connection.disconnect().catch(() => undefined)
      connection.socket?.destroy()
    }
  }

  /** What fails as a whole, as opposed to an answer that says no, ends the connection. */
  async #within<T>(timeoutMs: number, what: string, call: () => Promise<T>): Promise<T> {
    if (this.#ended !== undefined) throw this.#ended
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => reject(new Error(`${describe(this.address)} took longer than ${timeoutMs} ms ${what}`)),
      timeoutMs,
    )
    const calling = call()
    calling.catch(() => undefined)
    try {
      return await Promise.race([calling, late])
    } catch (error) {
      if (!isAnswer(error)) this.#end(error instanceof Error ? error : new Error(String(error)))
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}

const describe = ({ host, port }: BrokerAddress): string => `${host}:${port}`

/** kafkajs's error for an answer that holds an error code: the connection is as good as before. */
const isAnswer = (error: unknown): boolean => error instanceof Error && error.name === 'KafkaJSProtocolError'

function encode(request: WireRequest<unknown>): { readonly buf: Buffer; readonly buffer: Buffer } {
  const writer = new WireWriter(request.flexible)
  // The end of the request header, which has tagged fields in its flexible version.
  writer.end()
  request.write(writer)
  return { buf: writer.bytes, buffer: writer.bytes }
}

function decode<Answer>(request: WireRequest<Answer>, raw: Buffer): Answer {
  const reader = new WireReader(raw, request.flexible)
  reader.end()
  return request.read(reader)
}

/** Without this, a broker that says nothing would have an empty partition. */
function told(offset: number | undefined): number {
  if (offset === undefined || offset < 0) throw new Error(`the broker answered with ${offset} as an offset`)
  return offset
}
