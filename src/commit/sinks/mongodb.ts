/**
 * Rows to a MongoDB collection. It knows no fencing, so two committers may write at once, late or after a crash; every
 * write is guarded by (generation, revision) and so harmless however often it happens. When all rows of a batch are
 * there, and not before, the unit's marker in `<collection>.quorate` rises; where a lost cluster may be restored, another
 * one rises before the first of them is. Sessions and transactions are not needed.
 */
import {
  type AnyBulkWriteOperation,
  type Collection,
  type Document,
  MongoBulkWriteError,
  MongoError,
  MongoInvalidArgumentError,
} from 'mongodb'
import { type CutPosition, isBehind } from '../../../mesh/index.ts'
import { QuorateError } from '../../errors.ts'
import type { CertifiedBatch, Sink, SinkProgress, UnitIdentity, UnitSink } from '../sink.ts'
import { sinkFailure } from './failure.ts'
import {
  announcedId,
  isAtLeast,
  markerBelow,
  markerDocument,
  markerId,
  type Rank,
  type RowDocument,
  readMarker,
  rowDocuments,
  submissionOf,
} from './mongodb-documents.ts'
import { compareDigests, isThere, progressOf } from './progress.ts'

interface Stored extends Document {
  _id: string
}

/** What the sink needs of the driver's client. */
export interface MongodbClient {
  db(name: string): { collection(name: string, options?: Document): Collection<Stored> }
  close(): Promise<void>
}

const DUPLICATE_KEY = 11_000
/** Rows survive the loss of the primary: both rows and marker, so that a marker never survives its rows. */
const DURABLE = { writeConcern: { w: 'majority', journal: true, wtimeoutMS: 30_000 } } as const
/** A marker that a new primary may roll back is no progress. */
const SETTLED = { readConcern: { level: 'majority' } } as const

export class MongodbSink implements Sink {
  readonly name: string
  readonly #client: MongodbClient
  readonly #rows: Collection<Stored>
  readonly #markers: Collection<Stored>
  readonly #secrets: readonly string[]

  constructor(database: string, collection: string, client: MongodbClient, secrets: readonly string[]) {
    this.name = `mongodb:${database}.${collection}`
    this.#client = client
    this.#secrets = secrets
    this.#rows = client.db(database).collection(collection, DURABLE)
    this.#markers = client.db(database).collection(`${collection}.quorate`, DURABLE)
  }

