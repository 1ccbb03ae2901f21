/** Formats in job documents: where their schemas come from, and what is told when they are wrong. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { QuorateError } from '../../src/errors.ts'
import { JobInvalidError } from '../../src/job/errors.ts'
import { parseJob, selfContained } from '../../src/job/parse.ts'
import type { LoadFile } from '../../src/job/reference.ts'
import { edited, faultsIn } from './faults.ts'

const withFormat = (format: string): string => edited(['topic: flights', `topic: flights, format: ${format}`])
const faults = (format: string, load?: LoadFile): string[] => faultsIn(withFormat(format), 'yaml', load)
const formatOf = (format: string, load?: LoadFile) =>
  parseJob(withFormat(format), 'yaml', 'job', load).sources[0]!.format

const FLIGHT =
  '{"type": "record", "name": "F", "fields": [{"name": "distance", "type": "int"}, {"name": "origin", "type": "string"}]}'
const COMPACT = JSON.stringify(JSON.parse(FLIGHT))
const PROTO = 'syntax = "proto3";\npackage p;\nmessage M { int32 distance = 1; string origin = 2; }\n'

const files: LoadFile = (reference) => {
  const text = {
    'f.avsc': FLIGHT,
    'broken.avsc': '{',
    'm.proto': PROTO,
    'big.proto': `${PROTO}//${'x'.repeat(40_000)}`,
  }[reference]
  if (text === undefined) throw new QuorateError('QRT_CONFIG_INVALID', `${reference} cannot be read (ENOENT)`)
  return { text, file: reference }
}

describe('formats without a schema', () => {
  it('are words', () => {
    for (const format of ['json', 'yaml', 'toml', 'msgpack']) assert.equal(formatOf(format), format)
    assert.deepEqual(faults('xml'), [
      '2:35 /source/format expected "json", "yaml", "toml", "msgpack", or avro or protobuf with a schema; found "xml"',
    ])
  })
})

describe('Avro', () => {
  it('has its schema in the document or in a file', () => {
    const plan = { kind: 'avro', framing: 'none', schemas: [{ schema: COMPACT }] }
    assert.deepEqual(formatOf(`{ avro: { schema: '${COMPACT}' } }`), plan)
    assert.deepEqual(formatOf('{ avro: { file: f.avsc } }', files), plan)
  })

  it('has a schema for each id of a registry', () => {
    const format = `{ avro: { registry: [ { id: 7, file: f.avsc }, { id: 9, schema: '"int"' } ] } }`
    assert.deepEqual(formatOf(format, files), {
      kind: 'avro',
      framing: 'registry',
      schemas: [
        { id: 7, schema: COMPACT },
        { id: 9, schema: '"int"' },
      ],
    })
  })

  it('has one schema, from one place', () => {
    const [none] = faults('{ avro: {} }')
    assert.match(
      none ?? '',
      /^2:43 \/source\/format\/avro expected one of "schema", "file", "registry" or "subject"; found none$/,
    )
    const [two] = faults(`{ avro: { schema: '"int"', subject: a } }`)
    assert.match(two ?? '', /found schema and subject$/)
  })

  it('is wrong where its schema is', () => {
    assert.deepEqual(faults(`{ avro: { schema: '{"type":"recrd","name":"a"}' } }`), [
      '2:53 /source/format/avro/schema the Avro schema cannot be used: there is no type "recrd" before this',
    ])
    assert.deepEqual(faults('{ avro: { file: broken.avsc } }', files), [
      '2:51 /source/format/avro/schema the Avro schema cannot be used: the schema is not JSON',
    ])
  })

  it('has ids that differ', () => {
    const [fault] = faults(`{ avro: { registry: [ { id: 7, schema: '"int"' }, { id: 7, schema: '"int"' } ] } }`)
    assert.match(fault ?? '', /\/registry\/1\/id the id 7 stands here twice \[keep one of them\]$/)
  })
})

describe('Protobuf', () => {
  it('has its schema read where the job is compiled', () => {
    const schema = {
      messages: {
        'p.M': [
          { number: 1, name: 'distance', type: 'int32', shape: 'implicit' },
          { number: 2, name: 'origin', type: 'string', shape: 'implicit' },
        ],
      },
      enums: {},
      places: { 0: 'p.M' },
    }
    const plan = { kind: 'protobuf', framing: 'none', message: 'p.M', schemas: [{ schema }] }
    assert.deepEqual(formatOf('{ protobuf: { file: m.proto, message: p.M } }', files), plan)
  })

  it('names a message that there is', () => {
    assert.deepEqual(faults('{ protobuf: { file: m.proto, message: p.N } }', files), [
      '2:73 /source/format/protobuf/message the schema has no message "p.N"; it has p.M',
    ])
  })

  it('is wrong where its schema is', () => {
    const [fault] = faults(`{ protobuf: { schema: 'syntax = "proto3"; message M { int32 a = ; }' } }`)
    assert.match(fault ?? '', /^2:57 \/source\/format\/protobuf\/schema the Protobuf schema cannot be used: illegal id/)
  })
})

describe('schema files', () => {
  it('are put into the document that is sent, whatever it is written in', () => {
    const job = {
      name: 'a',
      source: { topic: 't', format: { avro: { file: 'f.avsc' } } },
      pipeline: [],
      quorum: { replicas: 1, write: 1, read: 1 },
    }
    const texts = {
      json: JSON.stringify(job),
      yaml: 'name: a\nsource:\n  topic: t\n  format:\n    avro:\n      file: f.avsc # the schema\npipeline: []\nquorum: { replicas: 1, write: 1, read: 1 }\n',
      toml: 'name = "a"\npipeline = []\nquorum = { replicas = 1, write = 1, read = 1 }\n[source]\ntopic = "t"\nformat.avro.file = "f.avsc"\n',
    } as const
    for (const format of ['json', 'yaml', 'toml'] as const) {
      const sent = selfContained(texts[format], format, 'job', files)
      assert.deepEqual(parseJob(sent, format, 'job'), parseJob(texts[format], format, 'job', files))
    }
    assert.match(selfContained(texts.yaml, 'yaml', 'job', files), /"schema": "\{\\"type.*" # the schema\n/)
  })

  it('cannot be named in a document that was sent', () => {
    assert.deepEqual(faults('{ avro: { file: f.avsc } }'), [
      '2:51 /source/format/avro/file a schema file can be named only where the document is read from disk, and this one was sent [write the schema here, as schema]',
    ])
  })

  it('exist, and lie below or beside the document', () => {
    assert.deepEqual(
      faults('{ avro: { file: g.avsc } }', files)[0],
      '2:51 /source/format/avro/file g.avsc cannot be read (ENOENT)',
    )
    assert.match(faults('{ avro: { file: /etc/f.avsc } }', files)[0] ?? '', /expected a relative path to a schema/)
    assert.match(faults('{ avro: { file: f.txt } }', files)[0] ?? '', /expected a relative path to a schema/)
  })

  it('leave the document within its bounds: lint refuses what submit would', () => {
    assert.throws(
      () => parseJob(withFormat('{ protobuf: { file: big.proto } }'), 'yaml', 'job', files),
      (error) => error instanceof JobInvalidError && /with the contents of the files/.test(error.message),
    )
  })
})
