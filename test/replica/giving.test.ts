/** When a peer hands over what it has of a unit: whatever its own replica does, once its disk has been read. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { MeshNode, UnitId } from '../../mesh/index.ts'
import { Giving } from '../../src/replica/giving.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'

const UNIT = 'delays-1:0:3' as UnitId
const folder = mkdtempSync(join(tmpdir(), 'quorate-giving-'))
after(() => rmSync(folder, { recursive: true }))
const store = openSqliteStore(join(folder, 'store.db'))
const node = { unit: () => ({ terms: [] }) } as unknown as MeshNode
const giving = new Giving({ node, store, now: () => 0, certificate: async () => undefined })

function hosted(loaded: boolean, state: HostedUnit['state']): HostedUnit {
  const unit = new HostedUnit({ unit: UNIT, startOffset: 0 } as unknown as UnitDescription, 0)
  unit.loaded = loaded
  unit.state = state
  return unit
}
const handoff = { q: 'handoff', unit: UNIT, limit: 1 } as const
const batches = { q: 'batches', unit: UNIT, after: null, upTo: { seq: 1, part: 0 }, limit: 1 } as const

describe('a unit that others are to take over', () => {
  //   diverges │ waits a minute │ starts, diverges │ waits a minute …   what is certified on its disk is right all the same
  it('is given also while its replica waits to start again', async () => {
    for (const state of ['opening', 'running', 'halted'] as const) {
      assert.deepEqual(await giving.answer(hosted(true, state), handoff), { terms: [], snapshot: null })
    }
  })

  it('is not given before its disk has been read, nor by one that takes it over itself', async () => {
    await assert.rejects(giving.answer(hosted(false, 'opening'), handoff), /not complete itself/)
    await assert.rejects(giving.answer(hosted(true, 'joining'), handoff), /not complete itself/)
  })

  it('is given in results by one that looks for others of them', async () => {
    assert.deepEqual(await giving.answer(hosted(true, 'joining'), batches), { batches: [] })
  })
})
