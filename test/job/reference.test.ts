import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { QuorateError } from '../../src/errors.ts'
import type { JobFormat } from '../../src/job/document.ts'
import { parseJob, selfContained } from '../../src/job/parse.ts'
import { type LoadFile, loadBeside } from '../../src/job/reference.ts'
import { edited, faultsIn } from './faults.ts'

const QUORUM = '{ replicas: 3, write: 2, read: 2 }'
const naming = (file: string): string => edited([QUORUM, `{ file: ${file} }`])

/** A loader of files that are texts. */
const files =
  (texts: Readonly<Record<string, string>>): LoadFile =>
  (reference) => {
    const text = texts[reference]
    if (text === undefined) throw new QuorateError('QRT_CONFIG_INVALID', `${reference} cannot be read (ENOENT)`)
    return { text, file: `jobs/${reference}` }
  }

describe('a quorum file', () => {
  it('is the quorum, in any format', () => {
    const load = files({
      'q.yaml': 'replicas: 5\nwrite: 3\nread: 2\n',
      'q.toml': 'replicas = 5\nwrite = 3\nread = 2\n',
      '../a/q.json': '{"replicas": 5, "write": 3, "read": 2}',
    })
    for (const file of ['q.yaml', 'q.toml', '../a/q.json']) {
      const { quorum } = parseJob(naming(file), 'yaml', 'job', load)
      assert.deepEqual(quorum, { replicas: 5, write: 3, read: 2, allowForks: false })
    }
  })

  it('has its faults told at its own lines, and where it is named', () => {
    const load = files({ 'q.yaml': '# of three\nreplicas: 3\nwrite: 1\nraed: 2\n' })
    assert.deepEqual(faultsIn(naming('q.yaml'), 'yaml', load), [
      '9:17 /quorum/file jobs/q.yaml:3:8: expected write to be more than half of the 3 replicas; found 1, so two groups of replicas could each certify a result of their own [write 2, or say allowForks: true; every result is marked then]',
      '9:17 /quorum/file jobs/q.yaml:4:1: unknown name "raed"; known here: replicas, write, read, allowForks [did you mean "read"?]',
    ])
  })

  it('has its faults told beside those of the job', () => {
    const load = files({ 'q.yaml': 'replicas: 3' })
    const text = `${naming('q.yaml').replace('1d', 'x')}retention: never\n`
    const faults = faultsIn(text, 'yaml', load)
    assert.deepEqual(
      faults.map((fault) => fault.split(' ').slice(0, 3).join(' ')),
      [
        '6:25 /pipeline/2/window/tumbling expected',
        '9:17 /quorum/file jobs/q.yaml:1:1:',
        '9:17 /quorum/file jobs/q.yaml:1:1:',
        '10:12 /retention expected',
      ],
    )
  })

  it('names no file of its own', () => {
    const load = files({ 'q.yaml': 'file: q.yaml\n' })
    assert.match(faultsIn(naming('q.yaml'), 'yaml', load).join('\n'), /unknown name "file"; known here: replicas/)
  })

  it('that cannot be read is told where it is named', () => {
    assert.deepEqual(faultsIn(naming('q.yaml'), 'yaml', files({})), [
      '9:17 /quorum/file q.yaml cannot be read (ENOENT)',
    ])
  })

  it('has a relative path and a known format', () => {
    const load: LoadFile = () => assert.fail('such a file is not looked for')
    for (const path of ['/etc/q.yaml', 'q', 'q.txt', 'C:\\q.yaml', 'q.yaml/', "''"]) {
      const faults = faultsIn(naming(path), 'yaml', load)
      assert.match(
        faults[0] ?? '',
        /^9:17 \/quorum\/file expected a relative path to a \.yaml, \.toml or \.json file/,
        path,
      )
    }
  })

  it('is no file for a document that was sent', () => {
    assert.deepEqual(faultsIn(naming('q.yaml')), [
      '9:17 /quorum/file a quorum file can be named only where the document is read from disk, and this one was sent [write the quorum here, such as { replicas: 3, write: 2, read: 2 }]',
    ])
  })
})

