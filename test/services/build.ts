/**
 * What the native services are made of, fetched and built once into `.cache/services` by the package managers that the
 * machine has (Maven, Go), by package name. Each result appears under its final name only when it is whole.
 */
import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'services')
const BUILD_WITHIN_MS = 10 * 60_000
const run = promisify(execFile)

/** A tool that a native service needs is not on this machine. */
export class ToolMissing extends Error {}

/** Where a folder of jars is: Maven coordinates `group:artifact:version` and all that they depend on. */
export function jars(name: string, coordinates: readonly string[]): Promise<string> {
  return cached(name, async (folder) => {
    const dependencies = coordinates.map((coordinate) => {
      const [group, artifact, version] = coordinate.split(':')
      return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
    })
    const project = `<project><modelVersion>4.0.0</modelVersion>
<groupId>quorate.test</groupId><artifactId>${name}</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>\n`
    await writeFile(join(folder, 'pom.xml'), project)
    await tool('mvn', ['-q', '-B', '-f', folder, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`])
  })
}

/** Compiles one Java file against a folder of jars; the classes lie in the folder returned. */
export function classes(name: string, source: string, jarFolder: string): Promise<string> {
  return cached(name, (folder) => tool('javac', ['-cp', join(jarFolder, '*'), '-d', folder, source]))
}

/** Where the binary of a Go module is. */
export async function goBinary(name: string, module: string): Promise<string> {
  const folder = await cached(name, (target) => tool('go', ['install', module], { GOBIN: target }))
  return join(folder, module.replace(/@.*$/, '').replace(/^.*\//, ''))
}

async function cached(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const target = join(CACHE, name)
  if (await exists(target)) return target
  await mkdir(CACHE, { recursive: true })
  const folder = await mkdtemp(join(CACHE, '.building-'))
  try {
    await build(folder)
    // Two processes may build the same thing at once; either result will do.
    await rename(folder, target).catch(async (error) => {
      if (!(await exists(target))) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return target
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

/** @throws ToolMissing when there is no such command; Error with what it printed when it fails. */
export async function tool(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await run(command, args, { env: { ...process.env, ...environment }, timeout: BUILD_WITHIN_MS })
  } catch (error) {
    const failure = error as NodeJS.ErrnoException & { stdout?: string; stderr?: string }
    if (failure.code === 'ENOENT') throw new ToolMissing(`the command ${command} is not on this machine`)
    const printed = `${failure.stdout ?? ''}${failure.stderr ?? ''}`.slice(-2_000)
    throw new Error(`${command} ${args.join(' ')} failed: ${printed || failure.message}`, { cause: error })
  }
}
