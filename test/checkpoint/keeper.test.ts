import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { type ControlDocument, type JobEntry, merkleRoot, unitId } from '../../mesh/index.ts'
import { DirectoryPlace } from '../../src/checkpoint/directory.ts'
import { Keeper } from '../../src/checkpoint/keeper.ts'
import { CHUNK_BYTES } from '../../src/replica/snapshots.ts'
import { OLD, snapshotOf, termOf } from './kept.ts'

const folder = await mkdtemp(join(tmpdir(), 'quorate-keeper-'))
after(() => rm(folder, { recursive: true, force: true }))
let places = 0
function newKeeper() {
  places += 1
  const root = join(folder, String(places))
  return { root, keeper: new Keeper(new DirectoryPlace(root)) }
}

const unit = unitId('orders-0123456789ab-1', 0, 2)
const UNIT = 'lost/units/orders-0123456789ab-1/0-2'
const terms = [termOf(unit, 1), termOf(unit, 2, { kind: 'cut', offset: 50 })]

async function save(keeper: Keeper, seq: number, applied = 1): Promise<number> {
  const { certificate, stored } = snapshotOf(unit, seq, applied)
  return (await keeper.saveUnit('lost', certificate, terms, stored)).seq
}

describe('what is kept of a unit', () => {
  it('is its newest snapshot, with what is needed to check it and to go on', async () => {
    const { keeper } = newKeeper()
    assert.equal(await keeper.latest('lost', unit), undefined)
    assert.equal(await keeper.readUnit('lost', unit), undefined)
    await save(keeper, 16)
    await save(keeper, 32, 2)
    assert.deepEqual(await keeper.latest('lost', unit), { seq: 32, applied: 2 })
    const { certificate, bytes } = snapshotOf(unit, 32, 2)
    const found = await keeper.readUnit('lost', unit)
    assert.deepEqual(found?.certificate, certificate)
    assert.equal(found?.terms.length, 2)
    assert.deepEqual(found?.terms[1]?.decision, { kind: 'cut', offset: 50 })
    assert.equal(merkleRoot(found?.leaves ?? []), certificate.content.stateDigest)
    assert.deepEqual(Buffer.from((await keeper.chunk('lost', unit, found!.name, 0)) ?? []), Buffer.from(bytes))
  })

  it('comes in chunks', async () => {
    const { keeper } = newKeeper()
    const { certificate, stored, bytes } = snapshotOf(unit, 16, 1, 'x'.repeat(2 * CHUNK_BYTES))
    await keeper.saveUnit('lost', certificate, terms, stored)
    const found = await keeper.readUnit('lost', unit)
    assert.equal(found?.leaves.length, 3)
    const chunks = await Promise.all([0, 1, 2].map((index) => keeper.chunk('lost', unit, found!.name, index)))
    assert.deepEqual(Buffer.concat(chunks.map((chunk) => chunk ?? new Uint8Array())), Buffer.from(bytes))
  })

  it('is never replaced by an earlier one, and two are kept', async () => {
    const { keeper, root } = newKeeper()
    for (const seq of [16, 32, 48]) await save(keeper, seq)
    assert.equal(await save(keeper, 32), 48)
    const names = await readdir(join(root, UNIT))
    assert.deepEqual(
      names.sort(),
      [32, 48].flatMap((seq) => ['json', 'state'].map((end) => `0000000000${seq}-000000000001.${end}`)),
    )
  })

  it('is the one before when the newest cannot be read', async () => {
    const { keeper, root } = newKeeper()
    for (const seq of [16, 32]) await save(keeper, seq)
    await writeFile(join(root, UNIT, '000000000032-000000000001.json'), '{"version":1,')
    assert.equal((await keeper.readUnit('lost', unit))?.seq, 16)
  })

  it('leaves a state that somebody may be about to tell of', async () => {
    const { keeper, root } = newKeeper()
    for (const seq of [16, 32]) await save(keeper, seq)
    const coming = join(root, UNIT, '000000000064-000000000001.state')
    await writeFile(coming, 'half of a checkpoint')
    await save(keeper, 48)
    assert.ok((await readdir(join(root, UNIT))).includes('000000000064-000000000001.state'))
    assert.deepEqual((await keeper.latest('lost', unit))?.seq, 48)
  })

  it('is not what a bad disk says', async () => {
    const { keeper } = newKeeper()
    const { certificate } = snapshotOf(unit, 16, 1)
    const { stored } = snapshotOf(unit, 16, 1, 'something else')
    await assert.rejects(keeper.saveUnit('lost', certificate, terms, stored), { code: 'QRT_STORE_CORRUPT' })
    assert.equal(await keeper.latest('lost', unit), undefined)
  })

  it('goes with its job', async () => {
    const { keeper } = newKeeper()
    await save(keeper, 16)
    await keeper.forget('lost', 'orders-0123456789ab-1')
    await keeper.forget('lost', 'orders-0123456789ab-1')
    assert.equal(await keeper.latest('lost', unit), undefined)
  })
})

describe('what is kept of a cluster', () => {
  const view = { number: 1, members: OLD }
  const entry: JobEntry = {
    ...{ name: 'orders', generation: 'orders-0123456789ab-1', hash: 'f'.repeat(64) as JobEntry['hash'], view },
    ...{ earlier: [], state: 'running' },
  }
  const document = (number: number, forced = 0): ControlDocument => ({
    ...{ cluster: 'lost', number, forced, view, names: {}, banned: [], lost: [], acceptors: OLD },
    ...{ jobs: [entry], submissions: number },
  })

  it('is its latest document with the bodies that it names', async () => {
    const { keeper } = newKeeper()
    assert.equal(await keeper.readDocument('lost'), undefined)
    for (const number of [2, 9, 10]) await keeper.saveDocument(document(number), [Buffer.from('body')])
    await keeper.saveDocument(document(3), [Buffer.from('body')])
    const found = await keeper.readDocument('lost')
    assert.equal(found?.submissions, 10)
    assert.deepEqual(found?.jobs, [entry])
    assert.equal(Buffer.from((await keeper.readBody('lost', entry.hash)) ?? []).toString(), 'body')
    assert.deepEqual(await keeper.clusters(), ['lost'])
  })

  it('is the document that an operator forced, whatever its number', async () => {
    const { keeper } = newKeeper()
    await keeper.saveDocument(document(10), [Buffer.from('body')])
    await keeper.saveDocument(document(2, 1), [Buffer.from('body')])
    assert.equal((await keeper.readDocument('lost'))?.submissions, 2)
  })
})
