/** init, test and explain as processes: exit codes, and what goes where. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { SchemaRegistry } from '../job/schema-registry.ts'
import { runCli } from './run-cli.ts'

let folder: string
let project: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-tools-'))
  project = join(folder, 'shop')
  const { code, stdout } = await runCli(['init', project, '--name', 'orders'])
  assert.equal(code, 0)
  assert.equal(stdout.trim().split('\n').length, 5)
})
after(() => rmSync(folder, { recursive: true }))

describe('init', { concurrency: 4 }, () => {
  it('makes a project whose job is valid and whose tests pass', async () => {
    assert.deepEqual(readdirSync(project).sort(), [
      'README.md',
      'job.schema.json',
      'orders.job.test.yaml',
      'orders.jsonl',
      'orders.yaml',
    ])
    assert.equal((await runCli(['lint', join(project, 'orders.yaml')])).code, 0)
    const { code, stdout, stderr } = await runCli(['test', join(project, 'orders.job.test.yaml')])
    assert.equal(code, 0, stdout)
    assert.match(stderr, /^3 of 3 cases passed$/m)
  })

  it('makes sample records that its test uses', () => {
    const suite = readFileSync(join(project, 'orders.job.test.yaml'), 'utf8')
    for (const line of readFileSync(join(project, 'orders.jsonl'), 'utf8').trim().split('\n'))
      assert.ok(suite.includes(line))
  })

  it('writes over nothing', async () => {
    const { code, stderr } = await runCli(['init', project, '--name', 'orders'])
    assert.equal(code, 3)
    assert.match(stderr, /orders\.yaml is there already/)
  })

  it('wants a name that a job can have', async () => {
    assert.equal((await runCli(['init', join(folder, 'x'), '--name', 'A b'])).code, 2)
  })
})

describe('test', { concurrency: 4 }, () => {
  const failing = (): string => {
    const path = join(project, 'failing.job.test.yaml')
    writeFileSync(path, readFileSync(join(project, 'orders.job.test.yaml'), 'utf8').replace('visits: 2', 'visits: 7'))
    return path
  }

  it('shows what differs, and exits with 6', async () => {
    const { code, stdout, stderr } = await runCli(['test', failing()])
    assert.equal(code, 6)
    assert.match(stdout, /^ {2}FAIL visits are counted/m)
    assert.match(stdout, /^ +- \{"final":true,.*"visits":7,/m)
    assert.match(stdout, /^ +\+ \{"final":true,.*"visits":2,/m)
    assert.match(stderr, /^2 of 3 cases passed$/m)
  })

  it('runs some cases, and says when there are none', async () => {
    const { code, stdout } = await runCli(['test', failing(), '--only', 'dead letter', '--json'])
    assert.equal(code, 0)
    const { files } = JSON.parse(stdout)
    assert.deepEqual(
      files[0].cases.map(({ passed, deadLetters }: { passed: boolean; deadLetters: number }) => [passed, deadLetters]),
      [[true, 1]],
    )
    assert.equal((await runCli(['test', failing(), '--only', 'nothing like it'])).code, 2)
  })

  it('runs all suites of a folder, and says where there are none', async () => {
    const { code, stderr } = await runCli(['test', new URL('../../configs/tests', import.meta.url).pathname])
    assert.equal(code, 0)
    assert.match(stderr, /^(\d+) of \1 cases passed$/m)
    const none = await runCli(['test', new URL('../../configs/quorum', import.meta.url).pathname])
    assert.equal(none.code, 2)
    assert.match(none.stderr, /has no suites: their names end in \.job\.test\.yaml/)
  })

  it('has suites that lint checks as such', async () => {
    assert.equal((await runCli(['lint', join(project, 'orders.job.test.yaml')])).code, 0)
  })

  it('tells faults of a suite and of its job as lint does', async () => {
    const broken = join(folder, 'broken.job.test.yaml')
    writeFileSync(broken, 'job: missing.yaml\ncases:\n  - name: a\n    given: [ { wait: soon } ]\n    rows: []\n')
    const { code, stderr } = await runCli(['test', broken])
    assert.equal(code, 3)
    assert.match(stderr, /broken\.job\.test\.yaml:4:\d+: error: expected a duration/)
    writeFileSync(broken, 'job: missing.yaml\ncases: [ { name: a, given: [], rows: [] } ]\n')
    assert.equal((await runCli(['test', broken])).code, 3)
  })
})

describe('explain', { concurrency: 4 }, () => {
  it('tells stages, units and guarantees', async () => {
    const { code, stdout } = await runCli(['explain', join(project, 'orders.yaml'), '--partitions', '4'])
    assert.equal(code, 0)
    assert.match(stdout, /^source {6}orders-events, json, 4 partitions$/m)
    assert.match(stdout, /^shuffle {5}4 partitions: records of one page may be in any partition/m)
    assert.match(stdout, /^units {7}8, each on 1 peer: 8 replicas in the cluster$/m)
  })

  it('draws a graph, and gives JSON', async () => {
    const path = join(project, 'orders.yaml')
    assert.match((await runCli(['explain', path, '--mermaid'])).stdout, /^flowchart LR\n/)
    const { job, units } = JSON.parse((await runCli(['explain', path, '--json'])).stdout)
    assert.deepEqual([job, units], ['orders', [3, 3]])
  })

  it('wants a number of partitions', async () => {
    const { code, stderr } = await runCli(['explain', join(project, 'orders.yaml'), '--partitions', '0'])
    assert.equal(code, 2)
    assert.match(stderr, /--partitions: expected a whole number/)
  })

  it('takes the schemas of a subject from a registry, as lint does', async () => {
    const registry = new SchemaRegistry()
    const address = await registry.start()
    try {
      const fields = ['at', 'ms', 'page', 'status'].map((name) => ({ name, type: name === 'page' ? 'string' : 'long' }))
      registry.register('orders', JSON.stringify({ type: 'record', name: 'O', fields }))
      const path = join(folder, 'subject.yaml')
      const text = readFileSync(join(project, 'orders.yaml'), 'utf8')
      writeFileSync(path, text.replace('topic: orders-events', 'topic: o\n  format: { avro: { subject: orders } }'))
      assert.equal((await runCli(['lint', path, '--registry', address])).code, 0)
      assert.match((await runCli(['explain', path, '--registry', address])).stdout, /avro, 1 schemas of a registry/)
      assert.equal((await runCli(['lint', path])).code, 3)
      assert.equal((await runCli(['lint', path, '--registry', 'http://127.0.0.1:1'])).code, 4)
    } finally {
      await registry.stop()
    }
  })
})

describe('a module that builds a job', { concurrency: 2 }, () => {
  const builder = new URL('../../src/builder/index.ts', import.meta.url).href
  const written = (name: string, rest: string): string => {
    const path = join(folder, name)
    writeFileSync(path, `import { stream } from '${builder}'\n${rest}`)
    return path
  }
  const job = (window: string): string =>
    `export default stream('visits')\n  .window(${window})\n  .aggregate({ n: 'count()' })\n  .job('visits', { quorum: { replicas: 1, write: 1, read: 1 } })\n`

  it('is explained and tested as its document would be', async () => {
    const path = written('visits.ts', job("{ tumbling: '1m' }"))
    assert.match((await runCli(['explain', path])).stdout, /^job +visits/m)
    const suite = join(folder, 'visits.job.test.yaml')
    writeFileSync(
      suite,
      'job: visits.ts\ncases:\n  - name: one\n    given: [ { record: {} } ]\n    rows: [ { n: 1 } ]\n',
    )
    const { code, stdout } = await runCli(['test', suite])
    assert.equal(code, 0, stdout)
  })

  it('has its faults told at its own lines, and those of others beside them', async () => {
    const path = written('faulty.ts', job("{ tumbling: '1 minute' }"))
    const { code, stderr, stdout } = await runCli(['lint', path, join(project, 'orders.yaml')])
    assert.equal(code, 3)
    assert.match(stderr, /faulty\.ts:3:4: error: expected a duration.*\n {2}3 \| {3}\.window/)
    assert.match(stdout, /orders\.yaml: valid/)
  })

  it('needs a job as its default export, and to be loaded', async () => {
    assert.match(
      (await runCli(['lint', written('none.ts', 'export const a = stream\n')])).stderr,
      /default export.*found none/,
    )
    const { code, stderr } = await runCli(['submit', written('broken.ts', 'export default nothing.here\n')])
    assert.equal(code, 3)
    assert.match(stderr, /broken\.ts cannot be loaded: nothing is not defined/)
  })
})

describe('a job in SQL', { concurrency: 2 }, () => {
  const written = (name: string, condition: string): string => {
    const path = join(folder, name)
    const table = "CREATE TABLE visits (page text) WITH (topic = 'visits');"
    const quorum = 'SET quorum.replicas = 1; SET quorum.write = 1; SET quorum.read = 1;'
    writeFileSync(path, `${table}\n${quorum}\nSELECT page FROM visits WHERE ${condition};\n`)
    return path
  }

  it('is shown, linted and tested as its document would be', async () => {
    const path = written('pages.sql', "page <> '/'")
    const { stdout } = await runCli(['sql', path])
    assert.match(stdout, /^name: pages$/m)
    assert.equal((await runCli(['lint', path])).stdout, `${path}: valid\n`)
    const suite = join(folder, 'pages.job.test.yaml')
    const given = '[ { record: { page: / } }, { record: { page: /a } }, { record: {} } ]'
    writeFileSync(
      suite,
      `job: pages.sql\ncases:\n  - name: a\n    given: ${given}\n    rows: [ { value: { page: /a } } ]\n`,
    )
    const tested = await runCli(['test', suite])
    assert.equal(tested.code, 0, tested.stdout)
  })

  it('has its faults told at its own lines', async () => {
    const { code, stderr } = await runCli(['lint', written('faulty.sql', 'pag = 1')])
    assert.equal(code, 3)
    assert.match(stderr, /faulty\.sql:3:31: error: the table "visits" has no column "pag"\n/)
    assert.equal((await runCli(['sql', join(folder, 'pages.yaml')])).code, 2)
  })
})
