/** The files of configs/peers: peers start with them as they are; only folders and ports are given, since tests share a machine. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { Client } from '../../src/cli/client.ts'
import { openLog } from '../../src/log/open.ts'
import { eventually } from '../eventually.ts'
import { skipReason } from '../services/availability.ts'
import { kafka } from '../services/kafka.ts'
import { freePorts } from '../services/server.ts'
import { ROOT } from './installed.ts'

const FILES = join(ROOT, 'configs', 'peers')
const READY_WITHIN_MS = 120_000

const broker = await kafka()
let folder: string
const running: ChildProcess[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-configs-'))
})
afterEach(async () => {
  await Promise.all(
    running.splice(0).map(async (child) => {
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGTERM')
      await exited
    }),
  )
})
after(async () => {
  if ('stop' in broker) await broker.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Resolves with the address of its API when the peer is ready. */
async function startPeer(file: string, name: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const [http] = await freePorts(1)
  const config = ['--config', join(FILES, file), '--name', name, '--data', join(folder, name)]
  const program = [join(ROOT, 'src/cli/main.ts'), 'join', ...config, '--http', `127.0.0.1:${http}`, ...args]
  const child = spawn(process.execPath, program, {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const logFile = join(folder, `${name}.log`)
  child.stderr?.pipe(createWriteStream(logFile))
  running.push(child)
  const url = `http://127.0.0.1:${http}`
  const ready = async () => {
    assert.equal(child.exitCode, null, `${name} ended; its log is ${logFile}`)
    return (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true
  }
  return { url, ready: () => eventually(`${name} is ready`, ready, READY_WITHIN_MS) }
}

const clientOf = (url: string) =>
  new Client({ url, tokenFile: undefined, timeoutMs: READY_WITHIN_MS, signal: new AbortController().signal })

const membersOf = async (url: string) => (await clientOf(url).members()).map(({ name }) => name).sort()

describe('configs/peers', () => {
  it('has the files that are tried: here, and compose.yaml in chaos.test.ts', () => {
    assert.deepEqual(readdirSync(FILES).sort(), ['alone.yaml', 'compose.yaml', 'kafka.yaml', 'three.yaml'])
  })

  it('alone.yaml is a cluster', async () => {
    const [listen] = await freePorts(1)
    const log = ['--log', `embedded:${join(folder, 'log-alone')}`]
    const peer = await startPeer('alone.yaml', 'alone', ['--listen', `127.0.0.1:${listen}`, ...log])
    await peer.ready()
    assert.deepEqual(await membersOf(peer.url), ['alone'])
  })

  it('three.yaml is what three peers have in common', async () => {
    const [first, second, third] = await freePorts(3)
    const common = ['--log', `embedded:${join(folder, 'log-three')}`, '--seed', `ws://127.0.0.1:${first}`]
    const peers = [
      await startPeer('three.yaml', 'ada', [...common, '--listen', `127.0.0.1:${first}`]),
      await startPeer('three.yaml', 'bo', [...common, '--listen', `127.0.0.1:${second}`]),
      await startPeer('three.yaml', 'cy', [...common, '--listen', `127.0.0.1:${third}`]),
    ]
    for (const peer of peers) await peer.ready()
    assert.deepEqual(await membersOf(peers[2]!.url), ['ada', 'bo', 'cy'])
  })

  it('kafka.yaml reads and writes the broker that the environment names', { skip: skipReason(broker) }, async () => {
    if ('unavailable' in broker) return
    const id = `configs-${process.pid}`
    const [listen] = await freePorts(1)
    const secret = join(folder, 'secret')
    await writeFile(secret, randomBytes(32).toString('hex'), { mode: 0o600 })
    const args = ['--bootstrap', '--listen', `127.0.0.1:${listen}`, '--secret-file', secret]
    const peer = await startPeer('kafka.yaml', 'kafka', args, { KAFKA_BROKER: broker.brokers[0] })
    await peer.ready()
    const log = await openLog({ kind: 'kafka', brokers: broker.brokers, clientId: 'test' })
    try {
      await log.createTopic(id, { partitions: 1 })
      await log.createTopic(`${id}-out`, { partitions: 1 })
      await log.append({ topic: id, partition: 0 }, [{ key: null, value: Buffer.from('{"at":1}') }])
    } finally {
      await log.close()
    }
    const client = clientOf(peer.url)
    const text = `name: configs
source: { topic: ${id}, time: { field: at }, bounded: true }
pipeline: [ { window: { tumbling: 1s } }, { aggregate: { n: count() } } ]
sinks: [ { kafka: { topic: ${id}-out } } ]
quorum: { replicas: 1, write: 1, read: 1 }
`
    await client.submit({ format: 'yaml', file: 'configs', text })
    const finished = async () => {
      const { state } = await client.job('configs')
      if (state === 'finished') return true
      throw new Error(`it is ${state}: ${JSON.stringify(await client.status('configs'))}`)
    }
    await eventually('the job is finished', finished, READY_WITHIN_MS)
    const { rows } = await client.windows('configs', { limit: 10 })
    assert.deepEqual(
      rows.map(({ values }) => values),
      [{ n: 1 }],
    )
  })
})
