import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import avsc from 'avsc'
import { QuorateError } from '../../src/errors.ts'
import type { JobFormat } from '../../src/job/document.ts'
import { parseJob } from '../../src/job/parse.ts'
import { withSubject } from '../../src/job/registry.ts'
import { read } from '../operators/formats.ts'
import { edited, faultsIn } from './faults.ts'
import { SchemaRegistry } from './schema-registry.ts'

const record = (...fields: readonly string[]): string =>
  JSON.stringify({
    type: 'record',
    name: 'F',
    fields: [...fields.map((name) => ({ name, type: 'string' })), { name: 'distance', type: 'int' }],
  })

const OLD = record('origin')
const NEW = record('origin', 'gate')

const naming = (subject: string, kind = 'avro'): string =>
  edited(['topic: flights', `topic: flights, format: { ${kind}: { subject: ${subject} } }`])

describe('a subject of a schema registry', () => {
  let registry: SchemaRegistry
  let address: string

  before(async () => {
    registry = new SchemaRegistry()
    address = await registry.start()
    registry.register('other', '"int"')
    registry.register('flights/value', OLD)
    registry.register('flights/value', NEW, { schemaType: 'AVRO' })
    registry.register('flights/value', OLD)
    registry.register('proto', 'syntax = "proto3"; message M { int32 a = 1; }', { schemaType: 'PROTOBUF' })
    registry.register('referring', record('a'), { references: [{ name: 'b', subject: 'b', version: 1 }] })
  })
  beforeEach(() => {
    registry.broken = undefined
    registry.asked.length = 0
    registry.authorizations.length = 0
  })
  after(() => registry.stop())

  const fails = async (text: string, code: string, message: RegExp, url = address): Promise<void> => {
    await assert.rejects(
      () => withSubject(text, 'yaml', url),
      (error) => error instanceof QuorateError && error.code === code && message.test(error.message),
    )
  }

  it('becomes all its versions with their ids, each schema once', async () => {
    const text = await withSubject(naming('flights/value'), 'yaml', address)
    assert.deepEqual(parseJob(text, 'yaml', 'job').sources[0]?.format, {
      kind: 'avro',
      framing: 'registry',
      schemas: [
        { id: 2, schema: OLD },
        { id: 3, schema: NEW },
      ],
    })
    assert.deepEqual(registry.asked, [
      '/subjects/flights%2Fvalue/versions',
      '/subjects/flights%2Fvalue/versions/1',
      '/subjects/flights%2Fvalue/versions/2',
      '/subjects/flights%2Fvalue/versions/3',
    ])
  })

  it('is the same in every format of documents', async () => {
    const job = {
      name: 'a',
      source: { topic: 't', format: { avro: { subject: 'flights/value' } } },
      pipeline: [],
      quorum: { replicas: 1, write: 1, read: 1 },
    }
    const texts: Readonly<Record<JobFormat, string>> = {
      json: JSON.stringify(job),
      yaml: JSON.stringify(job),
      toml: 'name = "a"\npipeline = []\nquorum = { replicas = 1, write = 1, read = 1 }\n[source]\ntopic = "t"\n[source.format.avro]\nsubject = "flights/value" # all\n',
    }
    const documents = await Promise.all(
      (['json', 'yaml', 'toml'] as const).map(async (format) =>
        parseJob(await withSubject(texts[format], format, address), format, 'job'),
      ),
    )
    assert.deepEqual(documents[1], documents[0])
    assert.deepEqual(documents[2], documents[0])
  })

  it('reads records of every version, each by the schema that it was written with', async () => {
    const { format } = parseJob(await withSubject(naming('flights/value'), 'yaml', address), 'yaml', 'job').sources[0]!
    const framed = (id: number, schema: string, value: object) =>
      Buffer.concat([Buffer.of(0, 0, 0, 0, id), avsc.Type.forSchema(JSON.parse(schema)).toBuffer(value)])
    assert.deepEqual(read(format, framed(2, OLD, { origin: 'SFO', distance: 1 })), { origin: 'SFO', distance: 1 })
    assert.deepEqual(read(format, framed(3, NEW, { origin: 'SFO', gate: 'A1', distance: 2 })), {
      origin: 'SFO',
      gate: 'A1',
      distance: 2,
    })
    assert.equal(read(format, framed(1, '"int"', 1 as never)), 'QRT_RECORD_SCHEMA')
  })

  it('may be of Protobuf', async () => {
    const { format } = parseJob(await withSubject(naming('proto', 'protobuf'), 'yaml', address), 'yaml', 'job')
      .sources[0]!
    assert.deepEqual(read(format, Buffer.of(0, 0, 0, 0, 4, 0, 0x08, 7)), { a: 7 })
  })

  it('is asked with the credentials of the address, which appear nowhere else', async () => {
    const url = address.replace('//', '//user:p%40ss@')
    await withSubject(naming('flights/value'), 'yaml', url)
    assert.equal(registry.authorizations[0], `Basic ${Buffer.from('user:p@ss').toString('base64')}`)
    registry.broken = { status: 401, body: '' }
    await assert.rejects(
      () => withSubject(naming('flights/value'), 'yaml', url),
      (error) =>
        error instanceof QuorateError && /answered 401/.test(error.message) && !/p@ss|p%40ss/.test(error.message),
    )
  })

  it('is refused where it does not fit', async () => {
    await fails(naming('missing'), 'QRT_JOB_INVALID', /has no subjects\/missing\/versions$/)
    await fails(naming('proto'), 'QRT_JOB_INVALID', /version 1 of "proto" is PROTOBUF; the document says avro/)
    await fails(naming('referring'), 'QRT_JOB_INVALID', /refers to other subjects/)
  })

  it('is told of a registry that does not answer, or is none', async () => {
    await fails(naming('flights/value'), 'QRT_UNREACHABLE', /does not answer/, 'http://127.0.0.1:1')
    await fails(naming('flights/value'), 'QRT_USAGE', /expected an address/, 'localhost')
    registry.broken = { status: 200, body: '<html>' }
    await fails(naming('flights/value'), 'QRT_UNREACHABLE', /does not speak the API/)
    registry.broken = { status: 200, body: `"${'x'.repeat(2_000_000)}"` }
    await fails(naming('flights/value'), 'QRT_JOB_INVALID', /larger than/)
  })

  it('is told of where nobody looked it up', () => {
    const [fault] = faultsIn(naming('flights-value'))
    assert.match(fault ?? '', /a subject is looked up when the document is sent \[give the address: --registry/)
  })

  it('leaves a document alone that names none', async () => {
    assert.equal(await withSubject(edited(), 'yaml', address), edited())
    assert.deepEqual(registry.asked, [])
  })
})
