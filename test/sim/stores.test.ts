/** The simulated stores pass the contract that the real ones pass: what the simulator finds with them can be believed. */
import { MongoNetworkError } from 'mongodb'
import { S3Place } from '../../src/checkpoint/s3.ts'
import { MongodbSink } from '../../src/commit/sinks/mongodb.ts'
import { S3Sink } from '../../src/commit/sinks/s3.ts'
import { checkpointPlaceContract } from '../contract/checkpoint-place.contract.ts'
import { ConnectionLost, type Step, sinkContract } from '../contract/sink.contract.ts'
import type { WindowRow } from '../contract/sink-batches.ts'
import { mongodbClient, SimulatedMongodb } from './mongodb.ts'
import { SimulatedS3, s3Client } from './s3.ts'
import type { Call } from './store-link.ts'

/** Every call goes through the contract's step, and a lost connection comes out as the client's own error. */
const through =
  (step: Step, unreachable: () => Error): Call =>
  async (action) => {
    try {
      return await step(async () => action())
    } catch (error) {
      throw error instanceof ConnectionLost ? unreachable() : error
    }
  }

const textOf = (value: object): string =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `#${each}#` : each)).replaceAll(/"#(-?\d+)#"/g, '$1')

sinkContract('simulated S3', async () => {
  const store = new SimulatedS3()
  const lost = () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
  return {
    sink: (step) => new S3Sink('bucket', 'job', s3Client(store, through(step, lost)), []),
    async rows() {
      const texts = [...store.objects].filter(([key]) => key.endsWith('.jsonl')).map(([, { body }]) => body)
      const lines = texts.flatMap((text) => Buffer.from(text).toString().split('\n')).filter((line) => line !== '')
      return lines.map((line): WindowRow => {
        const { window, revision, final } = JSON.parse(line)
        const [, key = '', value = ''] = /^\{"key":(.*),"window":.*,"value":(.*)\}$/.exec(line) ?? []
        return { start: Date.parse(window.start), end: Date.parse(window.end), key, value, revision, final }
      })
    },
    keeps: 'everyRevision',
    fences: false,
    dispose: async () => undefined,
  }
})

checkpointPlaceContract('simulated S3', async () => {
  const client = s3Client(new SimulatedS3(), async (action) => action())
  return { place: new S3Place('bucket', 'kept', client, []), dispose: async () => undefined }
})

sinkContract('simulated MongoDB', async () => {
  const server = new SimulatedMongodb()
  const lost = () => new MongoNetworkError('connection closed')
  return {
    sink: (step) => new MongodbSink('results', 'rows', mongodbClient(server, through(step, lost)), []),
    async rows() {
      return server.documents('results.rows').map(
        ({ key, value, window, revision, final }): WindowRow => ({
          start: window.start.getTime(),
          end: window.end.getTime(),
          key: JSON.stringify(key),
          value: textOf(value),
          revision,
          final,
        }),
      )
    },
    keeps: 'lastRevision',
    fences: false,
    dispose: async () => undefined,
  }
})
