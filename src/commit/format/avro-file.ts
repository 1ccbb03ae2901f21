/**
 * An object container file of Avro (its specification, section "Object container files"): the schema, and one block with all rows. What
 * marks the end of a block is usually drawn by chance; here it is the beginning of the digest of the batch.
 */
import type { Digest } from '../../../mesh/index.ts'
import type { Row } from '../../../operators/index.ts'
import { avroWriter } from './avro.ts'
import { ByteList } from './byte-list.ts'
import type { AvroRows } from './plan.ts'
import { rowOf } from './row.ts'

const MAGIC = Buffer.from('Obj\x01', 'latin1')
const SYNC_BYTES = 16

export function avroFile({ schema }: AvroRows): (rows: Iterable<Row>, outDigest: Digest) => Uint8Array {
  const write = avroWriter(schema)
  return (rows, outDigest) => {
    const sync = Buffer.from(outDigest, 'hex').subarray(0, SYNC_BYTES)
    const file = new ByteList()
    file.raw(MAGIC)
    writeMetadata(file, [
      ['avro.codec', 'null'],
      ['avro.schema', schema],
    ])
    file.raw(sync)
    const block = new ByteList()
    let count = 0
    for (const row of rows) {
      block.raw(write(rowOf(row)))
      count += 1
    }
    if (count === 0) return file.written()
    long(file, count)
    long(file, block.length)
    file.raw(block.written())
    file.raw(sync)
    return file.written()
  }
}

/** A map of bytes in one block. */
function writeMetadata(file: ByteList, entries: readonly (readonly [name: string, value: string])[]): void {
  long(file, entries.length)
  for (const [name, value] of entries) {
    for (const bytes of [Buffer.from(name), Buffer.from(value)]) {
      long(file, bytes.length)
      file.raw(bytes)
    }
  }
  long(file, 0)
}

/** Of a number that is not negative. */
const long = (file: ByteList, value: number): void => file.varint(BigInt(value) << 1n)
