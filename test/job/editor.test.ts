/**
 * Job files in an editor: a YAML language server reads the published schema by the comment that every sample begins with,
 * and completes names, shows what they mean, and marks what is wrong.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { projectFiles } from '../../src/cli/project.ts'
import { LanguageServer, type Place } from './language-server.ts'

const CONFIGS = fileURLToPath(new URL('../../configs/', import.meta.url))
const YAML_JOBS = globSync(['jobs/*.yaml', 'nexmark/*.yaml'], { cwd: CONFIGS }).sort()

let server: LanguageServer
let opened = 0

before(async () => {
  server = await LanguageServer.start()
})
after(() => server.stop())

/** A document beside the samples, with `|` where the cursor is. */
async function at(text: string): Promise<{ readonly path: string; readonly place: Place }> {
  opened += 1
  const path = join(CONFIGS, 'jobs', `typed-${opened}.yaml`)
  const before = text.slice(0, text.indexOf('|'))
  const place = { line: before.split('\n').length - 1, character: before.length - before.lastIndexOf('\n') - 1 }
  await server.open(path, `# yaml-language-server: $schema=../job.schema.json\n${text.replace('|', '')}`)
  return { path, place: { ...place, line: place.line + 1 } }
}

async function offered(text: string): Promise<readonly string[]> {
  const { path, place } = await at(text)
  return (await server.complete(path, place)).map(({ label }) => label)
}

async function shown(text: string): Promise<string> {
  const { path, place } = await at(text)
  return server.hover(path, place)
}

function includes(names: readonly string[], ...expected: string[]): void {
  for (const name of expected) assert.ok(names.includes(name), `${name} is not among ${names.join(', ')}`)
}

const SOURCE = 'name: delays\nsource: { topic: flights }\n'

describe('names are completed', () => {
  it('of the parts of a document', async () => {
    const names = await offered('name: delays\n|')
    includes(names, 'source', 'sources', 'join', 'pipeline', 'sinks', 'deadLetters', 'quorum', 'retention')
    assert.ok(!names.includes('name'), 'a name is there once')
  })

  it('of steps', async () => {
    const names = await offered(`${SOURCE}pipeline:\n  - |`)
    includes(names, 'filter', 'map', 'explode', 'keyBy', 'window', 'aggregate', 'dedupe', 'pattern')
  })

  it('of windows, and of what is in one', async () => {
    includes(await offered(`${SOURCE}pipeline:\n  - window:\n      |`), 'tumbling', 'hopping', 'session', 'calendar')
    includes(await offered(`${SOURCE}pipeline:\n  - window:\n      hopping: 1d\n      |`), 'every', 'offset')
  })

  it('of the fields of a source, of sinks and of a quorum', async () => {
    includes(await offered('name: delays\nsource:\n  |'), 'topic', 'format', 'time', 'outOfOrderness', 'onIdle')
    includes(await offered(`${SOURCE}sinks:\n  - |`), 'kafka', 'mongodb', 's3', 'file')
    includes(await offered(`${SOURCE}quorum:\n  |`), 'replicas', 'write', 'read')
  })

  it('of values from a list', async () => {
    includes(await offered('name: delays\nsource:\n  topic: flights\n  onIdle: |'), 'emit', 'wait', 'close')
  })
})

describe('what a name means is shown', () => {
  it('of a step, a field of a source and a size of a window', async () => {
    assert.match(await shown(`${SOURCE}pipeline:\n  - fil|ter: a\n`), /Lets pass the records/)
    assert.match(await shown('name: delays\nsource:\n  topic: flights\n  idle|After: 10s\n'), /idle/i)
    assert.match(await shown(`${SOURCE}max|CutAge: 1s\n`), /compare|wait/)
  })

  it('beside each step that is offered', async () => {
    const { path, place } = await at(`${SOURCE}pipeline:\n  - |`)
    for (const { label, documentation } of await server.complete(path, place)) {
      const text = typeof documentation === 'object' ? documentation.value : (documentation ?? '')
      assert.ok(text.length > 10, `${label} says nothing of itself`)
    }
  })
})

describe('what is wrong is marked', () => {
  const sample = readFileSync(join(CONFIGS, 'jobs/flight-delays.yaml'), 'utf8')
  const planted = async (from: string, to: string) => {
    assert.ok(sample.includes(from))
    opened += 1
    const marks = await server.open(join(CONFIGS, 'jobs', `planted-${opened}.yaml`), sample.replace(from, to))
    const line = sample
      .replace(from, to)
      .split('\n')
      .findIndex((each) => each.includes(to))
    return { marks, line }
  }

  it('an unknown name, at its line', async () => {
    const { marks, line } = await planted('topic: flights', 'tpoic: flights')
    assert.ok(
      marks.some(({ range, message }) => range.start.line === line && /tpoic/.test(message)),
      JSON.stringify(marks),
    )
  })

  it('a duration that is none, at its line', async () => {
    const { marks, line } = await planted('tumbling: 1d', 'tumbling: 1 day')
    assert.ok(
      marks.some(({ range }) => range.start.line === line),
      JSON.stringify(marks),
    )
  })
})

describe('the samples', () => {
  for (const name of YAML_JOBS) {
    it(`${name} names its schema, and nothing of it is marked`, async () => {
      const path = join(CONFIGS, name)
      const text = readFileSync(path, 'utf8')
      const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? []
      assert.ok(existsSync(join(dirname(path), schema)) && schema !== '', `${name} names no schema that is there`)
      assert.deepEqual(await server.open(path, text), [])
    })
  }

  it('in TOML and JSON name theirs', () => {
    const others = globSync(['jobs/*.toml', 'jobs/*.json'], { cwd: CONFIGS })
    assert.ok(others.length > 0)
    for (const name of others)
      assert.match(
        readFileSync(join(CONFIGS, name), 'utf8'),
        /^(?:#:schema |\{\s*"\$schema": ")\.\.\/job\.schema\.json/,
      )
  })

  it('that init writes names the schema that init writes beside it', () => {
    const files = new Map(projectFiles('orders').map(({ path, text }) => [path, text]))
    const [, schema = ''] = /\$schema=(\S+)/.exec(files.get('orders.yaml') ?? '') ?? []
    assert.deepEqual(
      JSON.parse(files.get(schema) ?? ''),
      JSON.parse(readFileSync(join(CONFIGS, 'job.schema.json'), 'utf8')),
    )
  })
})