describe('a quorum file on disk', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'quorate-quorum-'))
    writeFileSync(join(directory, 'q.yaml'), 'replicas: 1\nwrite: 1\nread: 1\n')
  })
  after(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  it('is looked for beside the job', () => {
    const load = loadBeside(join(directory, 'jobs.yaml'))
    assert.equal(parseJob(naming('q.yaml'), 'yaml', 'job', load).quorum.replicas, 1)
    assert.match(faultsIn(naming('other.yaml'), 'yaml', load)[0] ?? '', /other\.yaml cannot be read \(ENOENT\)/)
  })
})

describe('a document on its way to a peer', () => {
  const load = files({ 'q.yaml': 'replicas: 4\nwrite: 2\nread: 1\nallowForks: true\n' })
  const rest = { json: '"name": "a", "source": {"topic": "t"}, "pipeline": []', toml: 'name = "a"\npipeline = []\n' }

  const cases: readonly (readonly [what: string, format: JobFormat, given: string, sent: string])[] = [
    [
      'holds its quorum in place of the file',
      'yaml',
      'name: a\nquorum: { file: q.yaml } # four\nsource: { topic: t }\npipeline: []\n',
      'name: a\nquorum: { "replicas": 4, "write": 2, "read": 1, "allowForks": true } # four\nsource: { topic: t }\npipeline: []\n',
    ],
    [
      'on lines of its own, too',
      'yaml',
      'name: a\nquorum:\n  # where\n  file: "q.yaml" # four\nsource: { topic: t }\npipeline: []\n',
      'name: a\nquorum:\n  # where\n  { "replicas": 4, "write": 2, "read": 1, "allowForks": true } # four\nsource: { topic: t }\npipeline: []\n',
    ],
    [
      'behind a question mark',
      'yaml',
      'name: a\nquorum:\n  ? file\n  : q.yaml\nsource: { topic: t }\npipeline: []\n',
      'name: a\nquorum:\n  { "replicas": 4, "write": 2, "read": 1, "allowForks": true }\nsource: { topic: t }\npipeline: []\n',
    ],
    [
      'in JSON',
      'json',
      `{${rest.json}, "quorum": { "file": "q.yaml" }}`,
      `{${rest.json}, "quorum": { "replicas": 4, "write": 2, "read": 1, "allowForks": true }}`,
    ],
    [
      'in an inline table of TOML',
      'toml',
      `${rest.toml}quorum = { file = "q.yaml" } # four\nsource.topic = "t"\n`,
      `${rest.toml}quorum = { replicas = 4, write = 2, read = 1, allowForks = true } # four\nsource.topic = "t"\n`,
    ],
    [
      'in a table of TOML',
      'toml',
      `${rest.toml}[source]\ntopic = "t"\n[quorum]\n  file = 'q.yaml'\n`,
      `${rest.toml}[source]\ntopic = "t"\n[quorum]\n  replicas = 4\n  write = 2\n  read = 1\n  allowForks = true\n`,
    ],
    [
      'in dotted names of TOML',
      'toml',
      `${rest.toml}quorum.file = "q.yaml"\nsource.topic = "t"\n`,
      `${rest.toml}quorum.replicas = 4\nquorum.write = 2\nquorum.read = 1\nquorum.allowForks = true\nsource.topic = "t"\n`,
    ],
  ]
  for (const [what, format, given, sent] of cases) {
    it(what, () => {
      assert.equal(selfContained(given, format, 'job', load), sent)
      assert.equal(selfContained(`\ufeff${given}`, format, 'job', load), sent)
      assert.deepEqual(parseJob(sent, format, 'job'), parseJob(given, format, 'job', load))
    })
  }

  it('is what it was where it names no file', () => {
    assert.equal(selfContained(edited(), 'yaml', 'job', load), edited())
  })

  it('needs its quorum file', () => {
    assert.throws(
      () => selfContained(naming('other.yaml'), 'yaml', 'job.yaml', load),
      /^[^:]*: job\.yaml:9:17: other\.yaml cannot be read/,
    )
  })

  it('is sent as it is where it cannot be read: the peer says what is wrong', () => {
    assert.equal(selfContained('name: "', 'yaml', 'job', load), 'name: "')
  })
})
