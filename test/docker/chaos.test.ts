/**
 * The Compose project without containers: its peers as processes with the environment that compose.yaml and the Dockerfile give
 * them, the secrets and the bucket made by its scripts, real stores behind its sinks, and its chaos script at work.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Client } from '../../src/cli/client.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { mongodbRows, s3Rows } from '../e2e/sink-readers.ts'
import { eventually } from '../eventually.ts'
import { skipReason } from '../services/availability.ts'
import { mongodb } from '../services/mongodb.ts'
import { s3 } from '../services/s3.ts'
import { freePorts } from '../services/server.ts'
import { composeFile } from './compose.ts'
import { Engine } from './engine.ts'
import { imageEnvironment } from './image.ts'
import { ROOT } from './installed.ts'

const PEERS = ['ada', 'bo', 'cy']
/** Faults of every kind: the seed is one that gives them. */
const CHAOS = { CHAOS_ROUNDS: '4', CHAOS_SEED: '5', CHAOS_FAULT_MS: '3000' }
const MINUTES = 40
const KEYS = ['k0', 'k1', 'k2']
const WITHIN_MS = 120_000

const [loaded, store, database] = await Promise.all([composeFile(), s3(), mongodb()])
after(async () => {
  for (const service of [store, database]) if ('stop' in service) await service.stop()
})

const jobText = (bucket: string) => `name: chaos
source: { topic: events, time: { field: at }, idleAfter: 1h }
pipeline:
  - keyBy: k
  - window: { tumbling: 1m }
  - aggregate: { n: count() }
sinks:
  - mongodb: { database: compose, collection: ${bucket} }
  - s3: { bucket: ${bucket}, prefix: "" }
quorum: { replicas: 3, write: 2, read: 2 }
`

