/** What every place for checkpoints does: things are created once, whole, and found by name. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { CheckpointPlace } from '../../src/checkpoint/place.ts'

export function checkpointPlaceContract(
  name: string,
  create: () => Promise<{ readonly place: CheckpointPlace; dispose(): Promise<void> }>,
  skip: string | false = false,
): void {
  describe(`${name}: a place for checkpoints`, { skip }, () => {
    let place: CheckpointPlace
    let dispose: () => Promise<void>
    before(async () => {
      const created = await create()
      place = created.place
      dispose = () => created.dispose()
    })
    after(() => dispose())
    const text = async (path: string) => Buffer.from((await place.read(path)) ?? []).toString()

    it('has nothing of a name, and in a folder, that was never written', async () => {
      assert.equal(await place.read('none/at/all'), undefined)
      assert.equal(await place.read('none/at/all', { from: 0, length: 1 }), undefined)
      assert.deepEqual(await place.names('none'), [])
    })

    it('keeps what came first under a name', async () => {
      await place.create('first/a', Buffer.from('one'))
      await place.create('first/a', Buffer.from('two'))
      assert.equal(await text('first/a'), 'one')
    })

    it('has one of those that are created at once, whole', async () => {
      const bodies = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(100_000))
      await Promise.all(bodies.map((body) => place.create('race/winner', Buffer.from(body))))
      assert.ok(bodies.includes(await text('race/winner')))
      assert.deepEqual(await place.names('race'), ['winner'])
    })

    it('tells names and folders in a folder, sorted, and not what is deeper', async () => {
      for (const each of ['c/2', 'c/10', 'c/deep/x', 'cc/1']) await place.create(each, Buffer.from(each))
      assert.deepEqual(await place.names('c'), ['10', '2', 'deep'])
      assert.ok((await place.names('')).includes('cc'))
    })

    it('reads a part, and what there is of a part that goes beyond the end', async () => {
      await place.create('part/s', Buffer.from('0123456789'))
      const part = async (from: number) =>
        Buffer.from((await place.read('part/s', { from, length: 4 })) ?? []).toString()
      assert.equal(await part(0), '0123')
      assert.equal(await part(4), '4567')
      assert.equal(await part(8), '89')
    })

    it('removes, also what is not there', async () => {
      await place.create('gone/x', Buffer.from('x'))
      await place.remove('gone/x')
      await place.remove('gone/x')
      assert.equal(await place.read('gone/x'), undefined)
    })
  })
}
