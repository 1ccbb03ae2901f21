/** The image, as far as it can be seen without an engine: its instructions, its files, and that these files run. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join, posix } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { validate } from 'dockerfile-utils'
import { PEER_DEFINITIONS } from '../../src/cli/peer-definitions.ts'
import { importsOf } from '../check/imports.ts'
import { freePorts } from '../services/server.ts'
import {
  admittedPaths,
  copiedPaths,
  DOCKERFILE,
  imageEnvironment as environment,
  type Stage,
  stages,
  textOf,
} from './image.ts'
import { type Installed, installPacked, packedFiles, ROOT } from './installed.ts'

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
}

const [dependencies, final] = stages() as [Stage, Stage]
describe('the Dockerfile', () => {
  it('is valid', () => {
    assert.deepEqual(validate(DOCKERFILE), [])
  })

  it('builds on the Node that the tests run on, by its full version', () => {
    assert.equal(stages().length, 2)
    for (const { from } of stages()) assert.equal(from, `node:${manifest.devDependencies.node}-bookworm-slim`)
  })

  it('installs production dependencies before it sees any source', () => {
    assert.deepEqual(
      dependencies.instructions.map(({ keyword }) => keyword),
      ['WORKDIR', 'COPY', 'RUN'],
    )
    assert.deepEqual(textOf(dependencies, 'COPY'), ['package.json package-lock.json .npmrc ./'])
    assert.match(textOf(dependencies, 'RUN')[0]!, /^npm ci --omit=dev --ignore-scripts /)
  })

  it('runs as a user without privileges, on volumes that belong to it', () => {
    assert.deepEqual(textOf(final, 'USER'), ['node'])
    assert.deepEqual(textOf(final, 'VOLUME'), ['["/data"]'])
    const made = textOf(final, 'RUN').join(' ')
    assert.match(made, /install -d -o node -g node -m 0700 [^&]*\/data\b/)
    for (const path of [environment.QUORATE_DATA, environment.QUORATE_LOG?.replace('embedded:', '')]) {
      assert.ok(made.includes(` ${path}`), `${path} is made with its owner`)
    }
  })

  it('ends by SIGTERM, tells its health by Node, and is labelled', () => {
    assert.deepEqual(textOf(final, 'STOPSIGNAL'), ['SIGTERM'])
    const [health = ''] = textOf(final, 'HEALTHCHECK')
    assert.match(health, /CMD \["node", "\/app\/docker\/scripts\/healthcheck\.ts"\]$/)
    assert.match(textOf(final, 'LABEL').join(' '), /org\.opencontainers\.image\.licenses="Apache-2\.0"/)
    for (const file of ['docker/scripts/healthcheck.ts', 'bin/quorate.js']) assert.ok(existsSync(join(ROOT, file)))
    assert.deepEqual(textOf(final, 'ENTRYPOINT'), ['["node", "/app/bin/quorate.js"]'])
  })

  it('sets settings that there are', () => {
    const known = new Set<string>(Object.values(PEER_DEFINITIONS).map(({ variable }) => variable))
    const own = Object.keys(environment).filter((name) => name.startsWith('QUORATE_'))
    assert.ok(own.length >= 5)
    for (const name of own) assert.ok(known.has(name), name)
  })

  it('copies what the package publishes, its own scripts, and nothing else', () => {
    // Types are for the projects that jobs are written in.
    const published = [
      ...manifest.files.filter((folder) => !folder.startsWith('dist/')),
      'package.json',
      'LICENSE',
      'README.md',
    ]
    assert.deepEqual(copiedPaths().toSorted(), [...published, 'docker/scripts'].toSorted())
    assert.deepEqual(admittedPaths().toSorted(), [...copiedPaths(), 'package-lock.json', '.npmrc'].toSorted())
    for (const path of copiedPaths()) assert.ok(existsSync(join(ROOT, path)), path)
  })
})

describe('the published package', () => {
  let files: readonly string[]
  before(async () => {
    files = await packedFiles()
  })

  it('has every file below its folders, and only those', () => {
    const tracked = execFileSync('git', ['ls-files', '--', ...manifest.files], { cwd: ROOT, encoding: 'utf8' })
    const expected = [...tracked.trim().split('\n'), 'LICENSE', 'README.md', 'package.json']
    for (const path of expected) assert.ok(files.includes(path), `${path} is missing`)
    for (const path of files) {
      const inFolder = manifest.files.some((folder) => path.startsWith(`${folder}/`))
      assert.ok(inFolder || ['LICENSE', 'README.md', 'package.json'].includes(path), `${path} is too much`)
      assert.doesNotMatch(path, /\.test\.ts$/)
    }
    for (const path of ['src/demo/flights.csv.br', 'src/http/dashboard/index.html', 'bin/quorate.js']) {
      assert.ok(files.includes(path), path)
    }
  })

  it('imports nothing that it does not bring or depend on', () => {
    const builtin = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]))
    // Loaded by name only: node:sqlite is not among the builtin modules that can be had without the prefix.
    const prefixed = (name: string) => name.startsWith('node:')
    // In the texts of projects that it writes: those import the package itself, and files of names that are still to come.
    const isWritten = (specifier: string) => specifier.includes('${')
    const own = new Set(Object.keys(manifest.exports).map((entry) => posix.join('quorate', entry)))
    for (const path of files.filter(
      (file) => /(?<!\.d)\.[jt]s$/.test(file) && !file.startsWith('src/http/dashboard/'),
    )) {
      for (const { specifier, line } of importsOf(readFileSync(join(ROOT, path), 'utf8'))) {
        if (isWritten(specifier)) continue
        const where = `${path}:${line} imports ${specifier}`
        if (specifier.startsWith('.')) {
          assert.ok(files.includes(posix.join(posix.dirname(path), specifier)), where)
        } else if (!own.has(specifier) && !builtin.has(specifier) && !prefixed(specifier)) {
          const [scope = '', name = ''] = specifier.split('/')
          const dependency = scope.startsWith('@') ? `${scope}/${name}` : scope
          assert.ok(Object.hasOwn(manifest.dependencies, dependency), where)
        }
      }
    }
  })
})

describe('the package, installed with its production dependencies', () => {
  let installed: Installed
  before(async () => {
    installed = await installPacked()
  })
  after(() => installed?.remove())

  const quorate = (node: string, ...args: string[]) =>
    spawnSync(node, [installed.bin, ...args], { encoding: 'utf8', timeout: 120_000 })

  it('runs the demo to its end', () => {
    const { status, stdout, stderr } = quorate(process.execPath, 'demo', '--once')
    assert.equal(status, 0, stderr)
    assert.match(stdout, /20000 flights became 6781 rows .* every row certified and final/)
  })

  it('speaks on the Node of this machine, or says what it needs', () => {
    const node = machineNode()
    const version = quorate(node, 'version', '--json')
    assert.equal(version.status, 0, version.stderr)
    const { node: on } = JSON.parse(version.stdout) as { readonly node: string }
    const [major = 0, minor = 0] = on.split('.').map(Number)
    if (major > 22 || (major === 22 && minor >= 13)) return
    const demo = quorate(node, 'demo', '--once')
    assert.notEqual(demo.status, 0)
    assert.match(demo.stderr, /22\.13/)
  })
})

describe('the files of the image, laid out as the Dockerfile does', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'quorate-image-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('are a peer: healthy, quiet on its root, gone on SIGTERM', async () => {
    const app = join(folder, 'app')
    mkdirSync(app)
    for (const path of textOf(dependencies, 'COPY').flatMap((text) => text.split(' ').slice(0, -1))) {
      cpSync(join(ROOT, path), join(app, path))
    }
    // The first command only: what follows cleans the cache of the image, which here would be the machine's.
    const [install = ''] = textOf(dependencies, 'RUN')[0]!.split(' && ')
    const installed = spawnSync('sh', ['-c', `${install} --prefer-offline`], { cwd: app, encoding: 'utf8' })
    assert.equal(installed.status, 0, installed.stderr)
    for (const path of copiedPaths()) cpSync(join(ROOT, path), join(app, path), { recursive: true })
    const before = listing(app)
    const [listen, http] = await freePorts(2)
    const env: NodeJS.ProcessEnv = {
      PATH: process.env.PATH,
      ...environment,
      QUORATE_DATA: join(folder, 'data'),
      QUORATE_LOG: `embedded:${join(folder, 'log')}`,
      QUORATE_LISTEN: `127.0.0.1:${listen}`,
      QUORATE_HTTP: `127.0.0.1:${http}`,
      QUORATE_BOOTSTRAP: 'true',
    }
    const healthcheck = () =>
      spawnSync(process.execPath, [join(app, 'docker/scripts/healthcheck.ts')], { env, encoding: 'utf8' })
    assert.equal(healthcheck().status, 1, 'no peer, no health')
    const peer = spawn(process.execPath, [join(app, 'bin/quorate.js'), 'join', '-o', 'jsonl'], { env })
    try {
      await firstLine(peer)
      const { status, stderr } = healthcheck()
      assert.equal(status, 0, stderr)
    } finally {
      peer.kill('SIGTERM')
    }
    const [code] = await once(peer, 'exit')
    assert.equal(code, 0)
    assert.deepEqual(listing(app), before)
  })
})

/** The first node of the PATH that is none of this repository's. */
function machineNode(): string {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  const found = folders.map((folder) => join(folder, 'node')).find((file) => existsSync(file))
  assert.ok(found !== undefined, 'there is a node on the PATH')
  return found
}

async function firstLine(peer: ChildProcess): Promise<string> {
  assert.ok(peer.stdout !== null)
  const ended = once(peer, 'exit').then(([code]) => Promise.reject(new Error(`the peer ended with ${code}`)))
  ended.catch(() => undefined)
  const [line] = (await Promise.race([once(createInterface(peer.stdout), 'line'), ended])) as [string]
  return line
}

/** Every file with its size and time, so that a write shows. */
function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('node_modules'))
    .map((path) => {
      const { size, mtimeMs, mode } = statSync(join(folder, path))
      return `${path} ${size} ${mtimeMs} ${mode}`
    })
    .sort()
}
