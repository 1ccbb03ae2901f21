/** What a peer makes of a message about a unit that is not open here. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { encodeStored, termKey } from '../../mesh/agreement/effects.ts'
import type { PeerId } from '../../mesh/ids.ts'
import type { Term, UnitId } from '../../mesh/index.ts'
import { Units, type UnitsOptions } from '../../mesh/units.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'

const folder = await mkdtemp(join(tmpdir(), 'quorate-units-'))
const store = openSqliteStore(join(folder, 'store.db'))
after(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

const [ADA, BO, CY, DEE] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId, PeerId]
const termOf = (unit: UnitId, number: number, members: readonly PeerId[]): Term => ({
  ...{ unit, number, view: number, members, write: 2 },
  ...{ base: undefined, open: [], floor: 0 },
})

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
    const heard = await hearing(unit, [termOf(unit, 1, [ADA, BO, CY])], termOf(unit, 2, [ADA, BO, DEE]))
    assert.deepEqual(heard, { kind: 'named', unit, term: 2 })
  })

  it('and that it has been through is answered with what came later', async () => {
    const unit = 'delays-1:0:1' as UnitId
    const [second, third] = [termOf(unit, 2, [ADA, BO, DEE]), termOf(unit, 3, [ADA, BO, CY])]
    const heard = (await hearing(unit, [second, third], second)) as { to: PeerId; message: { terms: Term[] } }
    assert.equal(heard.to, BO)
    assert.deepEqual(
      heard.message.terms.map(({ number }) => number),
      [3],
    )
  })
})
