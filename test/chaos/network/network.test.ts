/** The network that partitions are played on: what its links say is what packets meet. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { Network, networkUnavailable } from './network.ts'

const missing = networkUnavailable()
if (missing !== undefined && process.env.CI === 'true') throw new Error(missing)
const SENT = 300
/** Nothing has come back for so long: nothing will, however much else the machine has to do. */
const SILENCE_MS = 3_000
/** Sends datagrams to an address and prints how many came back, and the shortest round trip in milliseconds. */
const PROBE = `
  const socket = require('node:dgram').createSocket('udp4')
  const [, address, count] = process.argv
  const times = []
  const end = () => { console.log(JSON.stringify({ back: times.length, ms: Math.min(...times) })); process.exit() }
  const silence = setTimeout(end, ${SILENCE_MS})
  socket.on('message', (bytes) => {
    if (times.push(performance.now() - Number(bytes)) === Number(count)) end()
    silence.refresh()
  })
  for (let i = 0; i < count; i++) socket.send(String(performance.now()), 7000, address)
`
const ECHO = `
  const socket = require('node:dgram').createSocket('udp4')
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address))
  socket.bind(7000, process.argv[1], () => console.log('listening'))
`

describe('a network of namespaces', { skip: missing ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-network-'))
  let network: Network
  let echo: ReturnType<typeof run>

  function run(name: string, script: string, ...args: string[]) {
    const [command = '', ...words] = [...network.command(name), process.execPath, '-e', script, ...args]
    return spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  }
  const probe = async (): Promise<{ back: number; ms: number }> => {
    const [line] = await once(createInterface(run('a', PROBE, network.address('b'), String(SENT)).stdout), 'line')
    return JSON.parse(line)
  }

  before(async () => {
    network = await Network.open(['a', 'b'], [], folder)
    echo = run('b', ECHO, network.address('b'))
    await once(createInterface(echo.stdout), 'line')
  })
  after(async () => {
    echo?.kill('SIGKILL')
    await network?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('carries everything while it is whole', async () => {
    assert.equal((await probe()).back, SENT)
  })

  it('carries nothing over a cut, in the direction that is cut', async () => {
    await network.link(['b'], ['a'], { loss: 1, delayMs: 0 })
    assert.equal((await probe()).back, 0)
    await network.heal()
    await network.split(['a'], ['b'])
    assert.equal((await probe()).back, 0)
    await network.heal()
    assert.equal((await probe()).back, SENT)
  })

  it('loses the share that it is told, and holds packets for as long as it is told', async () => {
    await network.link(['a'], ['b'], { loss: 0.5, delayMs: 150 })
    const { back, ms } = await probe()
    await network.heal()
    // 150 expected; five standard deviations to each side.
    assert.ok(back > 106 && back < 194, `${back} of ${SENT} came back`)
    assert.ok(ms >= 150, `the first came back after ${ms} ms`)
  })
})
