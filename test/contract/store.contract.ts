/** What every Store does, whatever it is made of. Run on SQLite, on its thread and on the simulated disk. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Store, StoreEntry, StoreOp, StoreTable } from '../../src/store/store.ts'

export interface StoreHarness {
  open(): Promise<Store>
  /** Damages the value of an entry behind the back of a store that is closed. */
  corrupt(table: StoreTable, key: string): Promise<void>
  /** Awaits a promise, moving simulated time where there is one. */
  settle<T>(promise: Promise<T>): Promise<T>
  dispose(): Promise<void>
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const put = (key: string, value: string, table: StoreTable = 'meta'): StoreOp => ({
  kind: 'put',
  table,
  key,
  value: bytes(value),
})
const keysOf = (entries: readonly StoreEntry[]) => entries.map(({ key }) => key)

export function storeContract(name: string, createHarness: () => Promise<StoreHarness>): void {
  describe(`${name}: store contract`, () => {
    let harness: StoreHarness
    let store: Store
    beforeEach(async () => {
      harness = await createHarness()
      store = await harness.open()
    })
    afterEach(async () => {
      await harness.settle(store.close().catch(() => undefined))
      await harness.dispose()
    })
    const write = (...ops: StoreOp[]) => harness.settle(store.write(ops))
    const get = (key: string, table: StoreTable = 'meta') => harness.settle(store.get(table, key))
    const range = (from: string, to: string, limit = 100, table: StoreTable = 'meta') =>
      harness.settle(store.range(table, from, to, limit))
    const reopen = async () => {
      await harness.settle(store.close())
      store = await harness.open()
    }
    const rejects = (promise: Promise<unknown>, code: string) =>
      assert.rejects(harness.settle(promise), (error: Error & { code?: string }) => error.code === code)

    it('gives back what was put, the latest value, and nothing for what is absent', async () => {
      await write(put('a', 'one'), put('empty', ''))
      assert.deepEqual(await get('a'), bytes('one'))
      assert.deepEqual(await get('empty'), new Uint8Array(0))
      assert.equal(await get('b'), undefined)
      await write(put('a', 'two'))
      assert.deepEqual(await get('a'), bytes('two'))
      await write({ kind: 'delete', table: 'meta', key: 'a' }, { kind: 'delete', table: 'meta', key: 'never' })
      assert.equal(await get('a'), undefined)
    })

    it('keeps tables apart', async () => {
      await write(put('a', 'meta'), put('a', 'job', 'job'))
      assert.deepEqual(await get('a'), bytes('meta'))
      assert.deepEqual(await get('a', 'job'), bytes('job'))
      assert.equal(await get('a', 'term'), undefined)
    })

    it('applies the operations of a write in order', async () => {
      await write(put('a', '1'), { kind: 'delete', table: 'meta', key: 'a' }, put('b', '1'), put('b', '2'))
      assert.equal(await get('a'), undefined)
      assert.deepEqual(await get('b'), bytes('2'))
    })

    it('ranges from inclusive to exclusive, in order, up to the limit', async () => {
      await write(...['d', 'b', 'a', 'c', 'bb', 'b:1'].map((key) => put(key, key)))
      assert.deepEqual(keysOf(await range('a', 'd')), ['a', 'b', 'b:1', 'bb', 'c'])
      assert.deepEqual(await range('b', 'c', 2), [
        { key: 'b', value: bytes('b') },
        { key: 'b:1', value: bytes('b:1') },
      ])
      assert.deepEqual(await range('x', 'z'), [])
      assert.deepEqual(await range('c', 'a'), [])
    })

    it('deletes from inclusive to exclusive', async () => {
      await write(...['a', 'b', 'c', 'd'].map((key) => put(key, key)))
      await write({ kind: 'deleteRange', table: 'meta', from: 'b', to: 'd' })
      assert.deepEqual(keysOf(await range('', '\uffff')), ['a', 'd'])
    })

    it('orders keys by code unit, whatever they hold', async () => {
      const keys = ['\u{1f600}', '\ufffd', 'a\u0000b', 'a', 'é', 'Z', '\ud83d', '']
      await write(...keys.map((key) => put(key, key)))
      assert.deepEqual(keysOf(await range('', '\uffff')), [...keys].sort())
    })

    it('keeps its own copy of a value', async () => {
      const frame = new Uint8Array(64).fill(7)
      const view = frame.subarray(8, 16)
      const written = store.write([{ kind: 'put', table: 'meta', key: 'a', value: view }])
      assert.equal(frame.length, 64, 'the caller keeps its buffer')
      frame.fill(9)
      await harness.settle(written)
      assert.deepEqual(await get('a'), new Uint8Array(8).fill(7))
      const read = await get('a')
      read?.fill(1)
      assert.deepEqual(await get('a'), new Uint8Array(8).fill(7))
    })

    it('applies writes in the order they were made, and a read sees all made before it', async () => {
      const writes: Promise<void>[] = []
      for (let i = 0; i < 200; i++) writes.push(store.write([put('last', String(i)), put(`n${i}`, '')]))
      const read = store.get('meta', 'last')
      await harness.settle(Promise.all(writes))
      assert.deepEqual(await harness.settle(read), bytes('199'))
      assert.equal((await range('n', 'o', 1_000)).length, 200)
    })

    it('still has everything after it was closed and opened again', async () => {
      const large = new Uint8Array(300_000).map((_, index) => index % 251)
      await write(put('a', 'kept'), { kind: 'put', table: 'snapshot', key: 'large', value: large })
      await reopen()
      assert.deepEqual(await get('a'), bytes('kept'))
      assert.deepEqual(await get('large', 'snapshot'), large)
    })

    it('reports a damaged value and never returns it; its neighbours are fine, and writing it again repairs it', async () => {
      await write(put('a', 'first'), put('b', 'second'), put('c', 'third'))
      await harness.settle(store.close())
      await harness.corrupt('meta', 'b')
      store = await harness.open()
      await rejects(store.get('meta', 'b'), 'QRT_STORE_CORRUPT')
      assert.deepEqual(await range('a', 'd'), [
        { key: 'a', value: bytes('first') },
        { key: 'b', corrupt: true },
        { key: 'c', value: bytes('third') },
      ])
      await write(put('b', 'again'))
      assert.deepEqual(await get('b'), bytes('again'))
    })

    it('rejects every call once it is closed', async () => {
      await harness.settle(store.close())
      await rejects(store.write([put('a', '1')]), 'QRT_STORE_FAILED')
      await rejects(store.get('meta', 'a'), 'QRT_STORE_FAILED')
      await rejects(store.range('meta', 'a', 'b', 1), 'QRT_STORE_FAILED')
    })

    it('equals a map, for any sequence of writes', async () => {
      const key = fc.string({ unit: fc.constantFrom('a', 'b', ':', 'é', '\u{1f600}', '\ufffd'), maxLength: 3 })
      const op = fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({ kind: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 8 }) }),
        },
        fc.record({ kind: fc.constant('delete' as const), key }),
        fc.record({ kind: fc.constant('deleteRange' as const), from: key, to: key }),
      )
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(op, { maxLength: 6 }), { maxLength: 6 }),
          key,
          key,
          async (writes, from, to) => {
            await write({ kind: 'deleteRange', table: 'meta', from: '', to: '\uffff' })
            const twin = new Map<string, Uint8Array>()
            for (const ops of writes) {
              await write(...ops.map((each) => ({ ...each, table: 'meta' as const })))
              for (const each of ops) {
                if (each.kind === 'put') twin.set(each.key, each.value)
                else if (each.kind === 'delete') twin.delete(each.key)
                else for (const name of twin.keys()) if (name >= each.from && name < each.to) twin.delete(name)
              }
            }
            const expected = [...twin]
              .filter(([name]) => name >= from && name < to)
              .sort(([a], [b]) => (a < b ? -1 : 1))
            assert.deepEqual(
              await range(from, to),
              expected.map(([name, value]) => ({ key: name, value: new Uint8Array(value) })),
            )
          },
        ),
        { numRuns: 40, seed: 7 },
      )
    })
  })
}
