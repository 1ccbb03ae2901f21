/** Bids in every format of records, written by libraries that have nothing to do with how they are read. */
import avsc from 'avsc'
import { pack } from 'msgpackr'
import protobuf from 'protobufjs'
import { stringify as toToml } from 'smol-toml'
import { stringify as toYaml } from 'yaml'
import type { FormatPlan } from '../../operators/index.ts'
import { readProto } from '../../src/job/protobuf.ts'
import type { Bid } from './nexmark.ts'

export interface BidFormat {
  readonly format: FormatPlan
  readonly encode: (bid: Bid) => Uint8Array
}

const TYPES = {
  auction: ['long', 'int64'],
  bidder: ['long', 'int64'],
  price: ['double', 'double'],
  channel: ['string', 'string'],
  url: ['string', 'string'],
  dateTime: ['long', 'int64'],
  extra: ['string', 'string'],
} as const

const schema = {
  type: 'record',
  name: 'Bid',
  fields: Object.entries(TYPES).map(([name, [type]]) => ({ name, type })),
}
const avro = avsc.Type.forSchema(schema as avsc.Schema)

const proto = `syntax = "proto3"; message Bid { ${Object.entries(TYPES)
  .map(([name, [, type]], i) => `${type} ${name} = ${i + 1};`)
  .join(' ')} }`
const message = protobuf.parse(proto, { keepCase: true }).root.lookupType('Bid')

export const BID_FORMATS: Readonly<Record<string, BidFormat>> = {
  json: { format: 'json', encode: (bid) => Buffer.from(JSON.stringify(bid)) },
  msgpack: { format: 'msgpack', encode: (bid) => Uint8Array.from(pack(bid)) },
  avro: {
    format: { kind: 'avro', framing: 'none', schemas: [{ schema: JSON.stringify(schema) }] },
    encode: (bid) => avro.toBuffer(bid),
  },
  protobuf: {
    format: { kind: 'protobuf', framing: 'none', schemas: [{ schema: readProto(proto) }] },
    encode: (bid) => Uint8Array.from(message.encode(message.fromObject(bid)).finish()),
  },
  yaml: { format: 'yaml', encode: (bid) => Buffer.from(toYaml(bid)) },
  toml: { format: 'toml', encode: (bid) => Buffer.from(toToml(bid)) },
}
