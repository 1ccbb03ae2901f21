/**
 * From the certified bytes of a row's value to those that a sink writes: a pure function of both, so whoever writes a row writes the
 * same. A row that cannot be written so stops the sink, with what does not fit; nothing is left out in silence.
 */
import { Packr } from 'msgpackr'
import { QuorateError } from '../../errors.ts'
import { avroType, fitted, misfits } from './avro.ts'
import { Misfit } from './misfit.ts'
import type { AvroRows, ProtobufRows, RowFormat } from './plan.ts'
import { ProtobufRowWriter, placeBytes } from './protobuf.ts'

export type EncodeValue = (value: Uint8Array) => Uint8Array

/** @param sink as messages call it */
export function valueEncoder(format: RowFormat | undefined, sink: string): EncodeValue {
  if (format === undefined) return (value) => value
  if (format === 'msgpack') return msgpackEncoder(sink)
  return format.kind === 'avro' ? avroEncoder(format, sink) : protobufEncoder(format, sink)
}

function avroEncoder(format: AvroRows, sink: string): EncodeValue {
  const type = avroType(format.schema)
  const header = framing(format.id)
  return (bytes) => {
    const value = fitted(type, rowValue(bytes))
    if (!type.isValid(value)) throw refused(sink, bytes, `Avro by its schema: ${misfits(type, value)}`)
    return Buffer.concat([header, type.toBuffer(value)])
  }
}

function protobufEncoder({ schema, message, id }: ProtobufRows, sink: string): EncodeValue {
  const writer = new ProtobufRowWriter(schema)
  const header = id === undefined ? Buffer.alloc(0) : Buffer.concat([framing(id), placeBytes(schema, message)])
  return (bytes) => {
    try {
      return Buffer.concat([header, writer.write(message, rowValue(bytes))])
    } catch (cause) {
      if (!(cause instanceof Misfit)) throw cause
      throw refused(sink, bytes, `Protobuf by its schema: ${cause.message}`, cause)
    }
  }
}

function msgpackEncoder(sink: string): EncodeValue {
  const packr = new Packr({ useRecords: false, variableMapSize: true })
  return (bytes) => {
    try {
      // A copy: what is packed next may use the same memory.
      return Buffer.from(packr.pack(rowValue(bytes)))
    } catch (cause) {
      throw refused(sink, bytes, `MessagePack: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
    }
  }
}

/** A zero byte, and the id of the schema in four. */
function framing(id: number | undefined): Buffer {
  if (id === undefined) return Buffer.alloc(0)
  const header = Buffer.alloc(5)
  header.writeUInt32BE(id, 1)
  return header
}

/** Integers that a double does not hold stay exact. */
function rowValue(bytes: Uint8Array): unknown {
  const exact = (_: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    const { source = '' } = context ?? {}
    return /^-?\d+$/.test(source) ? BigInt(source) : value
  }
  return JSON.parse(Buffer.from(bytes).toString(), exact as (key: string, value: unknown) => unknown)
}

const SHOWN = 200

const refused = (sink: string, row: Uint8Array, what: string, cause?: unknown): QuorateError =>
  new QuorateError(
    'QRT_SINK_REFUSED',
    `${sink}: the row ${Buffer.from(row).toString().slice(0, SHOWN)} cannot be written in ${what}. Results are kept here; submit the job under another name with a format that fits`,
    { cause },
  )
