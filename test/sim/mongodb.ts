/**
 * A MongoDB server as far as the production sink speaks to it: documents by `_id` in the driver's own BSON, filters,
 * upserts that meet a duplicate key, and bulk writes that others come between. It answers with the driver's own errors.
 */
import {
  type AnyBulkWriteOperation,
  BSON,
  type BulkWriteResult,
  type Document,
  MongoBulkWriteError,
  MongoNetworkError,
  MongoServerError,
} from 'mongodb'
import type { MongodbClient } from '../../src/commit/sinks/mongodb.ts'
import type { Call, StoreErrors } from './store-link.ts'

type Stored = Document & { _id: string }

const DUPLICATE_KEY = 11_000
/** A primary that steps down. */
const NOT_PRIMARY = 10_107
/** Operations of a bulk between which others may come. */
const TOGETHER = 2

export class SimulatedMongodb {
  /** By `database.collection`, then `_id`. */
  readonly #collections = new Map<string, Map<string, Uint8Array>>()
  /** A document was there already: for whoever counts. */
  onDuplicate: () => void = () => undefined
  /** Sees every document as it is written: for checkers. */
  onWrite: (collection: string, before: Document | undefined, document: Document) => void = () => undefined

  /** All of a collection, with integers beyond 2^53 exact. */
  documents(collection: string): Stored[] {
    return [...this.#of(collection).values()].map((bytes) => BSON.deserialize(bytes, { useBigInt64: true }) as Stored)
  }

  find(collection: string, filter: Document): Stored[] {
    const { _id } = filter
    const ids = typeof _id === 'string' ? [_id] : (_id.$in as string[])
    const known = this.#of(collection)
    return ids
      .flatMap((id) => known.get(id) ?? [])
      .map((bytes) => BSON.deserialize(bytes) as Stored)
      .filter((document) => matches(document, filter))
  }

  /** @throws MongoServerError where there is a document of this `_id` that the filter leaves out */
  update(collection: string, filter: Document, { $set }: Document, upsert: boolean) {
    const [found] = this.find(collection, filter)
    if (found === undefined && !upsert) return { matchedCount: 0, upsertedCount: 0 }
    if (found === undefined) this.#insert(collection, { _id: filter._id, ...$set })
    else this.#put(collection, { ...found, ...$set })
    return found === undefined ? { matchedCount: 0, upsertedCount: 1 } : { matchedCount: 1, upsertedCount: 0 }
  }

  /** True unless it met a duplicate key. */
  write(collection: string, operation: AnyBulkWriteOperation<Stored>): boolean {
    if ('replaceOne' in operation) {
      const { filter, replacement } = operation.replaceOne
      if (this.find(collection, filter).length > 0) this.#put(collection, replacement as Stored)
      return true
    }
    if (!('insertOne' in operation)) throw new Error('the simulated MongoDB does not know this operation')
    try {
      this.#insert(collection, operation.insertOne.document as Stored)
      return true
    } catch (error) {
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false
      throw error
    }
  }

  #insert(collection: string, document: Stored): void {
    if (this.#of(collection).has(document._id)) {
      this.onDuplicate()
      throw new MongoServerError({ message: `E11000 duplicate key ${document._id}`, code: DUPLICATE_KEY })
    }
    this.#put(collection, document)
  }

  #put(collection: string, document: Stored): void {
    const before = this.#of(collection).get(document._id)
    this.#of(collection).set(document._id, BSON.serialize(document))
    this.onWrite(collection, before === undefined ? undefined : BSON.deserialize(before), document)
  }

  #of(collection: string): Map<string, Uint8Array> {
    const known = this.#collections.get(collection) ?? new Map<string, Uint8Array>()
    this.#collections.set(collection, known)
    return known
  }
}

/** The operators that the sink uses; another one is an error of this file. */
function matches(document: Document, filter: Document): boolean {
  return Object.entries(filter).every(([field, wanted]) => {
    if (field === '$or') return (wanted as Document[]).some((each) => matches(document, each))
    const found = field.split('.').reduce((value, part) => value?.[part], document as Document | undefined)
    if (found === undefined) return false
    if (typeof wanted === 'string') return (found as unknown) === wanted
    if (typeof wanted === 'number' || BSON.Long.isLong(wanted)) return Number(found) === Number(wanted)
    if ('$in' in wanted) return (wanted.$in as unknown[]).includes(found)
    if ('$lt' in wanted) return Number(found) < Number(wanted.$lt)
    throw new Error(`the simulated MongoDB does not know the condition ${JSON.stringify(wanted)}`)
  })
}

export const mongodbErrors: StoreErrors = {
  unreachable: () => new MongoNetworkError('connection closed'),
  busy: () => new MongoServerError({ message: 'not primary', code: NOT_PRIMARY }),
}

/** What the sink needs of the driver's client. */
export function mongodbClient(server: SimulatedMongodb, call: Call): MongodbClient {
  const collection = (name: string) => ({
    findOne: (filter: Document) => call(() => server.find(name, filter)[0] ?? null),
    find: (filter: Document) => ({ toArray: () => call(() => server.find(name, filter)) }),
    updateOne: (filter: Document, update: Document, { upsert = false }: { upsert?: boolean } = {}) =>
      call(() => server.update(name, filter, update, upsert)),
    bulkWrite: (operations: readonly AnyBulkWriteOperation<Stored>[]) => bulk(server, call, name, operations),
  })
  return {
    db: (database) => ({ collection: (name) => collection(`${database}.${name}`) as never }),
    close: async () => undefined,
  }
}

async function bulk(
  server: SimulatedMongodb,
  call: Call,
  collection: string,
  operations: readonly AnyBulkWriteOperation<Stored>[],
): Promise<void> {
  const refused: number[] = []
  for (let from = 0; from < operations.length; from += TOGETHER) {
    const some = operations.slice(from, from + TOGETHER)
    const written = await call(() => some.map((operation) => server.write(collection, operation)))
    written.forEach((done, index) => {
      if (!done) refused.push(from + index)
    })
  }
  if (refused.length === 0) return
  const writeErrors = refused.map((index) => ({ index, code: DUPLICATE_KEY }))
  const result = { getWriteConcernError: () => undefined } as unknown as BulkWriteResult
  throw new MongoBulkWriteError({ message: 'E11000 duplicate key', code: DUPLICATE_KEY, writeErrors } as never, result)
}
