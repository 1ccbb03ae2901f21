/** Aggregates of one's own in documents and builders: how they are called, what a module of them must be, and which one a job means. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createStage } from '../../operators/index.ts'
import { cel, stream } from '../../src/builder/index.ts'
import { loadFunctions } from '../../src/functions/module.ts'
import { decodeJob, encodeJob } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { explainJob } from '../../src/job/explain.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { differences } from '../../src/job/upgrade.ts'
import { TestDriver } from '../../src/testing/index.ts'
import { runCli } from '../cli/run-cli.ts'
import { faultsIn } from '../job/faults.ts'

const load = (text: string, file = 'own.js') => loadFunctions({ file, text })
const refused = (text: string, what: RegExp) => assert.rejects(load(text), what)

/** A module with one aggregate, parts of which are other than they should be. */
const module = (changes: Readonly<Record<string, string>> = {}): string => {
  const parts = {
    ...{ args: "['number']", returns: "'number'", samples: '[[[[2], [5], [3]], 3], [[], null]]' },
    init: '() => null',
    add: '(state, x) => state === null ? [x, x] : [Math.min(state[0], x), Math.max(state[1], x)]',
    merge: '(a, b) => a === null ? b : b === null ? a : [Math.min(a[0], b[0]), Math.max(a[1], b[1])]',
    result: '(state) => state === null ? null : state[1] - state[0]',
    ...changes,
  }
  const fields = Object.entries(parts).map(([name, text]) => `${name}: ${text}`)
  return `export default { spread: { ${fields.join(', ')} } }`
}

const document = (aggregates: string, window = 'window: { tumbling: 1h }') => `
name: own
source: { topic: in, time: { field: at } }
pipeline: [ { keyBy: k }, { ${window} }, { aggregate: { ${aggregates} } } ]
sinks: [ { file: { directory: rows, format: parquet } } ]
quorum: { replicas: 1, write: 1, read: 1 }
`
const compiledOf = (text: string) => {
  const parsed = parseJob(text, 'yaml', 'own.yaml')
  const facts = { cluster: 'c', submission: 1, sources: assumedSources(parsed, 1), missingTopics: [] }
  return compileJob(parsed, facts)
}

interface Reading {
  at: number
  k: string
  v: number
}

describe('an aggregate of a module', () => {
  it('is called by its name, alone or with a condition beside it, in every window and in a builder', async () => {
    await load(module())
    const readings = stream<Reading>('in', { time: { field: 'at' } }).keyBy('k')
    const aggregates = {
      spread: { call: cel<number | null>('spread(v)') },
      small: { call: cel<number | null>('spread(v * 2)'), where: 'v < 5' },
    }
    const options = { quorum: { replicas: 1, write: 1, read: 1 } }
    const jobs = [
      readings.window({ hopping: '20ms', every: '10ms' }).aggregate(aggregates).job('hopping', options),
      readings.window({ session: '15ms' }).aggregate(aggregates).job('session', options),
      readings.window({ count: 3 }).aggregate(aggregates).job('count', options),
      readings.rolling({ last: 3 }).aggregate(aggregates).job('rolling', options),
    ]
    const found = jobs.map((job) => {
      const driver = new TestDriver<Reading, { spread: number | null; small: number | null }>(job as never, {
        partitions: 2,
      })
      for (const [i, v] of [4, 1, 9].entries()) driver.send({ at: 10 * i, k: 'a', v }, { partition: i % 2 })
      driver.end()
      assert.deepEqual(driver.deadLetters, [])
      // A row of a record has what it says in its value.
      const said = driver.rows.map((row) => (row as { value?: typeof row }).value ?? row)
      return said.map(({ spread, small }) => [spread, small])
    })
    assert.deepEqual(found, [
      [
        [0, 0],
        [3, 6],
        [8, 0],
        [0, null],
      ],
      [[8, 6]],
      [[8, 6]],
      [
        [0, 0],
        [3, 6],
        [8, 6],
      ],
    ])
  })

  it('is told where it is called wrongly', async () => {
    await load(module())
    assert.deepEqual(faultsIn(document('a: spread(v)')), [])
    const [wrong] = faultsIn(document('a: "spread(v, w)"'))
    assert.match(wrong ?? '', /expected 1 argument in the brackets of spread; found 2 arguments/)
    const [near] = faultsIn(document('a: spraed(v)'))
    assert.match(near ?? '', /expected one of count, .*spread; found "spraed" \[did you mean spread\?\]/)
    const [inside] = faultsIn(document('a: spread(v +)'))
    assert.match(inside ?? '', /expected/)
    const [builtin] = faultsIn(document('a: { call: sum(v) }'))
    assert.match(builtin ?? '', /call is for aggregates of modules, and sum is none/)
    const [beside] = faultsIn(document('a: { call: spread(v), limit: 3 }'))
    assert.match(beside ?? '', /call has its arguments in brackets; leave limit out/)
    const [both] = faultsIn(document('a: { call: spread(v), sum: v }'))
    assert.match(both ?? '', /found sum and call/)
  })

  it('is explained as it is written, and has a column of its type', async () => {
    await load(module({ returns: "'integer'" }))
    const parsed = parseJob(document('a: { call: spread(v), where: v > 0 }'), 'yaml', 'own.yaml')
    const steps = explainJob(parsed, 1).graph.flatMap(({ steps = [] }) => steps.map(({ text }) => text))
    assert.ok(
      steps.some((text) => text.includes('a: spread(v) where v > 0')),
      steps.join('; '),
    )
    const [sink] = parsed.sinks
    assert.ok(sink?.kind === 'file' && typeof sink.format === 'object' && sink.format.kind === 'parquet')
    assert.equal(sink.format.columns.find(({ name }) => name === 'a')?.type, 'integer')
  })

  it('is of one module: another text is another job, and no upgrade', async () => {
    const first = await load(module())
    const before = compiledOf(document('a: spread(v)'))
    assert.deepEqual(before.stages[0]?.aggregates[0]?.own, { aggregate: 'spread', functions: first.hash })
    await load(`${module()} // another`)
    const after = compiledOf(document('a: spread(v)'))
    assert.notEqual(after.generation, before.generation)
    assert.deepEqual(differences(before, after), ['the aggregates'])
  })

  it('is kept by a peer that has not its module and is not run there; a job that does not say which is none', async () => {
    await load(module())
    const text = document('a: spread(v)')
    const job = {
      document: { text, format: 'yaml' },
      compiled: compiledOf(text),
      submittedAt: '2026-01-01T00:00:00.000Z',
    } as const
    const stored = Buffer.from(encodeJob(job)).toString()
    const elsewhere = stored.replaceAll(/"functions":"[0-9a-f]{64}"/g, `"functions":"${'0'.repeat(64)}"`)
    const [stage] = decodeJob(Buffer.from(elsewhere)).compiled.stages
    assert.throws(() => createStage(stage!, { partition: 0 }), { code: 'QRT_EXPR_FUNCTIONS', message: /--functions/ })
    const nowhere = stored.replaceAll(/,"functions":"[0-9a-f]{64}"/g, '')
    assert.notEqual(nowhere, stored)
    assert.throws(() => decodeJob(Buffer.from(nowhere)), /of which module it is is not said/)
  })
})

