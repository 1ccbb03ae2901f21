import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { seededRandom } from '../../mesh/random.ts'
import type { QuorateError } from '../../src/errors.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store, StoreOp } from '../../src/store/store.ts'
import { openStoreThread } from '../../src/store/thread.ts'
import { type StoreHarness, storeContract } from '../contract/store.contract.ts'
import { SimulatedClock } from '../sim/clock.ts'
import { SimulatedDisk } from '../sim/disk.ts'

let root: string
let count = 0
before(() => {
  root = mkdtempSync(join(tmpdir(), 'quorate-store-'))
})
after(() => rmSync(root, { recursive: true, force: true }))
const newFile = () => join(root, String(count++), 'store.sqlite')
const put = (key: string, value = key): StoreOp => ({ kind: 'put', table: 'meta', key, value: Buffer.from(value) })
const failsWith = (code: string, text: RegExp) => (error: QuorateError) => {
  assert.equal(error.code, code)
  assert.match(error.message, text)
  return true
}

function onFile(open: (file: string) => Store | Promise<Store>): () => Promise<StoreHarness> {
  return async () => {
    const file = newFile()
    return {
      open: async () => open(file),
      async corrupt(table, key) {
        const database = new DatabaseSync(file)
        const { changes } = database
          .prepare(`UPDATE "${table}" SET value = CAST('damaged' AS BLOB) WHERE key = ?`)
          .run(Buffer.from(key, 'utf16le').swap16())
        database.close()
        assert.equal(changes, 1)
      },
      settle: (promise) => promise,
      dispose: async () => {},
    }
  }
}

async function onSimulatedDisk(): Promise<StoreHarness> {
  const clock = new SimulatedClock()
  const disk = new SimulatedDisk({ clock, random: seededRandom(1) })
  return {
    open: async () => disk.open(),
    corrupt: async (table, key) => disk.corrupt(table, key),
    async settle(promise) {
      let done = false
      const end = () => {
        done = true
      }
      promise.then(end, end)
      await clock.runUntil('the store answers', () => done)
      return promise
    },
    dispose: async () => {},
  }
}

storeContract('sqlite', onFile(openSqliteStore))
storeContract('sqlite on a thread', onFile(openStoreThread))
storeContract('simulated disk', onSimulatedDisk)

