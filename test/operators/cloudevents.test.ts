/** CloudEvents: one event, whether its attributes are headers or fields. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FieldSet } from '../../operators/fields.ts'
import { compileCloudEvents } from '../../operators/format/cloudevents.ts'
import type { FormatPlan, RecordBatch } from '../../operators/index.ts'
import type { Value } from '../../operators/json.ts'
import { bytes, plain } from './formats.ts'
import { deadLettersOf, expression, rowsOfCuts, StageRun, stagePlan } from './stage-harness.ts'

type Headers = Readonly<Record<string, string | Uint8Array>>

function open(format: FormatPlan, value: string | Uint8Array | null, headers: Headers, ...paths: string[][]) {
  const fields = new FieldSet()
  const wanted = paths.map((path) => fields.slotOf(path))
  const slots: Value[] = []
  const given = new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text as string)]))
  const reader = compileCloudEvents(format, fields)
  const error = reader.open(typeof value === 'string' ? Buffer.from(value) : value, given, slots)
  return error ?? wanted.map((slot) => plain(slots[slot]))
}

const ATTRIBUTES = { specversion: '1.0', id: '7', source: '/shop', type: 'order.placed', time: '2026-01-01T00:00:00Z' }
const BINARY: Headers = Object.fromEntries(Object.entries(ATTRIBUTES).map(([name, value]) => [`ce_${name}`, value]))
const STRUCTURED: Headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' }
const event = (data: unknown, changes: object = {}): string => JSON.stringify({ ...ATTRIBUTES, ...changes, data })

const PATHS = [['type'], ['data', 'order', 'id'], ['data', 'order'], ['data'], ['time'], ['subject']]

describe('a CloudEvent', () => {
  const data = { order: { id: 9, lines: [1] } }
  const expected = ['order.placed', 9, data.order, data, ATTRIBUTES.time, undefined]

  it('is the same in structured and in binary mode', () => {
    assert.deepEqual(open('json', event(data), STRUCTURED, ...PATHS), expected)
    assert.deepEqual(open('json', JSON.stringify(data), BINARY, ...PATHS), expected)
  })

  it('has parts of its data without the rest', () => {
    assert.deepEqual(open('json', JSON.stringify(data), BINARY, ['data', 'order', 'id'], ['data', 'x']), [9, undefined])
    assert.deepEqual(open('json', '7', BINARY, ['data', 'x']), [undefined])
  })

  it('is whole where it is wanted whole', () => {
    assert.deepEqual(open('json', event(7), STRUCTURED, []), [{ ...ATTRIBUTES, data: 7 }])
    assert.deepEqual(open('json', '7', { ...BINARY, 'content-type': 'application/json' }, []), [
      { ...ATTRIBUTES, datacontenttype: 'application/json', data: 7 },
    ])
  })

  it('has data in the format of the source in binary mode', () => {
    assert.deepEqual(open('msgpack', bytes(0x81, 0xa1, 'a', 1), BINARY, ['data', 'a']), [1])
    assert.equal(open('msgpack', bytes(0xc1), BINARY, ['data', 'a']), 'QRT_RECORD_SYNTAX')
    assert.equal(open('yaml', 'a: 1\n---\na: 2\n', BINARY, ['data', 'a']), 'QRT_RECORD_ENVELOPE')
    assert.deepEqual(open('yaml', 'a: 1\n', BINARY, ['data', 'a']), [1])
  })

  it('may have no data', () => {
    assert.deepEqual(open('json', null, BINARY, ['id'], ['data']), ['7', undefined])
    assert.deepEqual(open('json', '', BINARY, ['id'], ['data']), ['7', undefined])
  })

  it('has the attributes that every event has, or is none', () => {
    for (const name of ['specversion', 'id', 'source', 'type']) {
      const { [`ce_${name}`]: _, ...headers } = BINARY
      assert.equal(open('json', '1', headers, ['data']), 'QRT_RECORD_ENVELOPE')
      assert.equal(open('json', event(1, { [name]: undefined }), STRUCTURED, ['data']), 'QRT_RECORD_ENVELOPE')
      assert.equal(open('json', event(1, { [name]: '' }), STRUCTURED, ['data']), 'QRT_RECORD_ENVELOPE')
    }
    assert.equal(open('json', '1', { ...BINARY, ce_specversion: '0.3' }, ['data']), 'QRT_RECORD_ENVELOPE')
    assert.equal(open('json', '1', {}, ['data']), 'QRT_RECORD_ENVELOPE')
    assert.equal(
      open('json', event(1), { 'content-type': 'application/cloudevents-batch+json' }, []),
      'QRT_RECORD_ENVELOPE',
    )
    assert.equal(open('json', '1', { ...BINARY, ce_subject: bytes(0xff) }, ['data']), 'QRT_RECORD_ENCODING')
    assert.equal(open('json', '{', STRUCTURED, ['data']), 'QRT_RECORD_SYNTAX')
  })

  it('goes through a stage like any record', () => {
    const input = {
      kind: 'records',
      format: 'json',
      envelope: 'cloudevents',
      time: { kind: 'field', path: ['time'] },
      outOfOrdernessMs: 0,
    } as const
    const { window: _, ...plan } = stagePlan({ input, aggregates: [], keyBy: [expression('data.user')] })
    const run = new StageRun(plan)
    const headers = new Map(Object.entries(BINARY).map(([name, value]) => [name, Buffer.from(value as string)]))
    const batch: RecordBatch = {
      length: 3,
      offset: (i) => i,
      timestamp: () => 0,
      key: () => null,
      value: () => Buffer.from('{"user":"ada"}'),
      headers: (i) => (i === 0 ? headers : i === 1 ? new Map() : undefined),
    }
    for (let at = 0; at < batch.length; ) {
      at = run.stage.run(batch, at, batch.length)
      if (run.stage.cutDue) run.cuts.push(run.stage.cut())
    }
    run.decide('final')
    assert.deepEqual(
      rowsOfCuts(run.cuts).map(({ key, value }) => [key, JSON.parse(value)]),
      [['"ada"', { ...ATTRIBUTES, data: { user: 'ada' } }]],
    )
    assert.deepEqual(
      deadLettersOf(run.cuts).map(({ b, value }) => [b, JSON.parse(value).error]),
      [
        [1, 'QRT_RECORD_ENVELOPE'],
        [2, 'QRT_RECORD_ENVELOPE'],
      ],
    )
  })
})
