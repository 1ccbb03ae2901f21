/**
 * The codecs of record batches. gzip and zstd are Node's own; Snappy and LZ4 are decoded here (snappy.ts, lz4.ts), in the
 * framing that Kafka's clients use. What comes out is bounded, so that a small batch cannot fill the memory.
 */
import zlib from 'node:zlib'
import { decompressLz4 } from './lz4.ts'
import { decompressSnappy } from './snappy.ts'
import { RecordsUnreadable } from './unreadable.ts'

/** What one batch may expand to; brokers take 1 MiB of compressed bytes unless told otherwise. */
const MAX_BATCH_BYTES = 256 << 20

/** @throws RecordsUnreadable */
export function decompress(codec: number, bytes: Uint8Array): Uint8Array {
  try {
    switch (codec) {
      case 1:
        return zlib.gunzipSync(bytes, { maxOutputLength: MAX_BATCH_BYTES })
      case 2:
        return decompressSnappy(bytes, MAX_BATCH_BYTES)
      case 3:
        return decompressLz4(bytes, MAX_BATCH_BYTES)
      case 4:
        return unzstd(bytes)
    }
  } catch (error) {
    if (error instanceof RecordsUnreadable) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new RecordsUnreadable('corrupt', `a batch does not decompress: ${why}`, { cause: error })
  }
  throw new RecordsUnreadable('unsupported', `compression ${codec} is not known`)
}

/** Node has it since 22.15 and 23.8. */
function unzstd(bytes: Uint8Array): Uint8Array {
  if (typeof zlib.zstdDecompressSync !== 'function') {
    throw new RecordsUnreadable('unsupported', `Node ${process.version} has no zstd; run on 22.15 or newer`)
  }
  return zlib.zstdDecompressSync(bytes, { maxOutputLength: MAX_BATCH_BYTES })
}
