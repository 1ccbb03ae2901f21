/**
 * From the certified bytes of a row's value to those that a sink writes: a pure function of both, so whoever writes a row writes the
 * same. A row that cannot be written so stops the sink, with what does not fit; nothing is left out in silence.
 */
import { avroWriter } from './avro.ts'
import { Misfit } from './misfit.ts'
import { msgpackWriter } from './msgpack.ts'
import type { AvroRows, ProtobufRows, RowFormat } from './plan.ts'
import { ProtobufRowWriter, placeBytes } from './protobuf.ts'
import { refused } from './refused.ts'
import { exactJson } from './row.ts'
import { tomlDocument } from './toml.ts'

export type EncodeValue = (value: Uint8Array) => Uint8Array

/** @throws Misfit */
type Encode = (value: unknown) => Uint8Array

/** @param sink as messages call it */
export function valueEncoder(format: RowFormat | undefined, sink: string): EncodeValue {
  if (format === undefined) return (value) => value
  const { name, encode } = encoderOf(format)
  return (bytes) => {
    try {
      return encode(exactJson(bytes))
    } catch (cause) {
      if (!(cause instanceof Misfit)) throw cause
      throw refused(sink, bytes, `${name}: ${cause.message}`, cause)
    }
  }
}

function encoderOf(format: RowFormat): { readonly name: string; readonly encode: Encode } {
  if (format === 'msgpack') return { name: 'MessagePack', encode: msgpackWriter() }
  if (format === 'toml') return { name: 'TOML', encode: (value) => Buffer.from(tomlDocument(value)) }
  return format.kind === 'avro'
    ? { name: 'Avro by its schema', encode: avroEncoder(format) }
    : { name: 'Protobuf by its schema', encode: protobufEncoder(format) }
}

function avroEncoder({ schema, id }: AvroRows): Encode {
  const write = avroWriter(schema)
  const header = framing(id)
  return (value) => Buffer.concat([header, write(value)])
}

function protobufEncoder({ schema, message, id }: ProtobufRows): Encode {
  const writer = new ProtobufRowWriter(schema)
  const header = id === undefined ? framing(id) : Buffer.concat([framing(id), placeBytes(schema, message)])
  return (value) => Buffer.concat([header, writer.write(message, value)])
}

/** A zero byte, and the id of the schema in four. */
function framing(id: number | undefined): Buffer {
  if (id === undefined) return Buffer.alloc(0)
  const header = Buffer.alloc(5)
  header.writeUInt32BE(id, 1)
  return header
}
