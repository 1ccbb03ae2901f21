/** Reads what sinks wrote in files, each format with a reader that had no part in writing it. */
import { PassThrough } from 'node:stream'
import avsc from 'avsc'
import { parquetReadObjects } from 'hyparquet'
import { Unpackr } from 'msgpackr'
import protobuf from 'protobufjs'
import { parse as parseToml } from 'smol-toml'
import { parseAllDocuments } from 'yaml'

export type Fields = Record<string, unknown>

export function readLines(bytes: Uint8Array): Fields[] {
  const lines = Buffer.from(bytes).toString().split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

export function readYaml(bytes: Uint8Array, version: '1.1' | '1.2' = '1.2'): Fields[] {
  const documents = parseAllDocuments(Buffer.from(bytes).toString(), { intAsBigInt: true, version })
  if (!Array.isArray(documents)) return []
  return documents.map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0]
    return narrowed(document.toJS()) as Fields
  })
}

/** A file of one array of tables. */
export function readToml(bytes: Uint8Array): Fields[] {
  const { row = [] } = parseToml(Buffer.from(bytes).toString(), { integersAsBigInt: true })
  return (row as Fields[]).map((fields) => narrowed(fields) as Fields)
}

export const readMsgpack = (bytes: Uint8Array): Fields[] =>
  bytes.length === 0
    ? []
    : (new Unpackr({ useRecords: false, int64AsType: 'bigint' }).unpackMultiple(bytes) as Fields[])

/** Integers of 64 bits as bigints. */
export function readAvro(bytes: Uint8Array): Promise<Fields[]> {
  const long = avsc.types.LongType.__with({
    fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
    toBuffer: () => Buffer.alloc(8),
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: () => 0,
  })
  const decoder = new avsc.streams.BlockDecoder({
    parseHook: (schema) => avsc.Type.forSchema(schema, { registry: { long }, wrapUnions: false }),
  })
  const { promise, resolve, reject } = Promise.withResolvers<Fields[]>()
  const rows: Fields[] = []
  decoder.on('data', (row: Fields) => rows.push(narrowed({ ...row }) as Fields))
  decoder.on('end', () => resolve(rows))
  decoder.on('error', reject)
  const stream = new PassThrough()
  stream.pipe(decoder)
  stream.end(Buffer.from(bytes))
  return promise
}

/** @param schema the text of a .proto file */
export function readProtobuf(bytes: Uint8Array, schema: string, message: string): Fields[] {
  const type = protobuf.parse(schema, new protobuf.Root(), { keepCase: true }).root.lookupType(message)
  const reader = protobuf.Reader.create(bytes)
  const rows: Fields[] = []
  while (reader.pos < reader.len) rows.push(type.toObject(type.decodeDelimited(reader), { longs: String }) as Fields)
  return rows
}

export async function readParquet(bytes: Uint8Array): Promise<Fields[]> {
  // A copy that is all of its buffer, which is what the reader looks at.
  const file = new Uint8Array(bytes).buffer
  return (await parquetReadObjects({ file })).map((row) => narrowed(row) as Fields)
}

/** Integers that a double holds as numbers, instants as text, objects without classes: as JSON has them. */
export function narrowed(value: unknown): unknown {
  if (typeof value === 'bigint')
    return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(narrowed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, narrowed(field)]))
}