describe('a SQLite store', () => {
  it('belongs to one process: a second one is told so', async () => {
    const file = newFile()
    const store = openSqliteStore(file)
    assert.throws(() => openSqliteStore(file), failsWith('QRT_STORE_FAILED', /another process has it open/))
    await assert.rejects(openStoreThread(file), failsWith('QRT_STORE_FAILED', /data directory of its own/))
    await store.close()
    await openSqliteStore(file).close()
  })

  it('refuses a file of another format, and one that is no database', async () => {
    const file = newFile()
    await openSqliteStore(file).close()
    const database = new DatabaseSync(file)
    database.exec('PRAGMA user_version = 7')
    database.close()
    assert.throws(() => openSqliteStore(file), failsWith('QRT_STORE_FAILED', /format 7.*reads format 1/))
    const text = new URL(import.meta.url).pathname
    assert.throws(() => openSqliteStore(text), failsWith('QRT_STORE_CORRUPT', /not a database/))
  })

  it('takes no writes after one has failed, and still reads', async () => {
    const store = openSqliteStore(newFile())
    await store.write([put('a')])
    const unwritable = { ...put('b'), value: 'not bytes' } as unknown as StoreOp
    await assert.rejects(store.write([put('c'), unwritable]), failsWith('QRT_STORE_FAILED', /could not be written/))
    await assert.rejects(store.write([put('d')]), failsWith('QRT_STORE_FAILED', /takes no more writes/))
    assert.deepEqual(Buffer.from((await store.get('meta', 'a'))!).toString(), 'a')
    assert.equal(await store.get('meta', 'c'), undefined, 'nothing of the failed write is there')
    await store.close()
  })

  it('keeps every write it confirmed when the process is killed, and no part of another', async () => {
    const file = newFile()
    const module = new URL('../../src/store/thread.ts', import.meta.url).href
    // Each write puts a pair; the number of a write is printed once it is durable.
    const program = `
      import { openStoreThread } from ${JSON.stringify(module)}
      const store = await openStoreThread(${JSON.stringify(file)})
      const value = new Uint8Array(2000)
      const name = (i) => String(i).padStart(8, '0')
      const one = async (i) => {
        await store.write([{ kind: 'put', table: 'meta', key: name(i), value }, { kind: 'put', table: 'job', key: name(i), value }])
        process.stdout.write(i + '\\n')
      }
      for (let i = 0; ; i += 4) await Promise.all([one(i), one(i + 1), one(i + 2), one(i + 3)])`
    const script = join(root, 'writer.mjs')
    writeFileSync(script, program)
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    for await (const chunk of child.stdout) {
      printed += chunk
      if (printed.split('\n').length > 100) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    const confirmed = printed.split('\n').slice(0, -1).map(Number)
    assert.ok(confirmed.length >= 100, 'the process wrote until it was killed')
    const store = openSqliteStore(file)
    const keys = async (table: 'meta' | 'job') =>
      (await store.range(table, '', '9', 100_000)).map(({ key }) => Number(key))
    const found = await keys('meta')
    assert.deepEqual(await keys('job'), found, 'both halves of each write')
    assert.deepEqual(
      confirmed.filter((number) => !found.includes(number)),
      [],
      'every confirmed write',
    )
    await store.close()
  })
})

describe('the thread of a store', () => {
  it('rejects all that waits when it dies, says so once, and rejects what comes later', async () => {
    let worker: Worker | undefined
    const capture = (started: Worker) => {
      worker = started
    }
    process.once('worker', capture)
    const failures: QuorateError[] = []
    const store = await openStoreThread(newFile(), { onFailure: (error) => failures.push(error) })
    const waiting = Promise.allSettled([store.write([put('a')]), store.get('meta', 'a')])
    await worker!.terminate()
    for (const outcome of await waiting) {
      if (outcome.status === 'rejected') failsWith('QRT_STORE_FAILED', /ended with code/)(outcome.reason)
    }
    await assert.rejects(store.write([put('b')]), failsWith('QRT_STORE_FAILED', /ended with code/))
    assert.equal(failures.length, 1)
    await store.close()
  })

  it('shares syncs: many writes made together cost far fewer transactions', async () => {
    const file = newFile()
    const store = await openStoreThread(file)
    // A page of the log is written per transaction at least, so the size of the log counts them.
    const writes: Promise<void>[] = []
    for (let i = 0; i < 500; i++) writes.push(store.write([put('same')]))
    await Promise.all(writes)
    const pages = statSync(`${file}-wal`).size / 4_120
    assert.ok(pages < 250, `${pages} pages were logged for 500 writes`)
    await store.close()
  })
})

describe('the simulated disk', () => {
  it('loses what was not synced, keeps what was, and decides the rest by its seed', async () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 20; seed++) {
      const clock = new SimulatedClock()
      const disk = new SimulatedDisk({ clock, random: seededRandom(seed), syncMs: 5 })
      const store = disk.open()
      let late = 0
      store.write([put('synced')])
      await clock.run(20)
      for (const group of [[put('syncing'), put('syncing too')], [put('waiting')]]) {
        store.write(group).then(() => late++)
      }
      await clock.run(1)
      disk.crash()
      await clock.run(100)
      assert.equal(late, 0, 'a process that is gone gets no answer')
      await assert.rejects(store.get('meta', 'synced'), failsWith('QRT_STORE_FAILED', /closed/))
      outcomes.add(disk.keys('meta').join())
    }
    assert.deepEqual([...outcomes].sort(), ['synced', 'synced,syncing,syncing too'])
  })

  it('fails syncs on demand until it is opened again', async () => {
    const clock = new SimulatedClock()
    const disk = new SimulatedDisk({ clock, random: seededRandom(1) })
    const store = disk.open()
    disk.failWrites()
    const results = Promise.allSettled([store.write([put('a')])])
    await clock.run(50)
    assert.equal((await results)[0].status, 'rejected')
    const again = disk.open()
    const written = again.write([put('b')])
    await clock.run(50)
    await written
    assert.deepEqual(disk.keys('meta'), ['b'])
  })
})
