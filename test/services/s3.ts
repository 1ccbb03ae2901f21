/**
 * A real S3 store: the one that QUORATE_TEST_S3 names (`http://accessKeyId:secretAccessKey@host:port?region=…`), or
 * versitygw over a temporary folder.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { obtain, type Unavailable } from './availability.ts'
import { goBinary } from './build.ts'
import { freePorts, launch } from './server.ts'

export interface S3Service {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  stop(): Promise<void>
}

const VERSION = '1.8.0'
const TO_INSTALL = 'Go 1.21 or newer (it fetches the toolchain it needs), or set QUORATE_TEST_S3'
const CREDENTIALS = { accessKeyId: 'quorate', secretAccessKey: 'quorate-secret', region: 'us-east-1' }

export function s3(): Promise<S3Service | Unavailable> {
  const named = process.env.QUORATE_TEST_S3
  return named === undefined ? obtain('S3 store', TO_INSTALL, startNative) : Promise.resolve(shared(named))
}

/** The value of QUORATE_TEST_S3 that leads to this store. */
export function s3Address({ endpoint, accessKeyId, secretAccessKey, region }: S3Service): string {
  const address = new URL(endpoint)
  address.username = encodeURIComponent(accessKeyId)
  address.password = encodeURIComponent(secretAccessKey)
  address.searchParams.set('region', region)
  return address.href
}

function shared(named: string): S3Service {
  const address = new URL(named)
  return {
    endpoint: address.origin,
    accessKeyId: decodeURIComponent(address.username),
    secretAccessKey: decodeURIComponent(address.password),
    region: address.searchParams.get('region') ?? CREDENTIALS.region,
    stop: async () => undefined,
  }
}

async function startNative(): Promise<S3Service> {
  const binary = await goBinary(`versitygw-${VERSION}`, `github.com/versity/versitygw/cmd/versitygw@v${VERSION}`)
  const folder = await mkdtemp(join(tmpdir(), 'quorate-s3-'))
  const [data, sidecar] = [join(folder, 'data'), join(folder, 'sidecar')]
  await Promise.all([mkdir(data), mkdir(sidecar)])
  const [port] = await freePorts(1)
  const server = await launch({
    name: 'versitygw',
    command: binary,
    args: ['--port', `127.0.0.1:${port}`, 'posix', '--sidecar', sidecar, data],
    environment: { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey },
    logFile: join(folder, 'server.log'),
    ready: new RegExp(`127\\.0\\.0\\.1:${port}`),
    readyWithinMs: 120_000,
  })
  return {
    ...CREDENTIALS,
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      await server.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
