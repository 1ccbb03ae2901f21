/** What a chaos run plays on: real services, peer processes, a load and its sinks; all of it is taken down at the end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { SinkConnections } from '../../src/commit/sink.ts'
import type { Log, LogSettings } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { kafkaRows, mongodbRows, type SinkRow, s3Client, s3Rows } from '../e2e/sink-readers.ts'
import { eventually } from '../eventually.ts'
import { type KafkaOptions, type KafkaService, kafka } from '../services/kafka.ts'
import { type MongodbService, mongodb } from '../services/mongodb.ts'
import { type S3Service, s3 } from '../services/s3.ts'
import { difference, type Load } from './load.ts'
import type { Endpoint } from './network/network.ts'

const SETTLED_WITHIN_MS = 60_000

export class Scene {
  readonly folder: string
  readonly log: Log
  readonly logSettings: LogSettings
  readonly connections: SinkConnections
  readonly #kafka: KafkaService
  readonly #mongodb: MongodbService
  readonly #s3: S3Service
  #names = 0

  static async start(options: KafkaOptions = {}): Promise<Scene> {
    const services = await Promise.all([kafka(options), mongodb(), s3()])
    for (const service of services) if ('unavailable' in service) throw new Error(service.unavailable)
    const [broker, database, store] = services as [KafkaService, MongodbService, S3Service]
    const folder = await mkdtemp(join(tmpdir(), 'quorate-chaos-'))
    const log = await openLog({ kind: 'kafka', brokers: broker.brokers, clientId: 'chaos' })
    return new Scene(folder, log, broker, database, store)
  }

  private constructor(folder: string, log: Log, broker: KafkaService, database: MongodbService, store: S3Service) {
    this.folder = folder
    this.log = log
    this.#kafka = broker
    this.#mongodb = database
    this.#s3 = store
    this.logSettings = { kind: 'kafka', brokers: broker.brokers, clientId: 'quorate' }
    this.connections = {
      mongodb: { url: database.url },
      s3: {
        region: store.region,
        endpoint: store.endpoint,
        forcePathStyle: true,
        accessKeyId: store.accessKeyId,
        secretAccessKey: store.secretAccessKey,
      },
    }
  }

  get brokers(): readonly string[] {
    return this.#kafka.brokers
  }

  get broker(): KafkaService {
    return this.#kafka
  }

  /** Of the log and the stores. */
  get endpoints(): readonly Endpoint[] {
    const urls = [...this.brokers.map((broker) => `kafka://${broker}`), this.#mongodb.url, this.#s3.endpoint]
    return urls.map((url) => new URL(url)).map(({ hostname, port }) => ({ host: hostname, port: Number(port) }))
  }

  /** A source topic and one place at each sink, with names of their own. */
  async place(partitions: number): Promise<Place> {
    const name = `chaos-${process.pid}-${++this.#names}`
    await this.log.createTopic(`${name}-in`, { partitions })
    await this.log.createTopic(`${name}-out`, { partitions: 2 })
    const kept = `${name}-kept`
    for (const bucket of [name, kept]) await s3Client(this.#s3).send(new CreateBucketCommand({ Bucket: bucket }))
    const readers: Readonly<Record<string, () => Promise<SinkRow[]>>> = {
      kafka: () => kafkaRows(this.#kafka.brokers, `${name}-out`),
      mongodb: () => mongodbRows(this.#mongodb.url, 'chaos', name),
      s3: () => s3Rows(this.#s3, name),
    }
    return {
      name,
      topic: `${name}-in`,
      sinks: [
        `kafka: { topic: ${name}-out }`,
        `mongodb: { database: chaos, collection: ${name} }`,
        `s3: { bucket: ${name}, prefix: "" }`,
      ],
      checkpoints: { s3: { bucket: kept, prefix: 'quorate/' } },
      checkpointed: async () => {
        const { Contents = [] } = await s3Client(this.#s3).send(new ListObjectsV2Command({ Bucket: kept }))
        const units = Contents.map(({ Key = '' }) => /(\d+-\d+)\/\d+-\d+\.json$/.exec(Key)?.[1])
        return new Set(units.filter((unit) => unit !== undefined)).size
      },
      rows: async (sink) => (await readers[sink]?.())?.length ?? 0,
      compare: async (load) => {
        const differences: Record<string, string> = {}
        for (const [sink, read] of Object.entries(readers)) {
          let found: string | undefined
          await eventually(
            `${sink} has everything`,
            async () => {
              found = difference(await read(), load.expected)
              return found === undefined || !found.endsWith('missing')
            },
            SETTLED_WITHIN_MS,
          ).catch(() => undefined)
          if (found !== undefined) differences[sink] = found
        }
        return differences
      },
    }
  }

  /** @param keep what peers wrote stays, and where it is is told: something was wrong */
  async stop({ keep }: { readonly keep: boolean }): Promise<void> {
    await this.log.close()
    await Promise.all([this.#kafka.stop({ keep }), this.#mongodb.stop(), this.#s3.stop()])
    const { folder } = this.#kafka
    if (keep && folder !== undefined) console.error(`what the broker wrote is in ${folder}`)
    if (keep) console.error(`what the peers wrote and logged is in ${this.folder}`)
    else await rm(this.folder, { recursive: true, force: true })
  }
}

export interface Place {
  readonly name: string
  readonly topic: string
  /** For the job's document. */
  readonly sinks: readonly string[]
  /** For the peers' configuration. */
  readonly checkpoints: object
  /** How many units have a checkpoint there. */
  readonly checkpointed: () => Promise<number>
  /** How many rows are at a sink now. */
  readonly rows: (sink: 'kafka' | 'mongodb' | 's3') => Promise<number>
  /** What is wrong at each sink; nothing when all is exactly as expected. */
  readonly compare: (load: Load) => Promise<Readonly<Record<string, string>>>
}
