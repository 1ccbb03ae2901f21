/** What `quorate init --typescript` writes: a job built in TypeScript, and its test. A test compiles and runs all of it. */
import { VERSION } from '../version.ts'
import { type ProjectFile, RECORDS, recordLines } from './project.ts'

/** The first version that runs TypeScript without a flag, tests included. */
const NODE = '>=22.18'

export function typescriptFiles(name: string): readonly ProjectFile[] {
  return [
    { path: `${name}.ts`, text: job(name) },
    { path: `${name}.test.ts`, text: suite(name) },
    { path: `${name}.jsonl`, text: recordLines() },
    { path: 'package.json', text: `${JSON.stringify(manifest(name), undefined, 2)}\n` },
    { path: 'tsconfig.json', text: `${JSON.stringify(COMPILER, undefined, 2)}\n` },
    { path: 'README.md', text: readme(name) },
  ]
}

const job = (name: string): string => `/** How often each page is visited, minute by minute. */
import { stream } from 'quorate'

interface Visit {
  readonly at: string
  readonly page: string
  readonly status: number
  readonly ms: number
}

export default stream<Visit>('${name}-events', { time: { field: 'at' }, outOfOrderness: '5s' })
  .filter('status', '==', 200)
  .keyBy('page')
  .window({ tumbling: '1m' })
  .aggregate({
    visits: 'count()',
    slow: { count: 'ms > 500' },
    meanMs: { avg: 'ms' },
  })
  // On three peers { replicas: 3, write: 2, read: 2 }: one of them may be lost.
  .job('${name}', { quorum: { replicas: 1, write: 1, read: 1 } })
`

const suite = (name: string): string => `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestDriver } from 'quorate/testing'
import job from './${name}.ts'

test('visits are counted by page and minute, failures left out', () => {
  const driver = new TestDriver(job)
${RECORDS.map((record) => `  driver.send(${literal(record)})`).join('\n')}
  driver.end()
  const rows = driver.rows.map(({ key, visits, slow, meanMs }) => ({ key, visits, slow, meanMs }))
  assert.deepEqual(rows, [
    { key: '/', visits: 2, slow: 0, meanMs: 100 },
    { key: '/cart', visits: 1, slow: 1, meanMs: 700 },
    { key: '/cart', visits: 1, slow: 0, meanMs: 300 },
  ])
})

test('a minute that falls silent is shown before it is final', () => {
  const driver = new TestDriver(job)
  driver.send({ at: '2026-01-01T12:00:01Z', page: '/', status: 200, ms: 120 })
  driver.advance('30s')
  assert.deepEqual(
    driver.rows.map(({ visits, final }) => ({ visits, final })),
    [{ visits: 1, final: false }],
  )
})

test('a visit that comes after its minute is a dead letter', () => {
  const driver = new TestDriver(job)
  driver.send({ at: '2026-01-01T12:02:00Z', page: '/', status: 200, ms: 1 })
  driver.send({ at: '2026-01-01T12:00:00Z', page: '/', status: 200, ms: 1 })
  driver.end()
  assert.equal(driver.rows.length, 1)
  assert.equal(driver.deadLetters[0]?.error, 'QRT_RECORD_LATE')
})
`

const literal = (record: Readonly<Record<string, string | number>>): string =>
  `{ ${Object.entries(record)
    .map(([field, value]) => `${field}: ${typeof value === 'string' ? `'${value}'` : value}`)
    .join(', ')} }`

const manifest = (name: string) => ({
  name,
  version: '0.0.0',
  private: true,
  type: 'module',
  engines: { node: NODE },
  scripts: { check: `tsc && quorate lint ${name}.ts`, test: 'node --test' },
  dependencies: { quorate: `^${VERSION}` },
  devDependencies: { '@types/node': '^24.0.0', typescript: '>=5.9' },
})

const COMPILER = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
  },
  include: ['*.ts'],
}

const readme = (name: string): string => `# ${name}

\`\`\`sh
npm install
npm run check                     # do the types fit, and is the document right?
npm test                          # does it do what it should?
npx quorate explain ${name}.ts    # what becomes of it?
\`\`\`

With a peer (\`npx quorate join --bootstrap\`, in a terminal of its own and in the same folder) or the cluster of \`quorate demo\`,
which prints the log that \`quorate produce\` must write to (\`export QUORATE_LOG=…\`):

\`\`\`sh
npx quorate produce ${name}-events ${name}.jsonl
npx quorate submit ${name}.ts
npx quorate query ${name} --open  # with the minute that is not over yet
npx quorate status                # what is waited for
\`\`\`

Where quorate comes from its source and not from a registry, \`npm pack\` there makes a file \`quorate-${VERSION}.tgz\`, and
\`npm install PATH-TO-THAT-FILE\` takes the place of \`npm install\`.
`
