/** Functions of one's own in expressions: what a module must be, what they are given and give, and which module a job means. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stream } from '../../src/builder/index.ts'
import { loadFunctions } from '../../src/functions/module.ts'
import { decodeJob, encodeJob } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { loadFunctions as loadForTests, TestDriver } from '../../src/testing/index.ts'

const load = (text: string, file = 'own.ts') => loadFunctions({ file, text })
const refused = (text: string, what: RegExp) => assert.rejects(load(text), what)

/** A module with one function of any arguments. */
const one = (args: string, returns: string, call: string, samples: string, more = '') =>
  `export default { own: { args: ${args}, returns: '${returns}', samples: ${samples}, ${more} call: ${call} } }`

const document = (expression: string) => `
name: own
source: { topic: in }
pipeline: [ { map: { out: '${expression}' } } ]
quorum: { replicas: 1, write: 1, read: 1 }
`

function outOf(expression: string, record: Readonly<Record<string, unknown>>) {
  const job = stream('in')
    .map({ out: { cel: expression } as never })
    .job('own', { quorum: { replicas: 1, write: 1, read: 1 } })
  const driver = new TestDriver(job)
  driver.send(record)
  driver.end()
  return driver.deadLetters[0]?.error ?? (JSON.parse(driver.rowTexts[0] ?? '') as { value: { out: unknown } }).value.out
}

describe('a function', () => {
  it('is called in expressions with what its types say', async () => {
    await load(one("['number', 'text']", 'text', '(n: number, t: string): string => t + n * 2', "[[[2, 'a'], 'a4']]"))
    assert.equal(outOf('own(n, t)', { n: 4, t: 'x' }), 'x8')
    assert.equal(outOf('size(own(n + 1, t)) > 1', { n: 4, t: 'x' }), true)
    assert.equal(outOf('own(n, t)', { n: 'four', t: 'x' }), 'QRT_EXPR_TYPE')
    assert.equal(outOf('own(n, t)', { t: 'x' }), 'QRT_EXPR_MISSING_FIELD')
    assert.equal(outOf('own(n, t)', { n: null, t: 'x' }), null, 'null in, null out')
  })

  it('has exact integers', async () => {
    await load(one("['integer']", 'integer', '(n) => n + 2n', '[[[1], 3]]'), 'own.js')
    assert.equal(outOf('own(n) == 9007199254740993', { n: 9007199254740991 }), true)
    assert.equal(outOf('own(n)', { n: 1.5 }), 'QRT_EXPR_TYPE')
  })

  it('has objects and lists of its own, and takes nulls where it says so', async () => {
    await load(
      one(
        "['json']",
        'json',
        '(v) => { const w = v ?? {}; w.seen = true; return { b: [w], a: null } }',
        '[[[null], { b: [{ seen: true }], a: null }]]',
        'nulls: true,',
      ),
      'own.js',
    )
    assert.deepEqual(outOf('own(v).b[0]', { v: { x: [1] } }), { seen: true, x: [1] })
    assert.deepEqual(outOf('{"before": v, "after": own(v)}', { v: { x: 1 } }), {
      before: { x: 1 },
      after: { a: null, b: [{ seen: true, x: 1 }] },
    })
    assert.deepEqual(outOf('own(null).a', {}), null)
  })

  it('makes a dead letter where it throws, or gives what it must not', async () => {
    await load(
      one(
        "['number']",
        'number',
        "(n) => { if (n > 3) throw new Error('at ' + n); return n === 3 ? 'x' : n === 2 ? 1 / 0 : n }",
        '[[[1], 1]]',
      ),
      'own.js',
    )
    assert.equal(outOf('own(n)', { n: 4 }), 'QRT_EXPR_FUNCTION')
    assert.equal(outOf('own(n)', { n: 3 }), 'QRT_EXPR_TYPE')
    assert.equal(outOf('own(n)', { n: 2 }), 'QRT_EXPR_OVERFLOW')
    await load(one("['number']", 'number', 'async (n) => n', '[[[null], null]]'), 'own.js')
    assert.equal(outOf('own(n)', { n: 1 }), 'QRT_EXPR_TYPE')
  })

  it('takes the number of arguments that it says', async () => {
    await load(one("['number']", 'number', '(n) => n', '[[[1], 1]]'), 'own.js')
    assert.throws(() => parseJob(document('own(a, b)'), 'yaml', 'own.yaml'), /own\(\): expected 1 argument, found 2/)
    assert.throws(() => parseJob(document('owm(a)'), 'yaml', 'own.yaml'), /known functions are .*\bown\b/)
  })
})