  /** Reads, and writes a marker of its own, so that missing permissions are found before there is a result. */
  async probe(): Promise<void> {
    await this.#call('the probe', async () => {
      await this.#rows.findOne({ _id: 'quorate-probe' })
      await this.#markers.updateOne({ _id: 'quorate-probe' }, { $set: { probed: true } }, { upsert: true })
    })
  }

  async open(unit: UnitIdentity): Promise<UnitSink> {
    submissionOf(unit.generation)
    let progress = await this.#progress(markerId(unit))
    let announced: CutPosition | undefined
    return {
      get progress() {
        return progress
      },
      announced: () => this.#progress(announcedId(unit)),
      write: async (batches) => {
        const missing = () => batches.filter((batch) => !isThere(this.name, progress, batch))
        if (missing().length === 0) return 'already'
        // Another committer may have been here since: its rows need not be written again, and a fork none at all.
        progress = await this.#progress(markerId(unit))
        const fresh = missing()
        const last = fresh[fresh.length - 1]
        if (last === undefined) return 'already'
        if (last.restorable && isBehind(announced, last.position)) {
          await this.#raise(announcedId(unit), last)
          announced = last.position
        }
        await this.#writeRows(newest(fresh.flatMap(rowDocuments)))
        const written = await this.#raiseMarker(last)
        progress = progressOf(last)
        return written ? 'written' : 'already'
      },
      close: async () => undefined,
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #progress(id: string): Promise<SinkProgress | undefined> {
    const marker = await this.#call('reading the progress', () => this.#markers.findOne({ _id: id }, SETTLED))
    return readMarker(this.name, marker)
  }

  /** Most rows are new: they are inserted. One that is there already is replaced by what is newer, and only by that. */
  async #writeRows(rows: readonly RowDocument[]): Promise<void> {
    const known = await this.#bulk(rows, ({ document }) => ({ insertOne: { document: document as Stored } }))
    const refused = await this.#bulk(known, ({ older, document }) => ({
      replaceOne: { filter: older, replacement: document as Stored },
    }))
    await this.#checkPresent(known, refused)
  }

  /** Returns the rows that met a duplicate key. */
  async #bulk(
    rows: readonly RowDocument[],
    operation: (row: RowDocument) => AnyBulkWriteOperation<Stored>,
  ): Promise<RowDocument[]> {
    if (rows.length === 0) return []
    const operations = rows.map(operation)
    return this.#call('writing rows', async () => {
      try {
        await this.#rows.bulkWrite(operations, { ordered: false })
        return []
      } catch (error) {
        const failures = writeErrorsOf(error)
        if (failures === undefined || failures.some(({ code }) => code !== DUPLICATE_KEY)) throw error
        return failures.flatMap(({ index }) => rows[index] ?? [])
      }
    })
  }

  /** A duplicate key of another unique index would lose the row in silence. */
  async #checkPresent(rows: readonly RowDocument[], refused: readonly RowDocument[]): Promise<void> {
    if (rows.length === 0) return
    const found = await this.#call('checking rows', () =>
      this.#rows.find({ _id: { $in: rows.map(({ id }) => id) } }, { projection: { quorate: 1 } }).toArray(),
    )
    const ranks = new Map(found.map(({ _id, quorate }) => [_id, quorate as Rank | undefined]))
    const isMissing = ({ id, rank }: RowDocument) => {
      const at = ranks.get(id)
      return at === undefined || !isAtLeast(at, rank)
    }
    const missing = refused[0] ?? rows.find(isMissing)
    if (missing === undefined) return
    throw new QuorateError(
      'QRT_SINK_REFUSED',
      `${this.name}: the row ${missing.id} meets a unique index other than _id, or a document that Quorate did not write; ` +
        'drop that index, or use another collection',
    )
  }

  /** False when the marker was there, or above, already. */
  async #raiseMarker(batch: CertifiedBatch): Promise<boolean> {
    const id = markerId(batch)
    if (await this.#raise(id, batch)) return true
    const marker = await this.#progress(id)
    if (marker?.position.seq === batch.position.seq && marker.position.part === batch.position.part) {
      compareDigests(this.name, batch, marker.outDigest)
    }
    return false
  }

  /** False when it is as high already. */
  #raise(id: string, batch: CertifiedBatch): Promise<boolean> {
    const raise = (upsert: boolean) =>
      this.#markers.updateOne(markerBelow(id, batch.position), { $set: markerDocument(progressOf(batch)) }, { upsert })
    return this.#call('writing the progress', async () => {
      try {
        const { matchedCount, upsertedCount } = await raise(true)
        return matchedCount + upsertedCount > 0
      } catch (error) {
        if (!(error instanceof MongoError) || error.code !== DUPLICATE_KEY) throw error
        return (await raise(false)).matchedCount > 0
      }
    })
  }

  async #call<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (error instanceof QuorateError) throw error
      const context = { sink: this.name, doing, secrets: this.#secrets }
      const refused = isRefusal(error)
      throw sinkFailure(refused ? 'QRT_SINK_REFUSED' : 'QRT_SINK_UNREACHABLE', context, error, !refused)
    }
  }
}

/** Of several revisions of a row the last: the operations of a bulk have no order. */
const newest = (rows: readonly RowDocument[]): RowDocument[] => [...new Map(rows.map((row) => [row.id, row])).values()]

/** BadValue, illegal field names, a validator of the collection, sizes: what no repetition changes. */
const REFUSALS: ReadonlySet<unknown> = new Set([2, 52, 55, 56, 57, 121, 10_334, 17_280])

const isRefusal = (error: unknown): boolean =>
  error instanceof MongoInvalidArgumentError ||
  (error instanceof MongoError && REFUSALS.has(error.code)) ||
  (writeErrorsOf(error) ?? []).some(({ code }) => REFUSALS.has(code))

/** Errors of single writes of a bulk; undefined for what went wrong with the bulk as a whole (reach, write concern). */
function writeErrorsOf(error: unknown): readonly { readonly index: number; readonly code: number }[] | undefined {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) return undefined
  const errors = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors]
  return errors.length === 0 ? undefined : errors
}
