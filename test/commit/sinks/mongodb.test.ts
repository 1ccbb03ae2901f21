import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, describe, it } from 'node:test'
import { type Collection, type Document, MongoBulkWriteError, MongoClient, MongoNetworkError } from 'mongodb'
import type { PeerId } from '../../../mesh/index.ts'
import { createSink } from '../../../src/commit/sinks/index.ts'
import { type MongodbClient, MongodbSink } from '../../../src/commit/sinks/mongodb.ts'
import { ConnectionLost, type SinkHarness, type Step, sinkContract } from '../../contract/sink.contract.ts'
import { batch, HOUR, identity, oneBody, row, type WindowRow } from '../../contract/sink-batches.ts'
import { branchContract } from '../../contract/sink-branches.contract.ts'
import { skipReason } from '../../services/availability.ts'
import { mongodb } from '../../services/mongodb.ts'

const server = await mongodb()
const skip = skipReason(server)
const PEER = 'a'.repeat(64) as PeerId
const url = 'url' in server ? server.url : ''
const COLLECTION = 'rows'
let databases = 0
after(async () => {
  if ('stop' in server) await server.stop()
})

type Wrap = <T>(call: () => Promise<T>, method: string, args: readonly unknown[]) => Promise<T>

/** A client whose every call to the server goes through `wrap`. */
function wrapped(client: MongoClient, wrap: Wrap): MongodbClient {
  const around = <Target extends object>(
    target: Target,
    methods: readonly string[],
    nested: string | undefined,
  ): Target =>
    new Proxy(target, {
      get(object, property) {
        const value = Reflect.get(object, property)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          const call = () => Reflect.apply(value, object, args)
          if (methods.includes(String(property))) return wrap(call, String(property), args)
          return property === nested ? around(call(), ['toArray'], undefined) : call()
        }
      },
    })
  return {
    db: (name) => ({
      collection: (collection, options) =>
        around(client.db(name).collection(collection, options), ['findOne', 'updateOne', 'bulkWrite'], 'find') as never,
    }),
    close: () => client.close(),
  }
}

const withStep =
  (step: Step): Wrap =>
  async (call) => {
    try {
      return await step(call)
    } catch (error) {
      throw error instanceof ConnectionLost ? new MongoNetworkError(error.message) : error
    }
  }

const withLong = (value: Document): string =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `#${each}#` : each)).replaceAll(/"#(-?\d+)#"/g, '$1')

async function createHarness(): Promise<SinkHarness & { collection: Collection; database: string }> {
  const client = new MongoClient(url, { useBigInt64: true })
  databases += 1
  const database = `sinks-${process.pid}-${databases}`
  const collection = client.db(database).collection(COLLECTION)
  return {
    collection,
    database,
    sink: (step) => new MongodbSink(database, COLLECTION, wrapped(new MongoClient(url), withStep(step)), []),
    async rows() {
      const documents = await collection.find().toArray()
      return documents.map(
        ({ key, value, window, revision, final }): WindowRow => ({
          start: window.start.getTime(),
          end: window.end.getTime(),
          key: JSON.stringify(key),
          value: withLong(value),
          revision,
          final,
        }),
      )
    },
    keeps: 'lastRevision',
    fences: false,
    async dispose() {
      await client.db(database).dropDatabase()
      await client.close()
    },
  }
}

sinkContract('MongoDB', createHarness, skip)
branchContract('MongoDB', createHarness, skip)

