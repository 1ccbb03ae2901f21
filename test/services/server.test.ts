import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { obtain, skipReason } from './availability.ts'
import { tool } from './build.ts'
import { launch } from './server.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-server-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const pidIn = async (logFile: string) => Number(/ready (\d+)/.exec(await readFile(logFile, 'utf8'))?.[1])
async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + 60_000
  while (isAlive(pid)) {
    assert.ok(Date.now() < deadline, `process ${pid} is still there`)
    await delay(10)
  }
}
const sleeper = (logFile: string) => ({
  ...{ name: 'sleeper', command: 'sh', args: ['-c', 'echo ready $$; exec sleep 600'], logFile },
  ...{ ready: /ready/, readyWithinMs: 5_000 },
})

describe('a server that a test started', () => {
  it('is gone once it was stopped or killed', async () => {
    for (const end of ['stop', 'kill'] as const) {
      const logFile = join(folder, `${end}.log`)
      const server = await launch(sleeper(logFile))
      const pid = await pidIn(logFile)
      assert.ok(isAlive(pid))
      await server[end]()
      assert.ok(!isAlive(pid))
    }
  })

  it('does not outlive the process that started it, even if that is killed', async () => {
    const logFile = join(folder, 'orphan.log')
    const program = `import { launch } from ${JSON.stringify(import.meta.resolve('./server.ts'))}
      const { ready, ...rest } = ${JSON.stringify(sleeper(logFile))}
      await launch({ ...rest, ready: /ready/ })
      console.log('started')`
    const starter = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(starter.stdout, 'data')
    const pid = await pidIn(logFile)
    assert.ok(isAlive(pid))
    starter.kill('SIGKILL')
    await gone(pid)
  })

  it('that ends before it is ready fails with the end of its log', async () => {
    const failing = { ...sleeper(join(folder, 'failing.log')), args: ['-c', 'echo no such option; exit 3'] }
    await assert.rejects(launch(failing), /sleeper ended; the end of its log:\nno such option/)
  })
})

describe('a service that cannot run', () => {
  const start = async () => {
    await tool('quorate-no-such-command', [])
    return {}
  }
  const whenCi = async (value: string | undefined, then: () => Promise<void>) => {
    const { CI } = process.env
    if (value === undefined) delete process.env.CI
    else process.env.CI = value
    try {
      await then()
    } finally {
      if (CI === undefined) delete process.env.CI
      else process.env.CI = CI
    }
  }

  it('is a reason to skip, in one line that says what to install', () =>
    whenCi(undefined, async () => {
      const reason = skipReason(await obtain('Kafka', 'Java', start))
      assert.equal(reason, 'no Kafka: the command quorate-no-such-command is not on this machine: install Java')
    }))

  it('is a failure where CI=true', () =>
    whenCi('true', async () => {
      await assert.rejects(obtain('Kafka', 'Java', start), /^Error: no Kafka: the command .* install Java$/)
    }))

  it('is no reason to skip when it runs', () => assert.equal(skipReason({ brokers: [] }), false))
})
