/**
 * Makes a bucket where there is none: `bucket.ts NAME`. The store of compose.yaml begins empty, and a job's sink writes to a
 * bucket that somebody made on purpose.
 */
import { argv, env, exit } from 'node:process'
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'

const [name] = argv.slice(2)
const { S3_ENDPOINT: endpoint, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = env
if (name === undefined || endpoint === undefined || accessKeyId === undefined || secretAccessKey === undefined) {
  console.error('usage: bucket.ts NAME, with S3_ENDPOINT, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY in the environment')
  exit(2)
}

const client = new S3Client({
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
})
try {
  await client.send(new HeadBucketCommand({ Bucket: name }))
  console.log(`bucket ${name} is there`)
} catch (error) {
  const status = (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode
  if (status !== 404) throw error
  await client.send(new CreateBucketCommand({ Bucket: name }))
  console.log(`bucket ${name} was made`)
}
