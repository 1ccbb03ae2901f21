/** doctor as a process: beside nothing, beside a peer that runs, and where something is broken. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Finding } from '../../src/doctor/check.ts'
import { runCli } from './run-cli.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-doctor-'))
})
after(() => rmSync(folder, { recursive: true }))

const nothing = ['--data', 'peer', '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--url', 'http://127.0.0.1:1']

async function doctor(...args: readonly string[]) {
  const given = args.map((arg) =>
    /^(?:peer|embedded:log)$/.test(arg) ? arg.replace(/(peer|log)$/, join(folder, '$1')) : arg,
  )
  const { code, stdout, stderr } = await runCli(['doctor', '--json', ...given])
  assert.ok(code === 0 || code === 1, stderr)
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] }
  return { code, of: (name: string) => findings.find((finding) => finding.name.startsWith(name)) }
}

describe('doctor, before there is a peer', () => {
  it('finds nothing that fails, and makes nothing', async () => {
    const { code, of } = await doctor(...nothing, '--log', 'embedded:log')
    assert.equal(code, 0)
    assert.equal(of('node')?.verdict, 'ok')
    assert.match(of('data')?.detail ?? '', /^a sync takes .* are free$/)
    assert.match(of('log')?.detail ?? '', /^not there yet/)
    assert.equal(of('peer')?.verdict, 'warning')
    assert.deepEqual(readdirSync(folder), [])
  })

  it('tells text to people, with the count on stderr', async () => {
    const { stdout, stderr } = await runCli(['doctor', ...nothing, '--log', `embedded:${join(folder, 'log')}`])
    assert.match(stdout, /^ok {7}node: version /m)
    assert.match(stderr, /^\d+ ok, 1 to look at, 0 failed$/m)
  })

  it('finds a port that another program has, a seed that is not there, and a file where the data should be', async () => {
    const other = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const { code, of } = await doctor(
      ...['--listen', `127.0.0.1:${port}`, '--http', '127.0.0.1:0', '--url', 'http://127.0.0.1:1', '--data', file],
      ...['--seed', 'ws://127.0.0.1:1', '--seed', `ws://127.0.0.1:${port}`, '--log', 'embedded:log'],
    )
    other.close()
    rmSync(file)
    assert.equal(code, 1)
    assert.match(of(`port 127.0.0.1:${port}`)?.detail ?? '', /^in use by another program/)
    assert.match(of('seed ws://127.0.0.1:1')?.detail ?? '', /ECONNREFUSED/)
    assert.match(of(`seed ws://127.0.0.1:${port}`)?.detail ?? '', /^reached in/)
    assert.match(of('data')?.detail ?? '', /is a file, and a folder is expected/)
  })
})

describe('doctor, beside a peer that runs', () => {
  let peer: ChildProcess
  let listen: string
  let http: string
  before(async () => {
    const args = ['join', '--bootstrap', '-o', 'jsonl', '--data', join(folder, 'peer'), '--listen', '127.0.0.1:0']
    const places = ['--http', '127.0.0.1:0', '--log', `embedded:${join(folder, 'log')}`, '--workers', '1']
    peer = spawn(process.execPath, [MAIN, ...args, ...places], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [line] = (await once(createInterface(peer.stdout as NodeJS.ReadableStream), 'line')) as [string]
    const { address, httpAddress } = JSON.parse(line) as { address: string; httpAddress: string }
    listen = new URL(address).host
    http = new URL(httpAddress).host
    // A cluster of one, once it has its view.
    while (!(await fetch(`http://${http}/readyz`)).ok) await new Promise((resolve) => setImmediate(resolve))
  })
  after(async () => {
    const ended = once(peer, 'exit')
    peer.kill()
    await ended
  })

  it('takes its ports for those of the peer, tries the log, and finds the cluster in order', async () => {
    const job = join(folder, 'orders.yaml')
    writeFileSync(
      job,
      'name: orders\nsource: { topic: orders }\npipeline: []\nsinks: [ { file: { directory: rows } } ]\nquorum: { replicas: 1, write: 1, read: 1 }\n',
    )
    const config = join(folder, 'peer.yaml')
    writeFileSync(
      config,
      `connections: { file: { directory: ${folder}/files } }\ncheckpoints: { directory: ${folder}/kept }\n`,
    )
    const running = ['--data', 'peer', '--listen', listen, '--http', http, '--url', `http://${http}`]
    const { code, of } = await doctor(job, '--config', config, ...running, '--log', 'embedded:log')
    assert.match(of(`port ${listen}`)?.detail ?? '', /^in use, and a peer answers/)
    assert.match(of('log')?.detail ?? '', /topics, transactions and reads work/)
    for (const name of ['checkpoints', 'sink of orders', 'peer', 'members', 'ring', 'clocks'])
      assert.equal(of(name)?.verdict, 'ok', `${name}: ${of(name)?.detail}`)
    assert.match(of('topics of orders')?.detail ?? '', /no topic "orders"/)
    assert.equal(code, 1)
  })
})