describe('the Compose project', { skip: skipReason(loaded) || skipReason(store) || skipReason(database) }, () => {
  if ('unavailable' in loaded || 'unavailable' in store || 'unavailable' in database) return
  const { services, name: project } = loaded.compose
  const bucket = `compose-${process.pid}`
  let folder: string
  let engine: Engine
  let log: Log
  let client: Client
  let addresses: ReadonlyMap<string, { readonly listen: string; readonly http: string }>

  /** What is inside the containers, as it is outside of them. */
  const outside = (text: string): string =>
    [...addresses].reduce(
      (all, [peer, { listen }]) => all.replaceAll(`ws://${peer}:7400`, `ws://${listen}`),
      text.replace(/^\/app\//, `${ROOT}/`).replace(/^(embedded:)?\/(log|secrets|metrics-token)/, `$1${folder}/$2`),
    )

  const script = (service: string, environment: NodeJS.ProcessEnv, args: readonly string[] = []) => {
    const [, path = ''] = services[service]?.entrypoint ?? []
    const env = { PATH: process.env.PATH, ...environment }
    return promisify(execFile)(process.execPath, [outside(path), ...args], { env, timeout: 400_000 })
  }

  const append = async (from: number, to: number): Promise<void> => {
    const values = Array.from({ length: to - from }, (_, index) => (from + index) * 60_000).flatMap((at) =>
      KEYS.map((k) => JSON.stringify({ at, k })),
    )
    const records = values.map((value) => ({ key: null, value: Buffer.from(value) }))
    await log.append({ topic: 'events', partition: 0 }, records)
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quorate-compose-'))
    for (const name of ['secrets', 'metrics-token', 'log', ...PEERS]) mkdirSync(join(folder, name), { mode: 0o700 })
    const ports = await freePorts(2 * PEERS.length)
    addresses = new Map(
      PEERS.map((peer, index) => {
        const [listen, http] = ports.slice(2 * index, 2 * index + 2)
        return [peer, { listen: `127.0.0.1:${listen}`, http: `127.0.0.1:${http}` }]
      }),
    )
    await script('secrets', {}, (services.secrets?.command ?? []).map(outside))
    const credentials = {
      S3_ENDPOINT: store.endpoint,
      S3_ACCESS_KEY_ID: store.accessKeyId,
      S3_SECRET_ACCESS_KEY: store.secretAccessKey,
    }
    for (const word of ['made', 'there']) {
      const { stdout } = await script('bucket', credentials, [bucket])
      assert.match(stdout, new RegExp(word))
    }
    const containers = PEERS.map((service) => {
      const { listen = '', http = '' } = addresses.get(service) ?? {}
      const inside = Object.entries({ ...imageEnvironment, ...services[service]?.environment })
      const environment = {
        PATH: process.env.PATH,
        ...Object.fromEntries(inside.map(([variable, value]) => [variable, outside(value)])),
        ...credentials,
        MONGODB_URL: database.url,
        QUORATE_DATA: join(folder, service),
        QUORATE_LISTEN: listen,
        QUORATE_HTTP: http,
      }
      const args = [join(ROOT, 'bin/quorate.js'), 'join']
      return { service, args, environment, logFile: join(folder, `${service}.log`) }
    })
    engine = new Engine(project, containers)
    await engine.start(join(folder, 'engine.sock'))
    log = await openLog({ kind: 'embedded', directory: join(folder, 'log') })
    await log.createTopic('events', { partitions: 1 })
    const url = `http://${addresses.get('ada')?.http}`
    const tokenFile = join(folder, 'secrets', 'admin-token')
    client = new Client({ url, tokenFile, timeoutMs: 60_000, signal: new AbortController().signal })
    for (const { http } of addresses.values()) {
      const ready = async () => (await fetch(`http://${http}/readyz`).catch(() => undefined))?.ok === true
      await eventually(`${http} is ready`, ready, WITHIN_MS)
    }
  })
  after(async () => {
    await engine?.stop()
    await log?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('has secrets that its peers accept, and makes them once', async () => {
    const secret = join(folder, 'secrets', 'secret')
    assert.equal(statSync(secret).mode & 0o777, 0o600)
    const before = readFileSync(secret, 'utf8')
    await script('secrets', {}, (services.secrets?.command ?? []).map(outside))
    assert.equal(readFileSync(secret, 'utf8'), before)
    const read = readFileSync(join(folder, 'metrics-token', 'token'), 'utf8')
    const metrics = (token: string) =>
      fetch(`http://${addresses.get('bo')?.http}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    assert.equal((await metrics(read)).status, 200)
    assert.equal((await metrics(`${read}x`)).status, 401)
  })

  it('brings every row to its stores once, while chaos has its way', async () => {
    await append(0, MINUTES / 2)
    await client.submit({ format: 'yaml', file: 'chaos', text: jobText(bucket) })
    const peers = PEERS.map((peer) => `${peer}=http://${addresses.get(peer)?.http}`).join(',')
    const { stdout } = await script('chaos', {
      ...CHAOS,
      CHAOS_PROJECT: project,
      CHAOS_PEERS: peers,
      CHAOS_ENGINE: join(folder, 'engine.sock'),
      CHAOS_TOKEN_FILE: join(folder, 'secrets', 'admin-token'),
    })
    assert.match(stdout, /4 faults, and all peers are well/)
    const actions = new Set(engine.done.map((entry) => entry.split(' ')[0]))
    assert.deepEqual([...actions].sort(), ['kill', 'pause', 'start', 'stop', 'unpause'])
    await append(MINUTES / 2, MINUTES + 1)
    const expected = MINUTES * KEYS.length
    const rowsOf = {
      mongodb: () => mongodbRows(database.url, 'compose', bucket),
      s3: () => s3Rows(store, bucket),
    }
    for (const [sink, rows] of Object.entries(rowsOf)) {
      await eventually(`all rows are at ${sink}`, async () => (await rows()).length >= expected, WITHIN_MS)
      const found = (await rows()).map(({ value }) => JSON.stringify([value.window, value.key, value.n]))
      assert.equal(found.length, expected, sink)
      assert.equal(new Set(found).size, expected, sink)
    }
  })

  it('ends chaos with the reason when a peer is not well in time', async () => {
    const [port] = await freePorts(1)
    const environment = { CHAOS_PEERS: `ada=http://127.0.0.1:${port}`, CHAOS_WELL_MS: '500' }
    await assert.rejects(
      script('chaos', environment),
      /before the first fault, and \d+ ms later:\n {2}ada cannot be reached/,
    )
  })

  it('ends chaos with the reason when the engine has no such container', async () => {
    const environment = {
      CHAOS_PROJECT: 'another',
      CHAOS_PEERS: `ada=http://${addresses.get('ada')?.http}`,
      CHAOS_ENGINE: join(folder, 'engine.sock'),
      CHAOS_TOKEN_FILE: join(folder, 'secrets', 'admin-token'),
    }
    await assert.rejects(script('chaos', environment), /the project another has no container of service ada/)
  })
})
