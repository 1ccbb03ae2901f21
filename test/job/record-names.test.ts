/** Names that no record has are faults of the document, where it says which names there are. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JobInvalidError } from '../../src/job/errors.ts'
import { parseJob } from '../../src/job/parse.ts'

const AVRO = JSON.stringify({
  type: 'record',
  name: 'flight',
  fields: [
    { name: 'delay', type: ['null', 'int'] },
    { name: 'origin', type: 'string' },
    { name: 'at', type: 'long' },
    { name: 'crew', type: { type: 'record', name: 'crew', fields: [{ name: 'captain', type: 'string' }] } },
    { name: 'tags', type: { type: 'map', values: 'string' } },
  ],
})
const PROTO = `syntax = "proto3";
message Flight { int32 delay = 1; Crew crew = 2; map<string, string> tags = 3; repeated Crew reserve = 4; }
message Crew { string captain = 1; }`

/** What is told of a document with this source and these steps: pointer and message, with the suggestion in brackets. */
function told(source: object, steps: readonly object[]): readonly string[] {
  const document = {
    name: 'a',
    source: { topic: 't', ...source },
    pipeline: steps,
    quorum: { replicas: 1, write: 1, read: 1 },
  }
  try {
    parseJob(JSON.stringify(document), 'json', 'job.json')
    return []
  } catch (error) {
    assert.ok(error instanceof JobInvalidError)
    return error.errors.map(
      ({ pointer, message, suggestion }) =>
        `${pointer} ${message}${suggestion === undefined ? '' : ` [${suggestion}]`}`,
    )
  }
}

const avro = { format: { avro: { schema: AVRO } } }
const protobuf = { format: { protobuf: { schema: PROTO, message: 'Flight' } } }
const HAVE = 'they have delay, origin, at, crew, tags'

describe('names of a schema', () => {
  it('are all that expressions and steps can read', () => {
    assert.deepEqual(
      told({ ...avro, time: { field: 'att' } }, [
        { filter: 'dealy > 3 && origin != "SFO"' },
        { project: ['delay', 'gate'] },
      ]),
      [
        `/source/time/field the records here have no "att"; ${HAVE} [did you mean at?]`,
        `/pipeline/0/filter the records here have no "dealy"; ${HAVE} [did you mean delay?]`,
        `/pipeline/1/project the records here have no "gate"; ${HAVE}`,
      ],
    )
    assert.deepEqual(
      told(avro, [{ keyBy: 'orign' }, { window: { tumbling: '1d' } }, { aggregate: { n: 'sum(dely)' } }]).map(
        (line) => line.split(';')[0],
      ),
      ['/pipeline/0/keyBy the records here have no "orign"', '/pipeline/2/aggregate/n the records here have no "dely"'],
    )
  })

  it('reach into objects, and end at maps, whose names no schema says', () => {
    for (const source of [avro, protobuf]) {
      assert.deepEqual(told(source, [{ filter: 'crew.captain == tags.captain' }]), [])
      assert.deepEqual(told(source, [{ filter: 'crew.capitan == "x"' }]), [
        '/pipeline/0/filter crew has no "capitan"; it has captain [did you mean captain?]',
      ])
      assert.deepEqual(told(source, [{ filter: 'delay.minutes > 3' }]), [
        '/pipeline/0/filter delay has no "minutes"; delay is no object with fields',
      ])
    }
    assert.deepEqual(told(protobuf, [{ filter: 'reserve.exists(each, each.captain == "x")' }]), [])
  })

  it('stay what they were under another name', () => {
    assert.deepEqual(told(avro, [{ rename: { team: 'crew' } }, { filter: 'team.captain == "x"' }]), [])
    assert.deepEqual(told(avro, [{ rename: { team: 'crew' } }, { filter: 'team.pilot == crew.pilot' }]), [
      '/pipeline/1/filter team has no "pilot"; it has captain',
    ])
  })
})

describe('names of records without a schema', () => {
  it('can be any, until a step says which there are', () => {
    assert.deepEqual(told({}, [{ filter: 'a.b > c' }, { compute: { d: 'e' } }, { keyBy: 'f' }]), [])
    assert.deepEqual(told({}, [{ map: { x: 'a' } }, { filter: 'a > 1' }]), [
      '/pipeline/1/filter the records here have no "a"; they have x',
    ])
    assert.deepEqual(told({}, [{ project: ['a', 'b'] }, { cast: { c: 'integer' } }]), [
      '/pipeline/1/cast/c the records here have no "c"; they have a, b',
    ])
    assert.deepEqual(told({}, [{ drop: ['a'] }, { filter: 'a > b' }]), [
      '/pipeline/1/filter an earlier step took "a" away',
    ])
    assert.deepEqual(told({}, [{ drop: ['a'] }, { compute: { a: 'b' } }, { filter: 'a > b' }]), [])
    assert.deepEqual(
      told({}, [{ map: { l: 'l' } }, { explode: { list: 'l', as: 'i', index: 'n' } }, { filter: 'i.x > n' }]),
      [],
    )
  })

  it('are those of an event and its data in an envelope', () => {
    assert.deepEqual(told({ ...avro, envelope: 'cloudevents' }, [{ filter: 'type == "x" && data.delay > 3' }]), [])
  })
})
