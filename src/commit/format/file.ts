/**
 * The rows of a batch as one file: a pure function of their certified bytes, their digest and the format. Whoever writes a file, and
 * however often, writes the same bytes: there is no time, chance or name of a writer in it. test/commit/format/file.test.ts holds the
 * bytes of each format; an encoder that gives others needs another determinism version (docs/decisions/formats.md).
 */
import type { Digest } from '../../../mesh/index.ts'
import { type Row, readRows } from '../../../operators/index.ts'
import { avroFile } from './avro-file.ts'
import { ByteList } from './byte-list.ts'
import { Misfit } from './misfit.ts'
import { msgpackWriter } from './msgpack.ts'
import { parquetFile } from './parquet.ts'
import type { FileFormat } from './plan.ts'
import { ProtobufRowWriter } from './protobuf.ts'
import { refused } from './refused.ts'
import { jsonLine, lineOf, rowOf } from './row.ts'
import { tomlRow } from './toml.ts'
import { yamlDocument } from './yaml.ts'

export interface RowsFile {
  /** What names of such files end with, behind a dot. */
  readonly ending: string
  readonly contentType: string
  /** @throws QuorateError QRT_SINK_REFUSED with a row that cannot be written so */
  encode(body: Uint8Array, outDigest: Digest): Uint8Array
}

/**
 * What becomes of the rows, one after another.
 * @throws Misfit of the row that was taken last
 */
type Encode = (rows: Iterable<Row>, outDigest: Digest) => Uint8Array

/** @param sink as messages call it */
export function rowsFile(format: FileFormat | undefined, sink: string): RowsFile {
  const { ending, contentType, name, encode } = formOf(format)
  return {
    ending,
    contentType,
    encode(body, outDigest) {
      let last: Row | undefined
      const rows = function* (): Generator<Row> {
        for (const row of readRows(body)) {
          last = row
          yield row
        }
      }
      try {
        return encode(rows(), outDigest)
      } catch (cause) {
        if (!(cause instanceof Misfit) || last === undefined) throw cause
        throw refused(sink, last.value, `${name}: ${cause.message}`, cause)
      }
    },
  }
}

interface Form {
  readonly ending: string
  readonly contentType: string
  readonly name: string
  readonly encode: Encode
}

function formOf(format: FileFormat | undefined): Form {
  if (format === undefined) {
    return { ending: 'jsonl', contentType: 'application/x-ndjson', name: 'JSON', encode: each(jsonLine) }
  }
  if (format === 'yaml') {
    const encode = each((row) => Buffer.from(yamlDocument(lineOf(row))))
    return { ending: 'yaml', contentType: 'application/yaml', name: 'YAML', encode }
  }
  if (format === 'toml') {
    const encode = each((row) => Buffer.from(tomlRow(lineOf(row))))
    return { ending: 'toml', contentType: 'application/toml', name: 'TOML', encode }
  }
  if (format === 'msgpack') {
    const write = msgpackWriter()
    const encode = each((row) => write(lineOf(row)))
    return { ending: 'msgpack', contentType: 'application/vnd.msgpack', name: 'MessagePack', encode }
  }
  switch (format.kind) {
    case 'avro':
      return { ending: 'avro', contentType: 'application/avro', name: 'Avro by its schema', encode: avroFile(format) }
    case 'protobuf': {
      const writer = new ProtobufRowWriter(format.schema)
      const encode: Encode = (rows) => {
        const bytes = new ByteList()
        for (const row of rows) bytes.prefixed(writer.write(format.message, rowOf(row)))
        return bytes.written()
      }
      return { ending: 'pb', contentType: 'application/x-protobuf', name: 'Protobuf by its schema', encode }
    }
    case 'parquet': {
      const encode = parquetFile(format)
      return { ending: 'parquet', contentType: 'application/vnd.apache.parquet', name: 'its columns', encode }
    }
  }
}

/** Rows behind one another, each by itself. */
function each(encode: (row: Row) => Uint8Array): Encode {
  return (rows) => Buffer.concat(Array.from(rows, encode))
}
