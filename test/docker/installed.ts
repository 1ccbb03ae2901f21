/** The package as npm packs it, installed with its production dependencies into a folder of its own. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NPM_WITHIN_MS = 150_000

const run = promisify(execFile)

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** npm before 12 answers a list, later ones an object by name. */
function packedIn(answer: string): Packed {
  const parsed = JSON.parse(answer) as readonly Packed[] | Readonly<Record<string, Packed>>
  const [first] = Object.values(parsed)
  if (first === undefined) throw new Error(`npm pack says nothing: ${answer}`)
  return first
}

/** Paths of the files that are published. */
export async function packedFiles(): Promise<readonly string[]> {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT })
  return packedIn(stdout).files.map(({ path }) => path)
}

export interface Installed {
  /** Where node_modules is. */
  readonly folder: string
  readonly bin: string
  remove(): Promise<void>
}

export async function installPacked(): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-installed-'))
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const { filename } = packedIn((await run('npm', pack, { cwd: ROOT })).stdout)
  await mkdir(join(folder, 'app'))
  const cwd = join(folder, 'app')
  await writeFile(join(cwd, 'package.json'), '{ "private": true }\n')
  const install = ['install', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
  await run('npm', [...install, join(folder, filename)], { cwd, timeout: NPM_WITHIN_MS })
  return {
    folder: cwd,
    bin: join(cwd, 'node_modules', 'quorate', 'bin', 'quorate.js'),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