describe('a module', () => {
  it('cannot look at clocks, chance or what differs between machines', async () => {
    for (const call of [
      '() => Date.now()',
      '() => Math.random()',
      '() => Math.sin(1)',
      '() => performance.now()',
      '() => process.pid',
    ]) {
      await refused(one("['number']", 'number', call, '[[[1], 1]]'), /sample own\(1\) fails with QRT_EXPR_FUNCTION/)
    }
  })

  it('imports nothing', async () => {
    await refused("import { a } from './a.ts'\nexport default a", /imports another module/)
  })

  it('gives what its samples say, each time', async () => {
    await refused(
      one("['number']", 'number', '(n) => n * 3', '[[[2], 4]]'),
      /expected the sample own\(2\) to give 4; found 6/,
    )
    await refused(
      `let calls = 0\n${one("['number']", 'number', '(n) => n + calls++', '[[[2], 2]]')}`,
      /to give 2; found 3/,
    )
    await refused(one("['number']", 'number', '(n) => n', '[]'), /own\.samples/)
  })

  it('says what is not as expected', async () => {
    await refused('export const a = 1', /expected functions by name as the default export/)
    await refused('export default {', /cannot be run/)
    await refused(
      "export default { size: { args: ['text'], returns: 'number', samples: [[['a'], 1]], call: (t) => t.length } }",
      /size\(\) is a function of the language already/,
    )
    await refused(one("['float']", 'number', '(n) => n', '[[[1], 1]]'), /own\.args\.0/)
    await refused(one("['number']", 'number', '1', '[[[1], 1]]'), /own\.call: expected a function/)
    assert.throws(() => parseJob(document('nothing(a)'), 'yaml', 'own.yaml'), /unknown/)
  })

  it('is one that runs in configs/functions', async () => {
    await loadForTests(fileURLToPath(new URL('../../configs/functions/geo.ts', import.meta.url)))
    assert.equal(outOf('cell(at.lat, at.lon, 0.5)', { at: { lat: 52.6, lon: 13.4 } }), '105:26')
    assert.equal(outOf('luhn(card)', { card: '4111111111111111' }), true)
  })
})

describe('a job', () => {
  const compiledOf = (text: string) => {
    const document = parseJob(text, 'yaml', 'own.yaml')
    const compiled = compileJob(document, {
      cluster: 'c',
      submission: 1,
      sources: assumedSources(document, 1),
      missingTopics: [],
    })
    return encodeJob({ document: { text, format: 'yaml' }, compiled, submittedAt: '2026-01-01T00:00:00.000Z' })
  }

  it('says which module it means, and another module makes another job', async () => {
    const text = (factor: number) => one("['number']", 'number', `(n) => n * ${factor}`, `[[[1], ${factor}]]`)
    const first = await load(text(2))
    assert.equal(first.hash, createHash('sha256').update(text(2)).digest('hex'))
    const before = decodeJob(compiledOf(document('own(a)'))).compiled
    const [step] = before.stages[0]?.steps ?? []
    assert.ok(step?.kind === 'map')
    assert.equal(step.fields.out?.functions, first.hash)
    await load(text(3))
    const after = decodeJob(compiledOf(document('own(a)'))).compiled
    assert.notEqual(after.generation, before.generation)
    const [plain] = decodeJob(compiledOf(document('a'))).compiled.stages[0]?.steps ?? []
    assert.ok(plain?.kind === 'map' && plain.fields.out?.functions === undefined)
  })

  it('is kept by a peer that has not the module, and is not run there', async () => {
    await load(one("['number']", 'number', '(n) => n', '[[[1], 1]]'))
    const bytes = Buffer.from(compiledOf(document('own(a)')))
      .toString()
      .replaceAll(/"functions":"[0-9a-f]{64}"/g, `"functions":"${'0'.repeat(64)}"`)
    const body = decodeJob(new TextEncoder().encode(bytes))
    assert.equal(body.compiled.name, 'own')
    const { createStage } = await import('../../operators/index.ts')
    assert.throws(() => createStage(body.compiled.stages[0]!, { partition: 0 }), {
      code: 'QRT_EXPR_FUNCTIONS',
      message: /start it with --functions/,
    })
  })

  it('that does not say its module is no job, whoever has a function of that name', async () => {
    await load(one("['number']", 'number', '(n) => n', '[[[1], 1]]'))
    const bytes = Buffer.from(compiledOf(document('own(a)')))
      .toString()
      .replaceAll(/"functions":"[0-9a-f]{64}",/g, '')
    assert.throws(() => decodeJob(new TextEncoder().encode(bytes)), /does not compile: own\(\): unknown/)
  })
})

describe('docs/functions.md', () => {
  it('has a module that runs', async () => {
    const docs = readFileSync(new URL('../../docs/functions.md', import.meta.url), 'utf8')
    const [, text = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(docs) ?? []
    await load(text, 'geo.ts')
    assert.equal(outOf('cell(at.lat, at.lon, 0.5)', { at: { lat: 52.6, lon: 13.4 } }), '105:26')
  })
})
