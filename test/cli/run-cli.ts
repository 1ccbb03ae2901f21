/** Runs the real command line as a process, with nothing of this environment's settings. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Watcher = (text: string, kill: (signal: NodeJS.Signals) => void) => void

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** See all that was written so far, while the process runs. */
  readonly onStdout?: Watcher
  readonly onStderr?: Watcher
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(QUORATE_|NO_COLOR|TERM|FORCE_COLOR)/.test(name))
  const child = spawn(process.execPath, [MAIN, ...args], {
    // A machine that does much else answers late.
    env: { ...Object.fromEntries(inherited), QUORATE_TIMEOUT: '60s', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // Once: a second Ctrl-C ends the process at once, whatever it is doing.
  const kill = (signal: NodeJS.Signals) => {
    if (!child.killed) child.kill(signal)
  }
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    options.onStdout?.(stdout, kill)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    options.onStderr?.(stderr, kill)
  })
  child.stdin.end(options.stdin ?? '')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
