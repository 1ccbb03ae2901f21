/** The runner of job tests: virtual time, decisions at their instants, and what differs. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { JobFormat } from '../../src/job/document.ts'
import { parseJob } from '../../src/job/parse.ts'
import { loadBeside } from '../../src/job/reference.ts'
import { compareLetters, compareRows } from '../../src/job/testing/compare.ts'
import { runCase } from '../../src/job/testing/run.ts'
import { readSuite } from '../../src/job/testing/suite.ts'

const JOB = `name: visits
source: { topic: t, time: { field: at }, idleAfter: 10s, onIdle: emit }
pipeline:
  - keyBy: page
  - window: { tumbling: 1m }
  - aggregate: { n: count() }
quorum: { replicas: 1, write: 1, read: 1 }
maxCutAge: 2s
`

function outputOf(given: string, job = JOB, more = ''): ReturnType<typeof runCase> {
  const text = `job: a.yaml\ncases:\n  - name: a\n    ${more}\n    rows: []\n    given:\n${given}`
  const { suite, faults } = readSuite(text, 'yaml')
  assert.deepEqual(faults, [])
  const [testCase] = suite?.cases ?? []
  assert.ok(testCase !== undefined)
  return runCase(parseJob(job, 'yaml', 'job'), testCase)
}

const rowsOf = (...args: Parameters<typeof outputOf>) =>
  outputOf(...args).rows.map((row) => {
    const { key, n, revision, final, value } = JSON.parse(row)
    return value === undefined ? `${key} ${n} r${revision}${final ? ' final' : ''}` : `${key} ${JSON.stringify(value)}`
  })

describe('a case', () => {
  it('ends with its source, so that every window closes', () => {
    assert.deepEqual(rowsOf('      - record: { at: 0, page: a }\n'), ['a 1 r0 final'])
    assert.deepEqual(rowsOf('      - record: { at: 0, page: a }\n', JOB, 'end: false'), [])
  })

  it('is silent for as long as it waits: at idleAfter, and not before', () => {
    const given = (wait: string) => `      - record: { at: 0, page: a }\n      - wait: ${wait}\n`
    assert.deepEqual(rowsOf(given('9s'), JOB, 'end: false'), [])
    assert.deepEqual(rowsOf(given('10s'), JOB, 'end: false'), ['a 1 r0'])
    assert.deepEqual(rowsOf(given('5s').repeat(2), JOB, 'end: false'), [])
  })

  it('emits what has waited for maxCutAge', () => {
    const rows = JOB.replace(/ {2}- window[\s\S]*count\(\) }\n/, '')
    // Both are fewer than the records for which a line of the grid ends a cut.
    const given = '      - record: { at: 1, page: a }\n      - record: { at: 2, page: b }\n      - wait: WAIT\n'
    const [first, second] = ['a {"at":1,"page":"a"}', 'b {"at":2,"page":"b"}']
    assert.deepEqual(rowsOf(given.replace('WAIT', '1999ms'), rows, 'end: false'), [])
    assert.deepEqual(rowsOf(given.replace('WAIT', '2s'), rows, 'end: false'), [first, second])
  })

  it('has log time from its start on', () => {
    const job = JOB.replace('time: { field: at }, ', '')
    const { rows } = outputOf('      - wait: 30s\n      - record: { page: a }\n', job, 'start: 2001-01-01T00:00:40Z')
    assert.deepEqual(
      rows.map((row) => JSON.parse(row).window.start),
      ['2001-01-01T00:01:00.000Z'],
    )
  })

  it('goes through the shuffle when there are several partitions', () => {
    const given = [0, 1, 2].map(
      (partition) => `      - record: { at: ${partition}, page: a }\n        partition: ${partition}\n`,
    )
    assert.deepEqual(rowsOf(given.join(''), JOB, 'partitions: 3'), ['a 3 r0 final'])
  })

  it('gives records as values whatever the format of the source, or as they are', () => {
    const job = JOB.replace('topic: t', 'topic: t, format: msgpack')
    const packed = Buffer.of(0x82, 0xa2, 0x61, 0x74, 0x01, 0xa4, 0x70, 0x61, 0x67, 0x65, 0xa1, 0x62).toString('base64')
    assert.deepEqual(rowsOf('      - record: { at: 0, page: a }\n', job), ['a 1 r0 final'])
    assert.deepEqual(rowsOf(`      - base64: ${packed}\n`, job), ['b 1 r0 final'])
    assert.throws(() => rowsOf(`      - base64: ${packed}\n      - record: 1\n`, job), /give all in one way/)
  })
})

describe('a pattern with a group and a greedy stage', () => {
  const job = `name: retries
source: { topic: calls, time: { field: at }, outOfOrderness: 5s }
pipeline:
  - keyBy: request
  - pattern:
      stages:
        - { name: sent, where: kind == "sent" }
        - { name: slow, where: kind == "slow", oneOrMore: true, optional: true, greedy: true }
        - { name: failed, where: kind == "failed" }
        - { name: gaveUp, where: kind == "gaveUp" }
      groups: [ { from: sent, to: failed, times: { least: 2 } } ]
      within: 10m
      afterMatch: skipPastLast
      select: { attempts: count(sent), warnings: count(slow) }
quorum: { replicas: 1, write: 1, read: 1 }
`
  const given = (kinds: string): string =>
    [...kinds]
      .map((letter, i) => [{ s: 'sent', w: 'slow', f: 'failed', g: 'gaveUp' }[letter], i] as const)
      .map(
        ([kind, i]) => `      - record: { at: ${i * 1000}, request: a, kind: ${kind} }\n        partition: ${i % 2}\n`,
      )
      .join('')
  const matches = (kinds: string) =>
    outputOf(given(kinds), job, 'partitions: 2').rows.map((row) => JSON.parse(row).value)

  it('has a match for so many rounds, from two partitions through a shuffle', () => {
    assert.deepEqual(matches('sfswwfg'), [{ attempts: 2, warnings: 2 }])
    assert.deepEqual(matches('sfsfswfg'), [{ attempts: 3, warnings: 1 }])
  })

  it('has none for fewer', () => assert.deepEqual(matches('swfg'), []))
})

describe('expected rows', () => {
  const row = '{"final":true,"key":"a","n":1,"revision":0}'

  it('are found in any order, each once', () => {
    const found = [row, row.replace('"a"', '"b"')]
    assert.deepEqual(
      compareRows(
        [
          { key: 'b', n: 1 },
          { key: 'a', n: 1 },
        ],
        found,
      ),
      { missing: [], unexpected: [] },
    )
    assert.deepEqual(
      compareRows(
        [
          { key: 'a', n: 1 },
          { key: 'a', n: 1 },
        ],
        [row],
      ),
      {
        missing: ['{"key":"a","n":1}'],
        unexpected: [],
      },
    )
  })

  it('have all fields of their own, and of the others those that are given', () => {
    assert.deepEqual(compareRows([{ n: 1, final: true }], [row]), { missing: [], unexpected: [] })
    assert.deepEqual(compareRows([{ n: 1, final: false }], [row]).unexpected, [row])
    assert.deepEqual(compareRows([{ key: 'a' }], [row]).unexpected, [row])
  })

  it('may be texts, for numbers that a document cannot hold', () => {
    const large = '{"n":9007199254740993}'
    assert.deepEqual(compareRows([large], [large]), { missing: [], unexpected: [] })
    assert.deepEqual(compareRows(['{"n":9007199254740992}'], [large]).unexpected, [large])
  })

  it('of dead letters have the fields that are given', () => {
    const letter = '{"error":"QRT_RECORD_LATE","offset":3}'
    assert.deepEqual(compareLetters([{ offset: 3 }], [letter]), { missing: [], unexpected: [] })
    assert.deepEqual(compareLetters([], [letter]).unexpected, [letter])
    assert.deepEqual(compareLetters([{ offset: 4 }], [letter]).missing, ['{"offset":4}'])
  })
})

describe('a suite', () => {
  const faults = (text: string): string[] =>
    readSuite(text, 'yaml').faults.map(({ line, column, message }) => `${line}:${column} ${message}`)

  it('has faults with their places', () => {
    assert.deepEqual(faults('job: a.yaml\ncases:\n  - nmae: x\n    given: []\n    rows: []\n'), [
      '3:5 unknown name "nmae"; known here: name, partitions, start, end, given, rows, deadLetters',
    ])
    const [both] = faults('job: a.yaml\ncases: [ { name: a, rows: [], given: [ { record: 1, wait: 1s } ] } ]\n')
    assert.equal(both, '2:40 expected one of "record", "text", "base64" or "wait"; found record and wait')
    const [partition] = faults(
      'job: a.yaml\ncases: [ { name: a, rows: [], given: [ { record: 1, partition: 1 } ] } ]\n',
    )
    assert.equal(partition, '2:64 there is no partition 1; the case has 1')
    const [start] = faults('job: a.yaml\ncases: [ { name: a, start: noon, rows: [], given: [] } ]\n')
    assert.equal(start, '2:28 expected a time in ISO 8601 such as 2001-01-01T00:00:00Z; found "noon"')
  })
})

describe('docs/testing.md', () => {
  it('has a job and a suite that passes', () => {
    const docs = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8')
    const [job = '', text = ''] = [...docs.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
    const { suite, faults } = readSuite(text, 'yaml')
    assert.deepEqual(faults, [])
    const [testCase] = suite?.cases ?? []
    assert.ok(testCase !== undefined)
    const { rows, deadLetters } = runCase(parseJob(job, 'yaml', 'job'), testCase)
    assert.deepEqual(compareRows(testCase.rows, rows), { missing: [], unexpected: [] })
    assert.deepEqual(compareLetters(testCase.deadLetters, deadLetters), { missing: [], unexpected: [] })
  })
})

describe('configs/tests', () => {
  const folder = new URL('../../configs/tests/', import.meta.url)

  it('has a suite for each sample', () => {
    const stems = (files: readonly string[]) => files.map((name) => name.slice(0, name.indexOf('.'))).sort()
    assert.deepEqual(stems(readdirSync(folder)), stems(readdirSync(new URL('../../configs/jobs/', import.meta.url))))
  })

  for (const name of readdirSync(folder).sort()) {
    const { suite, faults } = readSuite(readFileSync(new URL(name, folder), 'utf8'), 'yaml')
    it(`${name} is valid`, () => assert.deepEqual(faults, []))
    for (const testCase of suite?.cases ?? []) {
      it(`${name}: ${testCase.name}`, () => {
        const job = new URL(suite?.job ?? '', new URL(name, folder)).pathname
        const format = job.slice(job.lastIndexOf('.') + 1) as JobFormat
        const document = parseJob(readFileSync(job, 'utf8'), format, job, loadBeside(job))
        const { rows, deadLetters } = runCase(document, testCase)
        assert.deepEqual(compareRows(testCase.rows, rows), { missing: [], unexpected: [] })
        assert.deepEqual(compareLetters(testCase.deadLetters, deadLetters), { missing: [], unexpected: [] })
      })
    }
  }
})
