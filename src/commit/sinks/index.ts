/** From a sink of a job document to the thing that writes there. */
import { S3Client } from '@aws-sdk/client-s3'
import { MongoClient } from 'mongodb'
import type { PeerId } from '../../../mesh/index.ts'
import { QuorateError } from '../../errors.ts'
import type { Log } from '../../log/log.ts'
import type { Sink, SinkConnections, SinkPlan } from '../sink.ts'
import { sinkFailure } from './failure.ts'
import { FileSink } from './file.ts'
import { KafkaSink } from './kafka.ts'
import { MongodbSink } from './mongodb.ts'
import { S3Sink } from './s3.ts'
import { ShuffleSink } from './shuffle.ts'

const CONNECT_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 30_000

/** @throws QuorateError QRT_SINK_UNSUPPORTED when this peer has no connection for the kind of sink. */
export function createSink(plan: SinkPlan, connections: SinkConnections, log: Log, self: PeerId): Sink {
  switch (plan.kind) {
    case 'kafka':
      return new KafkaSink(plan.topic, log, plan.format)
    case 'shuffle':
      return new ShuffleSink(plan.topic, plan.partitions, log)
    case 'mongodb':
      return createMongodb(plan, connections.mongodb)
    case 's3':
      return createS3(plan, connections.s3)
    case 'file': {
      if (connections.file === undefined) throw unconfigured('file', 'directory')
      return new FileSink(connections.file.directory, plan.directory, self, plan.format)
    }
  }
}

function createMongodb(
  { database, collection }: SinkPlan & { kind: 'mongodb' },
  connection: SinkConnections['mongodb'],
): Sink {
  if (connection === undefined) throw unconfigured('mongodb', 'url')
  const { url } = connection
  const secrets = [url, passwordOf(url)]
  const options = {
    // Sessions are not needed: every write can be repeated as it is.
    retryWrites: false,
    serverSelectionTimeoutMS: CONNECT_TIMEOUT_MS,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    socketTimeoutMS: REQUEST_TIMEOUT_MS,
  }
  try {
    const client = new MongoClient(url, options)
    secrets.push(client.options.credentials?.password ?? '')
    return new MongodbSink(database, collection, client, secrets)
  } catch (error) {
    const context = { sink: `mongodb:${database}.${collection}`, doing: 'reading connections.mongodb.url', secrets }
    throw sinkFailure('QRT_SINK_UNSUPPORTED', context, error, false)
  }
}

/** Of `mongodb://user:password@…`, as it is written there; empty when there is none. */
const passwordOf = (url: string): string => /^[^/]*\/\/[^:@/]*:([^@/]*)@/.exec(url)?.[1] ?? ''

function createS3({ bucket, prefix, format }: SinkPlan & { kind: 's3' }, connection: SinkConnections['s3']): Sink {
  return new S3Sink(bucket, prefix, createS3Client(connection), [connection?.secretAccessKey ?? ''], format)
}

/** @throws QuorateError QRT_SINK_UNSUPPORTED without a connection */
export function createS3Client(connection: SinkConnections['s3']): S3Client {
  if (connection === undefined) throw unconfigured('s3', 'region')
  const { region, endpoint, forcePathStyle, accessKeyId, secretAccessKey } = connection
  return new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: forcePathStyle ?? true }),
    // Without keys here, the SDK looks where it always does: environment, profile, instance.
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
  })
}

const unconfigured = (kind: string, field: string): QuorateError =>
  new QuorateError(
    'QRT_SINK_UNSUPPORTED',
    `the job writes to ${kind}, and this peer is not told how to reach it; set connections.${kind}.${field} in its configuration`,
  )
