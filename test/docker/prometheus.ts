/** Prometheus and promtool, where the machine has them; the tests that need one say what to install where it has not. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { obtain, type Unavailable } from '../services/availability.ts'
import { tool } from '../services/build.ts'

export interface Command {
  readonly command: string
}

const TO_INSTALL = 'Prometheus (apt-get install prometheus, which brings promtool)'
const RUN_WITHIN_MS = 60_000

export const promtool = (): Promise<Command | Unavailable> => installed('promtool')
export const prometheusServer = (): Promise<Command | Unavailable> => installed('prometheus')

function installed(command: string): Promise<Command | Unavailable> {
  return obtain(command, TO_INSTALL, async () => {
    await tool(command, ['--version'])
    return { command }
  })
}

/** What it printed. @throws Error with that when it does not exit with 0. */
export async function run({ command }: Command, args: readonly string[], cwd: string, input = ''): Promise<string> {
  const running = promisify(execFile)(command, args, { cwd, timeout: RUN_WITHIN_MS })
  running.child.stdin?.end(input)
  try {
    const { stdout, stderr } = await running
    return `${stdout}${stderr}`
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
    throw new Error(`${command} ${args.join(' ')}:\n${stdout}${stderr}`, { cause: error })
  }
}