describe('a module of aggregates', () => {
  it('gives what its samples say, however the records come together', async () => {
    await refused(
      module({ samples: '[[[[2], [5]], 4]]' }),
      /expected the sample spread of \[\[2\],\[5\]\] to give 4; found 3/,
    )
    await refused(module({ merge: '(a) => a' }), /found .*, with each record merged into those before/)
    await refused(module({ merge: '(a, b) => b ?? a' }), /found 0, with each record merged into those before/)
    await refused(
      module({
        ...{ init: '() => 0', add: '(sum, x) => sum * 2 + x', merge: '(a, b) => a * 2 + b', result: '(sum) => sum' },
        samples: '[[[[1], [2]], 4]]',
      }),
      /found 5, with the records in the opposite order/,
    )
    // A state of nothing that is not nothing, when it is merged in.
    await refused(
      module({
        ...{ init: '() => [3, 3]', add: '(_, x) => [x, x]', samples: '[[[[4], [6]], 2]]' },
        merge: '(a, b) => [Math.min(a[0], b[0]), Math.max(a[1], b[1])]',
      }),
      /found 3, with each record merged into those before/,
    )
    await refused(module({ add: '(state, x) => [x, x]' }), /to give 3; found 0, with each record added to those before/)
  })

  it('tries merge, and needs a state that is a JSON value', async () => {
    await refused(module({ samples: '[[[[2]], 0]]' }), /a sample of two records or more, so that merge is tried/)
    await refused(module({ add: '() => new Map()' }), /fails with QRT_EXPR_TYPE/)
    await refused(module({ add: '() => undefined' }), /fails with QRT_EXPR_TYPE/)
    await refused(module({ result: '() => { throw new Error() }' }), /fails with QRT_EXPR_FUNCTION/)
    await refused(module({ add: '() => Math.random()' }), /fails with QRT_EXPR_FUNCTION/)
    await refused(module({ samples: '[[[[2, 3], [5, 3]], 3]]' }), /expected 1 arguments for each record/)
  })

  it('has all four parts, and a name of its own', async () => {
    await refused(module({ merge: '1' }), /spread\.merge: expected a function; expected \{ total:/)
    await refused(module({ call: '() => 1' }), /spread: .*call/)
    await refused(module().replace('spread', 'median'), /median\(\) is an aggregate of the language already/)
  })

  it('is one that runs in configs/functions, with a job and its suite', async () => {
    const path = (name: string) => fileURLToPath(new URL(`../../configs/functions/${name}`, import.meta.url))
    const { code, stdout } = await runCli([
      ...['test', path('delay-histograms.job.test.yaml'), '--functions', path('statistics.ts')],
    ])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /ok {3}a flight is in the windows of two days/)
  })

  it('is as docs/functions.md shows it', async () => {
    const docs = readFileSync(new URL('../../docs/functions.md', import.meta.url), 'utf8')
    const [, text = ''] = /^```ts\n(\/\/ routes\.ts\n[\s\S]*?)^```$/m.exec(docs) ?? []
    assert.ok(text.includes('merge'))
    await load(text, 'routes.ts')
    assert.deepEqual(faultsIn(document('a: busiest(v)')), [])
  })
})
