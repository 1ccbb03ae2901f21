/** The part of kafkajs 2.2.4 below its public door that the reader uses: a broker, its connections, and what they send. */
declare module 'kafkajs/src/broker/index.js' {
  import type ConnectionPool from 'kafkajs/src/network/connectionPool.js'

  interface ApiVersion {
    readonly minVersion: number
    readonly maxVersion: number
  }

  interface ListedOffsets {
    readonly responses: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  }

  export default class Broker {
    constructor(options: { readonly connectionPool: ConnectionPool; readonly logger: Logger })
    /** Connects, learns the versions, authenticates. */
    connect(): Promise<void>
    readonly versions: Readonly<Record<number, ApiVersion>> | null
    /** `timestamp` −2: the start, −1: the end; with isolation level 1 that of what is stable. */
    listOffsets(request: {
      readonly replicaId: -1
      readonly isolationLevel: 0 | 1
      readonly topics: readonly {
        readonly topic: string
        readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[]
      }[]
    }): Promise<ListedOffsets>
    /** `coordinatorType` 1: of a transactional id. */
    findGroupCoordinator(request: { readonly groupId: string; readonly coordinatorType: 1 }): Promise<{
      readonly coordinator: { readonly host: string; readonly port: number }
    }>
    initProducerId(request: { readonly transactionalId: string; readonly transactionTimeout: number }): Promise<{
      readonly producerId: string
      readonly producerEpoch: number
    }>
    addPartitionsToTxn(request: {
      readonly transactionalId: string
      readonly producerId: number
      readonly producerEpoch: number
      readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
    }): Promise<unknown>
    endTxn(request: {
      readonly transactionalId: string
      readonly producerId: number
      readonly producerEpoch: number
      readonly transactionResult: boolean
    }): Promise<unknown>
    deleteRecords(request: {
      readonly topics: readonly {
        readonly topic: string
        readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
      }[]
    }): Promise<void>
  }

  /** kafkajs asks it for namespaces and calls its levels. */
  export interface Logger {
    namespace(): Logger
    debug(): void
    info(): void
    warn(): void
    error(): void
  }
}

declare module 'kafkajs/src/network/connectionPool.js' {
  import type { Socket } from 'node:net'
  import type { ISocketFactory, SASLOptions } from 'kafkajs'
  import type { Logger } from 'kafkajs/src/broker/index.js'

  interface RawRequest<Raw, T> {
    readonly request: {
      readonly apiKey: number
      readonly apiVersion: number
      readonly apiName: string
      /** What follows the request header of version 1. */
      readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>
    }
    /** `decode` gets what follows the correlation id. */
    readonly response: { decode(raw: Buffer): Promise<Raw>; parse(decoded: Raw): Promise<T> }
    readonly logResponseError?: boolean
  }

  interface Connection {
    readonly socket: Socket | undefined
    send<Raw, T>(request: RawRequest<Raw, T>): Promise<T>
    rejectRequests(error: Error): void
    disconnect(): Promise<boolean>
  }

  export default class ConnectionPool {
    constructor(options: {
      readonly host: string
      readonly port: number
      readonly clientId: string
      readonly ssl: object | null
      readonly sasl: SASLOptions | null
      readonly socketFactory: ISocketFactory
      readonly connectionTimeout: number
      readonly requestTimeout: number
      readonly enforceRequestTimeout: boolean
      readonly logger: Logger
    })
    readonly pool: readonly Connection[]
    getConnection(index?: number): Promise<Connection>
  }
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[]
    scheduleCheckPendingRequests(): void
  }
}
