/** `import … from 'quorate'` in a project that has installed the package as npm packs it: its types, and what runs. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let project: string
/** Of the documentation, by the name of the file. */
const examples = new Map<string, string>()

/** A command in a folder, with the tools of this repository. */
function run(cwd: string, command: string, ...args: string[]) {
  // Node's runner runs no tests inside a test, and calls that a success.
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  const path = `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...environment, PATH: path },
  })
  return { status, stdout, stderr, all: `${stdout}${stderr}` }
}

const job = (key: string): string => `import { cel, stream } from 'quorate'

interface Click { user: string; at: string; ms: number }

export default stream<Click>('clicks', { time: { field: 'at' } })
  .filter('ms', '>', 50)
  .keyBy('${key}')
  .window({ tumbling: '1m' })
  .aggregate({ clicks: 'count()', slowest: { max: 'ms' }, seconds: { sum: cel<number>('ms / 1000') } })
  .job('clicks', { quorum: { replicas: 1, write: 1, read: 1 } })
`

before(() => {
  project = mkdtempSync(join(tmpdir(), 'quorate-project-'))
  const packed = run(ROOT, 'npm', 'pack', '--json', '--pack-destination', project)
  assert.equal(packed.status, 0, packed.all)
  const archive = /"filename":\s*"([^"]+\.tgz)"/.exec(packed.stdout)?.[1] ?? ''
  const installed = join(project, 'node_modules/quorate')
  mkdirSync(installed, { recursive: true })
  assert.equal(run(project, 'tar', 'xzf', archive, '-C', installed, '--strip-components', '1').status, 0)
  // What npm would install beside it.
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'))
  mkdirSync(join(project, 'node_modules/@types'))
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'))
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }\n')
  const options = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    types: ['node'],
    noEmit: true,
    allowImportingTsExtensions: true,
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
  writeFileSync(join(project, 'clicks.ts'), job('user'))
  const docs = ['typescript', 'testing', 'functions']
    .map((name) => readFileSync(join(ROOT, `docs/${name}.md`), 'utf8'))
    .join('')
  for (const [, name = '', text = ''] of docs.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm))
    examples.set(name, text)
  assert.ok(examples.size > 0)
  for (const [name, text] of examples) writeFileSync(join(project, name), text)
})
after(() => rmSync(project, { recursive: true }))

describe('the installed package', () => {
  it('has types that a strict project, and the examples of the documentation, compile with', () => {
    const { status, all } = run(project, 'tsc', '-p', '.')
    assert.equal(status, 0, all)
  })

  it('has types that refuse a field that is not there', () => {
    const wrong = join(project, 'wrong.ts')
    writeFileSync(wrong, job('usr'))
    const { status, all } = run(project, 'tsc', '-p', '.')
    rmSync(wrong)
    assert.notEqual(status, 0)
    assert.match(all, /wrong\.ts\(7,10\).*"usr"/)
  })

  it('drives a job in a test, as the documentation shows', () => {
    const { status, all } = run(project, process.execPath, '--test', 'top-bids.test.ts')
    assert.equal(status, 0, all)
  })

  it('makes a project that its tools compile, lint and test', () => {
    const quorate = (...args: string[]) =>
      run(project, process.execPath, 'node_modules/quorate/bin/quorate.js', ...args)
    const made = quorate('init', 'shop', '--name', 'orders', '--typescript')
    assert.equal(made.status, 0, made.all)
    const shop = join(project, 'shop')
    const compiled = run(shop, 'tsc', '-p', '.')
    assert.equal(compiled.status, 0, compiled.all)
    const linted = quorate('lint', 'shop/orders.ts')
    assert.equal(linted.stdout, 'shop/orders.ts: valid\n', linted.all)
    const tested = run(shop, process.execPath, '--test')
    assert.match(tested.stdout, /^. pass 3$/m, tested.all)
    assert.equal(tested.status, 0, tested.all)
    // The test can fail: the job without its filter counts a failure as well.
    writeFileSync(
      join(shop, 'orders.ts'),
      readFileSync(join(shop, 'orders.ts'), 'utf8').replace(/^ {2}\.filter.*\n/m, ''),
    )
    assert.notEqual(run(shop, process.execPath, '--test').status, 0)
    rmSync(shop, { recursive: true })
  })

  it('runs in Node', () => {
    const text = "import job from './clicks.ts'\nconsole.log(job.toYaml())\n"
    writeFileSync(join(project, 'print.mjs'), text)
    const { stdout, all } = run(project, process.execPath, 'print.mjs')
    assert.match(stdout, /^name: clicks$/m, all)
  })

  it('lints a module by its own command', () => {
    const quorate = (...args: string[]) =>
      run(project, process.execPath, 'node_modules/quorate/bin/quorate.js', ...args)
    const good = quorate('lint', 'clicks.ts', 'top-bids.ts', 'auction-prices.ts')
    assert.equal(good.stdout, 'clicks.ts: valid\ntop-bids.ts: valid\nauction-prices.ts: valid\n', good.all)
    writeFileSync(join(project, 'bad.ts'), job('user').replace("'1m'", "'1 minute'"))
    const { status, stderr } = quorate('lint', 'bad.ts')
    rmSync(join(project, 'bad.ts'))
    assert.equal(status, 3)
    assert.match(
      stderr,
      /^bad\.ts:8:4: error: expected a duration.*\n {2}8 \|\s+\.window\(.*\n.*\n {2}help: write 1m$/m,
    )
  })
})
