/** When a peer hands over what it has of a unit: whatever its own replica does, once its disk has been read. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { type CutContent, GENESIS, type MeshNode, type UnitId } from '../../mesh/index.ts'
import { Giving } from '../../src/replica/giving.ts'
import type { Manifest } from '../../src/replica/handoff.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'
import { encodeState, FRESH, snapshotOps, stateDigest } from '../../src/replica/snapshots.ts'
import type { PlacedDecision } from '../../src/replica/unit-replica.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'

const UNIT = 'delays-1:0:3' as UnitId
const folder = mkdtempSync(join(tmpdir(), 'quorate-giving-'))
after(() => rmSync(folder, { recursive: true }))
const store = openSqliteStore(join(folder, 'store.db'))
const node = { unit: () => ({ terms: [] }) } as unknown as MeshNode
const giving = new Giving({ node, store, now: () => 0, certificate: async () => undefined })

const stateOf = (applied: number) => encodeState({ ...FRESH, applied }, new Uint8Array())
const contentAt = (seq: number, applied: number): CutContent => ({
  ...{ cluster: 'test', unit: UNIT, seq, part: 0, last: true, offset: 10 * seq, parent: GENESIS },
  ...{ counts: { in: 10, late: 0, dead: 0 }, inDigest: GENESIS, outDigest: GENESIS },
  stateDigest: stateDigest(stateOf(applied)),
})
const certified = new Giving({
  ...{ node, store, now: () => 0 },
  certificate: async (_unit, { seq }) => ({ content: contentAt(seq, seq), term: 1, signers: [] }),
})

const gapFrom = (seq: number, term: number): PlacedDecision => {
  return { kind: 'gap', offset: 30, value: 40, snapshot: { seq, part: 0 }, term, base: undefined }
}

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

  //   snapshots at 1/0 and 2/0 │ a gap that goes on from 1/0
  it('is given from where its giver begins itself, which is behind a gap not the latest snapshot', async () => {
    const there = hosted(true, 'running')
    const taken = [1, 2].map((seq) => ({ content: contentAt(seq, seq), state: stateOf(seq) }))
    await store.write(taken.flatMap(({ content, state }) => snapshotOps(content, state, contentAt(1, 1))))
    const given = async () => {
      const { snapshot } = (await certified.answer(there, handoff)) as unknown as Manifest
      return snapshot?.certificate.content.seq
    }
    assert.equal(await given(), 2)
    there.decisions.push(gapFrom(1, 3))
    assert.equal(await given(), 1)
    there.decisions.push(gapFrom(9, 4))
    await assert.rejects(given(), /is not here either/)
  })
})
