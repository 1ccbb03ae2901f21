/** What is at each sink of a job, read by clients that know nothing of the product's own code. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { MongoClient } from 'mongodb'
import type { S3Service } from '../services/s3.ts'
import { committedRecords } from './kafka-rows.ts'

/** A server that fails may leave a cursor unanswered. */
const ANSWER_WITHIN_MS = 120_000

/** A row with what its sink says of it beside its value. */
export interface SinkRow {
  readonly revision: number
  readonly final: boolean
  readonly value: Readonly<Record<string, unknown>>
}

/** Every committed record of a topic, from the beginning to the end that it has now. */
export async function kafkaRows(brokers: readonly string[], topic: string): Promise<SinkRow[]> {
  const records = await committedRecords(brokers, topic)
  return records.map(({ value, headers }) => ({
    revision: Number(headers.revision),
    final: headers.final === 'true',
    value: JSON.parse(value),
  }))
}

export async function mongodbRows(url: string, database: string, collection: string): Promise<SinkRow[]> {
  const client = await MongoClient.connect(url, { socketTimeoutMS: ANSWER_WITHIN_MS })
  try {
    const documents = await client.db(database).collection(collection).find().toArray()
    return documents.map(({ revision, final, value }) => ({ revision, final, value }))
  } finally {
    await client.close()
  }
}

export async function s3Rows(service: S3Service, bucket: string): Promise<SinkRow[]> {
  const client = s3Client(service)
  const rows: SinkRow[] = []
  for (let token: string | undefined; ; ) {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }))
    for (const { Key } of page.Contents ?? []) {
      if (Key === undefined || !Key.endsWith('.jsonl')) continue
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
      const text = (await Body?.transformToString()) ?? ''
      for (const line of text.split('\n')) if (line !== '') rows.push(JSON.parse(line))
    }
    token = page.NextContinuationToken
    if (token === undefined) return rows
  }
}

/** Of every file of rows below a directory. */
export async function fileRows(directory: string): Promise<SinkRow[]> {
  const paths = (await readdir(directory, { recursive: true })).filter((path) => path.endsWith('.jsonl'))
  const texts = await Promise.all(paths.map((path) => readFile(join(directory, path), 'utf8')))
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== '')).map((line) => JSON.parse(line))
}

export const s3Client = ({ endpoint, region, accessKeyId, secretAccessKey }: S3Service): S3Client =>
  new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
