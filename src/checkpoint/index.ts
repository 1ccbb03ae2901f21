/** From a peer's settings to the place where its checkpoints are. */

import type { SinkConnections } from '../commit/sink.ts'
import { createS3Client } from '../commit/sinks/index.ts'
import { DirectoryPlace } from './directory.ts'
import type { CheckpointPlace, CheckpointSettings } from './place.ts'
import { S3Place } from './s3.ts'

/** @throws QuorateError QRT_SINK_UNSUPPORTED when this peer is not told how S3 is reached */
export function createPlace(settings: CheckpointSettings, { s3 }: SinkConnections): CheckpointPlace {
  if (settings.kind === 'directory') return new DirectoryPlace(settings.directory)
  const { bucket, prefix } = settings
  return new S3Place(bucket, prefix, createS3Client(s3), [s3?.secretAccessKey ?? ''])
}
