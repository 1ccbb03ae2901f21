/**
 * What one fetch of one partition brought: whole record batches one after another, some of them control batches or of
 * aborted transactions. It is decoded piece by piece, as it is delivered; only records that a reader may see come out.
 *
 * Transactions as KIP-98 has them: the broker lists the aborted ones (producer, first offset) that touch the fetched
 * range. From its first offset on, a listed producer's transactional batches are skipped, until that producer's abort
 * marker.
 */
import { BATCH_HEADER_BYTES, type BatchHeader, checkBatch, readBatchHeader } from './batch-header.ts'
import { controlType, ownBytes, type RecordColumns } from './columns.ts'
import { decompress } from './compression.ts'
import { RecordsUnreadable } from './unreadable.ts'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface RecordSetOptions {
  /** Records at or beyond are not stable yet and stay out. */
  readonly end: number
  /** Of the transactions that the fetched range touches. */
  readonly aborted?: readonly AbortedTransaction[]
  /** Offset that the fetch asked for. */
  readonly position: number
}

/** A piece to deliver ends with the batch that brings it to one of these; a batch is never torn. */
const PIECE_RECORDS = 8_192
const PIECE_BYTES = 1 << 20

const ABORT = 0

export class RecordSet {
  /** Of the last whole batch: where the next fetch begins. */
  readonly nextOffset: number
  /** End of the partition, as the fetch found it. */
  readonly end: number
  /** The first offset that is there and the one that should have been, where batches do not follow one another. */
  readonly gap: { readonly from: number; readonly to: number } | undefined
  readonly bytes: number
  readonly #parts: Uint8Array[]
  readonly #aborted: AbortedTransaction[]
  readonly #abortedProducers = new Set<number>()
  #part = 0
  #at = 0

  /**
   * @param parts each holds whole batches; what follows the last whole one is cut off
   * @throws RecordsUnreadable
   */
  constructor(parts: readonly Uint8Array[], { end, aborted = [], position }: RecordSetOptions) {
    this.end = end
    this.#parts = [...parts]
    this.#aborted = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
    let next = position
    let bytes = 0
    for (const part of parts) {
      for (let at = 0; at < part.length; ) {
        const header = readBatchHeader(part, at)
        if (header === undefined || header.baseOffset >= end) break
        if (header.nextOffset <= header.baseOffset || (header.baseOffset < next && next !== position)) {
          throw new RecordsUnreadable('corrupt', `a batch from ${header.baseOffset} follows one that ends at ${next}`)
        }
        if (header.baseOffset > next) this.gap ??= { from: next, to: header.baseOffset }
        next = Math.max(next, header.nextOffset)
        at += header.size
        bytes += header.size
      }
    }
    this.nextOffset = next
    this.bytes = bytes
  }

  /** No whole batch: there was nothing, or the answer was full before its turn came. */
  get isEmpty(): boolean {
    return this.bytes === 0
  }

  /** There was nothing more when this was fetched. */
  get reachesEnd(): boolean {
    return this.nextOffset >= this.end
  }

  /** Keeps its own bytes only: the answer that they came in may be much larger. */
  detach(): void {
    for (const [i, part] of this.#parts.entries()) this.#parts[i] = ownBytes(part)
  }

  /**
   * Puts the next records at `position` or above into `columns`. None: all of it was read.
   * @throws RecordsUnreadable at a batch that cannot be read, once all before it were delivered
   */
  next(position: number, columns: RecordColumns): void {
    columns.reset(this.#recordsOfNextPiece())
    let bytes = 0
    for (let header = this.#header(); header !== undefined; header = this.#header()) {
      if (
        columns.length > 0 &&
        (columns.length >= PIECE_RECORDS || bytes >= PIECE_BYTES || header.records > columns.room)
      )
        return
      try {
        bytes += this.#take(header, position, columns)
      } catch (error) {
        if (columns.length === 0 || !(error instanceof RecordsUnreadable)) throw error
        return
      }
      this.#at += header.size
    }
  }

  /** Room for a piece of small records; a batch that holds more makes more, once it is known to be whole. */
  #recordsOfNextPiece(): number {
    if (this.#header() === undefined) return 0
    const left = (this.#parts[this.#part] as Uint8Array).length - this.#at + this.#bytesOfLaterParts()
    return Math.min(PIECE_RECORDS, Math.ceil(left / 8))
  }

  #bytesOfLaterParts(): number {
    let bytes = 0
    for (let part = this.#part + 1; part < this.#parts.length; part++) bytes += (this.#parts[part] as Uint8Array).length
    return bytes
  }

  #header(): BatchHeader | undefined {
    for (; this.#part < this.#parts.length; this.#part++, this.#at = 0) {
      const header = readBatchHeader(this.#parts[this.#part] as Uint8Array, this.#at)
      if (header !== undefined) return header.baseOffset < this.end ? header : undefined
    }
    return undefined
  }

  /** Adds a batch's records if a reader may see them. Returns how many bytes they take. */
  #take(header: BatchHeader, position: number, columns: RecordColumns): number {
    const { size, producerId } = header
    if (header.nextOffset <= position && !header.control) return 0
    const part = this.#parts[this.#part] as Uint8Array
    checkBatch(part, this.#at, size)
    this.#abortUpTo(header.nextOffset - 1)
    if (header.control) {
      if (controlType(part, this.#at + BATCH_HEADER_BYTES) === ABORT) this.#abortedProducers.delete(producerId)
      return 0
    }
    if (header.transactional && this.#abortedProducers.has(producerId)) return 0
    if (header.compression === 0) {
      columns.add(header, part, this.#at + BATCH_HEADER_BYTES, this.#at + size, position)
      return size
    }
    const records = decompress(header.compression, part.subarray(this.#at + BATCH_HEADER_BYTES, this.#at + size))
    columns.add(header, records, 0, records.length, position)
    return records.length
  }

  #abortUpTo(offset: number): void {
    for (let first = this.#aborted[0]; first !== undefined && first.firstOffset <= offset; first = this.#aborted[0]) {
      this.#abortedProducers.add(first.producerId)
      this.#aborted.shift()
    }
  }
}
