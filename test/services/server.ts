/**
 * A server that a test started: it writes to a log file, is ready when a line of that log says so, and never outlives
 * the process that started it, however that one ends: its standard input is our pipe, and when the pipe closes it is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface Launch {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly logFile: string
  readonly ready: RegExp
  readonly readyWithinMs: number
}

export interface RunningServer {
  signal(signal: NodeJS.Signals): void
  /** Asks it to end, and insists after ten seconds. */
  stop(): Promise<void>
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
}

/** Kills the server (the process that `exec` leaves under the same id) when standard input closes. */
const TIED_TO_US = 'exec 3<&0; (cat <&3 >/dev/null; kill -9 $$ 2>/dev/null) & exec 3<&-; exec "$@" </dev/null'
const STOP_WITHIN_MS = 10_000
const LOOK_EVERY_MS = 25

/** @throws Error with the end of the log when the server ends or is not ready in time. */
export async function launch(options: Launch): Promise<RunningServer> {
  const log = openSync(options.logFile, 'w')
  const child = spawn('sh', ['-c', TIED_TO_US, options.name, options.command, ...options.args], {
    stdio: ['pipe', log, log],
    env: { ...process.env, ...options.environment },
  })
  closeSync(log)
  const failed = once(child, 'error').then(([error]) => Promise.reject(error))
  failed.catch(() => undefined)
  const deadline = Date.now() + options.readyWithinMs
  for (;;) {
    const written = readFileSync(options.logFile, 'utf8')
    if (options.ready.test(written)) break
    if (hasEnded(child) || Date.now() > deadline) {
      const how = hasEnded(child) ? 'ended' : `was not ready within ${options.readyWithinMs} ms`
      await end(child, 'SIGKILL')
      throw new Error(`${options.name} ${how}; the end of its log:\n${written.slice(-2_000)}`)
    }
    await Promise.race([delay(LOOK_EVERY_MS), failed])
  }
  return {
    signal: (signal) => void child.kill(signal),
    stop: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
  }
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.kill(signal)
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  await ended
  clearTimeout(insist)
}

/** Below those that systems give to whoever asks for any: nobody is given one of these between here and its use. */
const PORTS = { from: 15_000, below: 30_000 }

/** Ports of the loopback interface that nothing listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(PORTS.from, PORTS.below)
    if (!ports.has(port) && (await isFree(port))) ports.add(port)
  }
  return [...ports]
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = once(server, 'listening')
  server.listen(port, '127.0.0.1')
  try {
    await listening
  } catch {
    return false
  }
  await once(server.close(), 'close')
  return true
}
