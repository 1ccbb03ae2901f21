/** What a peer makes of a message about a unit that is not open here. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { encodeStored, termKey } from '../../mesh/agreement/effects.ts'
import type { PeerId } from '../../mesh/ids.ts'
import { seededRandom, type Term, type UnitId } from '../../mesh/index.ts'
import { Units, type UnitsOptions } from '../../mesh/units.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { termOf } from './agreement/agreements.ts'

const folder = await mkdtemp(join(tmpdir(), 'quorate-units-'))
const store = openSqliteStore(join(folder, 'store.db'))
after(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

const [ADA, BO, CY, DEE] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId, PeerId]
const numbered = (unit: UnitId, number: number, members: readonly PeerId[]): Term =>
  termOf(unit, members, { number, view: number })

/** At dee, who has let the unit go after these terms: the first thing that comes of what bo says is chosen. */
async function hearing(unit: UnitId, known: readonly Term[], chosen: Term): Promise<unknown> {
  await store.write(
    known.map((term) => ({ kind: 'put', table: 'term', key: termKey(unit, term.number), value: encodeStored(term) })),
  )
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const options = {
    ...{ self: DEE, store },
    send: (to: PeerId, _unit: UnitId, message: unknown) => resolve({ to, message }),
    ...{ onEvent: resolve, onFailure: reject },
  }
  new Units(options as unknown as UnitsOptions).message(BO, unit, { t: 'chosen', value: chosen })
  return promise
}

describe('a term of a unit that a peer has let go', () => {
  it('and that names it is an event: the unit is to be opened again', async () => {
    const unit = 'delays-1:0:0' as UnitId
    const heard = await hearing(unit, [numbered(unit, 1, [ADA, BO, CY])], numbered(unit, 2, [ADA, BO, DEE]))
    assert.deepEqual(heard, { kind: 'named', unit, term: 2 })
  })

  it('and that it has been through is answered with what came later', async () => {
    const unit = 'delays-1:0:1' as UnitId
    const [second, third] = [numbered(unit, 2, [ADA, BO, DEE]), numbered(unit, 3, [ADA, BO, CY])]
    const heard = (await hearing(unit, [second, third], second)) as { to: PeerId; message: { terms: Term[] } }
    assert.equal(heard.to, BO)
    assert.deepEqual(
      heard.message.terms.map(({ number }) => number),
      [3],
    )
  })
})

// Later snapshots of its own held the decisions of the terms that it has forgotten; the one that it is given does not.
describe('what is taken over from a peer that is behind', () => {
  const history = (unit: UnitId, ...numbers: readonly number[]) =>
    numbers.map((number) => numbered(unit, number, [ADA, BO, DEE]))

  /** Numbers of the terms that are written when dee, who knows some, is given others. */
  async function written(unit: UnitId, own: readonly number[], given: readonly number[], applied: number) {
    const units = new Units({ ...{ self: DEE, store }, random: seededRandom(1) } as unknown as UnitsOptions)
    await units.open(history(unit, ...own), undefined, new Set())
    const ops = units.takeOver(unit, history(unit, ...given), applied, undefined)
    return ops?.flatMap((op) => (op.kind === 'put' && op.table === 'term' ? [op.key] : []))
  }
  const keys = (unit: UnitId, ...numbers: readonly number[]) => numbers.map((number) => termKey(unit, number))

  it('comes with the terms that this peer has forgotten', async () => {
    const unit = 'delays-2:0:0' as UnitId
    assert.deepEqual(await written(unit, [1, 4, 5], [1, 2, 3, 4, 5], 1), keys(unit, 2, 3))
  })

  it('is of no use where a term between is known to neither', async () => {
    const unit = 'delays-2:0:1' as UnitId
    assert.equal(await written(unit, [1, 4, 5], [1, 2], 1), undefined)
  })

  it('is taken as it is where its state holds what has been forgotten', async () => {
    const unit = 'delays-2:0:2' as UnitId
    assert.deepEqual(await written(unit, [1, 4, 5], [1, 4, 5], 3), [])
  })
})