describe('the MongoDB sink', { skip }, () => {
  let harness: Awaited<ReturnType<typeof createHarness>>
  let opened: MongodbSink[]
  beforeEach(async () => {
    harness = await createHarness()
    opened = []
  })
  afterEach(async () => {
    for (const each of opened) await each.close()
    await harness.dispose()
  })
  const sink = (wrap: Wrap = (call) => call()) => {
    const created = new MongodbSink(harness.database, COLLECTION, wrapped(new MongoClient(url), wrap), [])
    opened.push(created)
    return created
  }
  const at = (seq: number) => ({ seq, part: 0 })
  const unit = identity()
  const revised = (revision: number) => row(0, '"a"', `{"count":${revision}}`, revision)

  it('keeps times as dates and numbers without loss', async () => {
    const values = ['9007199254740991', '-9007199254740993', '9223372036854775808', '0.1', `${'9'.repeat(40)}`]
    const rows = values.map((value, i) => row(i, '["k",1]', `{"n":${value}}`))
    await (await sink().open(unit)).write([batch(unit, at(1), undefined, rows, oneBody)])
    const found = await harness.collection.find().sort({ 'window.start': 1 }).toArray()
    assert.ok(found.every(({ window }) => window.end.getTime() - window.start.getTime() === HOUR))
    assert.deepEqual(found[0]?.key, ['k', 1])
    assert.deepEqual(
      found.map(({ value }) => String(value.n)),
      values,
    )
    assert.deepEqual(
      found.map(({ value }) => value.n?._bsontype ?? typeof value.n),
      ['number', 'bigint', 'Decimal128', 'number', 'string'],
    )
  })

  it('lets a lower revision never replace a higher, in whatever order they come', async () => {
    // Two parts of history at two units: the second committer is far ahead of the first.
    const ahead = await sink().open(identity(1, 1))
    await ahead.write([batch(identity(1, 1), at(1), undefined, [revised(2)], oneBody)])
    const behind = await sink().open(unit)
    assert.equal(await behind.write([batch(unit, at(1), undefined, [revised(1)], oneBody)]), 'written')
    assert.deepEqual(await harness.rows(), [revised(2)])
  })

  it('lets a later submission of the job replace rows, and an earlier one never', async () => {
    const write = async (submission: number, rows: readonly WindowRow[]) => {
      const its = identity(submission)
      await (await sink().open(its)).write([batch(its, at(1), undefined, rows, oneBody)])
    }
    await write(9, [revised(5)])
    await write(10, [revised(0)])
    assert.deepEqual(await harness.rows(), [revised(0)])
    await write(9, [revised(5)])
    assert.deepEqual(await harness.rows(), [revised(0)])
  })

  /** Somebody inserts the same rows right before this committer does: the duplicate keys are the server's own. */
  function racing(meanwhile: () => Promise<void>): Wrap {
    let raced = false
    return async (call, method) => {
      if (!raced && method === 'bulkWrite') {
        raced = true
        await meanwhile()
      }
      return call()
    }
  }
  const writeBy = (revision: number) => async () => {
    const its = identity(1, 7)
    await (await sink().open(its)).write([batch(its, at(1), undefined, [revised(revision)], oneBody)])
  }

  it('replaces a lower revision that came into being while it inserted', async () => {
    const session = await sink(racing(writeBy(0))).open(unit)
    const rows = [revised(1), row(5, '"b"', '{"count":7}')]
    assert.equal(await session.write([batch(unit, at(1), undefined, rows, oneBody)]), 'written')
    assert.deepEqual(await harness.rows(), rows)
  })

  it('leaves a higher revision that came into being while it inserted', async () => {
    const session = await sink(racing(writeBy(3))).open(unit)
    await session.write([batch(unit, at(1), undefined, [revised(1)], oneBody)])
    assert.deepEqual(await harness.rows(), [revised(3)])
  })

  it('refuses a row that a unique index of the user keeps out, instead of losing it', async () => {
    await harness.collection.createIndex({ key: 1 }, { unique: true })
    const session = await sink().open(unit)
    const rows = [row(0, '"a"', '{"count":1}'), row(1, '"a"', '{"count":2}')]
    await assert.rejects(session.write([batch(unit, at(1), undefined, rows, oneBody)]), {
      code: 'QRT_SINK_REFUSED',
      message: /unique index/,
    })
    assert.equal((await sink().open(unit)).progress, undefined)
  })

  it('writes the marker last: a batch whose rows failed is no progress', async () => {
    const failing: Wrap = (call, method) =>
      method === 'bulkWrite' ? Promise.reject(new MongoNetworkError('reset')) : call()
    const session = await sink(failing).open(unit)
    await assert.rejects(session.write([batch(unit, at(1), undefined, [revised(0)], oneBody)]), {
      code: 'QRT_SINK_UNREACHABLE',
      indefinite: true,
    })
    assert.equal((await sink().open(unit)).progress, undefined)
  })

  it('asks the server to keep rows and marker through the loss of a member, and reads no marker that may be lost', async () => {
    const client = new MongoClient(url, { monitorCommands: true })
    const seen: string[] = []
    client.on('commandStarted', ({ command, commandName }) => {
      const { writeConcern, readConcern } = command
      const target = String(command[commandName]).replace(COLLECTION, '')
      if (writeConcern !== undefined) seen.push(`${commandName} ${target} ${JSON.stringify(writeConcern)}`)
      if (readConcern !== undefined) seen.push(`${commandName} ${target} ${JSON.stringify(readConcern)}`)
    })
    const created = new MongodbSink(harness.database, COLLECTION, client, [])
    opened.push(created)
    const session = await created.open(unit)
    for (const [seq, revision] of [
      [1, 0],
      [2, 1],
    ] as const) {
      await session.write([batch(unit, at(seq), undefined, [revised(revision)], oneBody)])
    }
    const durable = '{"w":"majority","wtimeout":30000,"j":true}'
    assert.deepEqual(
      [...new Set(seen)],
      // What is about to be written is there before the first row.
      ['find .quorate {"level":"majority"}', `update .quorate ${durable}`, `insert  ${durable}`, `update  ${durable}`],
    )
  })

  it('says in its error that a write concern was not met, and tries again', async () => {
    const unmet: Wrap = async (call, method) => {
      if (method !== 'bulkWrite') return call()
      const result = (await call()) as { getWriteConcernError(): unknown }
      const error = { code: 64, message: 'waiting for replication timed out' }
      throw new MongoBulkWriteError(error as never, { ...result, getWriteConcernError: () => error } as never)
    }
    const session = await sink(unmet).open(unit)
    await assert.rejects(session.write([batch(unit, at(1), undefined, [revised(0)], oneBody)]), {
      code: 'QRT_SINK_UNREACHABLE',
      message: /replication timed out/,
      indefinite: true,
    })
  })
})

describe('a MongoDB sink that cannot be reached', () => {
  it('says where and never shows the password', async () => {
    const connection = { url: 'mongodb://user:hunter%402@127.0.0.1:1/' }
    const plan = { kind: 'mongodb', database: 'db', collection: 'rows' } as const
    for (const address of [connection, { url: 'mongodb://user:hunter%402@' }]) {
      let message = ''
      try {
        const sink = createSink(plan, { mongodb: address }, undefined as never, PEER)
        await sink.open(identity()).finally(() => sink.close())
      } catch (error) {
        message = (error as Error).message
      }
      assert.match(message, /^mongodb:db\.rows: /)
      assert.doesNotMatch(message, /hunter/)
    }
  })

  it('is unsupported where the peer has no connection for it', () => {
    const plan = { kind: 'mongodb', database: 'db', collection: 'rows' } as const
    assert.throws(() => createSink(plan, {}, undefined as never, PEER), { code: 'QRT_SINK_UNSUPPORTED' })
  })
})
