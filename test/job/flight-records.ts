/** Flights as records in the format of a job, written by libraries that have nothing to do with how records are read. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { pack } from 'msgpackr'
import protobuf from 'protobufjs'
import { stringify as toToml } from 'smol-toml'
import { stringify as toYaml } from 'yaml'
import type { Flight } from '../../src/demo/flights.ts'
import type { CompiledJob } from '../../src/job/compiled.ts'
import type { TestRecord } from '../operators/stage-harness.ts'

export type Encode = (flights: readonly Flight[]) => readonly TestRecord[]

const schemaFile = (name: string): string =>
  readFileSync(new URL(`../../configs/schemas/${name}`, import.meta.url), 'utf8')

const avro = avsc.Type.forSchema(JSON.parse(schemaFile('flight.avsc')), { wrapUnions: false })

const proto = protobuf.parse(schemaFile('flight.proto'), new protobuf.Root(), { keepCase: true }).root
proto.addJSON(protobuf.common.get('google/protobuf/timestamp.proto')?.nested ?? {})
const message = proto.lookupType('travel.Flight')

/** Epoch milliseconds of `yyyy/MM/dd HH:mm`. */
const millisecondsOf = ({ date }: Flight): number =>
  Date.parse(`${date.slice(0, 10).replaceAll('/', '-')}T${date.slice(11)}:00Z`)

/** YAML records hold three flights each. */
const BATCH = 3

export function encoderOf(job: CompiledJob): Encode {
  const [stage] = job.stages
  assert.ok(stage?.input.kind === 'records')
  const { format } = stage.input
  const each =
    (encode: (flight: Flight) => Uint8Array | string): Encode =>
    (flights) =>
      flights.map(encode)
  if (format === 'json') return (flights) => flights
  if (format === 'msgpack') return each((flight) => Uint8Array.from(pack(flight)))
  if (format === 'toml') return each((flight) => toToml(flight))
  if (format === 'yaml') {
    return (flights) =>
      Array.from({ length: Math.ceil(flights.length / BATCH) }, (_, i) =>
        flights
          .slice(i * BATCH, (i + 1) * BATCH)
          .map((flight) => toYaml(flight))
          .join('---\n'),
      )
  }
  if (format.kind === 'avro') {
    return each((flight) =>
      Buffer.concat([Buffer.of(0, 0, 0, 0, 1), avro.toBuffer({ ...flight, date: millisecondsOf(flight) })]),
    )
  }
  return each((flight) => {
    const date = { seconds: millisecondsOf(flight) / 1000, nanos: 0 }
    return Uint8Array.from(message.encode(message.fromObject({ ...flight, date })).finish())
  })
}

/** A flight with its time as the job reads it: a text of its pattern, or milliseconds. */
export const timed =
  ({ stages: [stage] }: CompiledJob) =>
  (flight: Flight): object => {
    const pattern = stage?.input.kind === 'records' && stage.input.time.kind === 'field' && stage.input.time.pattern
    return typeof pattern === 'string' ? flight : { ...flight, date: millisecondsOf(flight) }
  }
