/** Which records of the topic between two stages a peer deletes: those that every replica of the unit that reads it is past. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { PeerId, Term, UnitId } from '../../mesh/index.ts'
import { HOST_TIMING } from '../../src/limits.ts'
import { Trimming } from '../../src/peer/trimming.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'
import { agreementOf, termOf } from '../mesh/agreement/agreements.ts'

const UNIT = 'delays-1:1:2' as UnitId
const [ADA, BO, CY, DEE] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId, PeerId]
const term: Term = termOf(UNIT, [ADA, BO, CY])

/** At ada, who is past 500 herself. */
function scene(
  around: { readonly alive?: readonly PeerId[]; readonly keepFrom?: number; readonly source?: boolean } = {},
) {
  const { alive = [ADA, BO, CY], keepFrom = Number.POSITIVE_INFINITY, source = false } = around
  let now = 10_000
  let refusals = 0
  const trims: string[] = []
  const agreement = agreementOf(ADA, [term])
  agreement.following.neededHere = 500
  const description = {
    ...{ unit: UNIT, job: 'delays', topic: 'shuffle', partition: 2, startOffset: 0, readsSlices: !source },
  } as unknown as UnitDescription
  const trimming = new Trimming({
    node: { self: ADA, unit: () => agreement, alive: () => new Set(alive) },
    units: new Map([[UNIT, new HostedUnit(description, now)]]),
    now: () => now,
    keepFrom: () => keepFrom,
    trim: async ({ topic, partition }, offset) => {
      if (refusals > 0) {
        refusals -= 1
        throw new Error('the broker is away')
      }
      trims.push(`${topic}[${partition}] ${offset}`)
    },
    onProblem: (_at, error) => trims.push(String(error)),
  })
  return {
    agreement,
    past: (peer: PeerId, needed: number | undefined) =>
      agreement.following.heard(now, peer, {
        ...{
          term: 1,
          frontier: undefined,
          stored: undefined,
          votesIn: undefined,
          caughtUp: true,
          stuck: undefined,
          needed,
        },
      }),
    refuse: () => {
      refusals = 1
    },
    /** What it deleted now. */
    async trimmed(afterMs: number = HOST_TIMING.trimMs): Promise<string[]> {
      trimming.tick()
      await turn()
      now += afterMs
      return trims.splice(0)
    },
    later: (ms: number) => {
      now += ms
    },
  }
}

describe('records between two stages', () => {
  it('are deleted below what each replica may need again', async () => {
    const { past, trimmed } = scene()
    past(BO, 400)
    past(CY, 450)
    assert.deepEqual(await trimmed(), ['shuffle[2] 400'])
  })

  it('are deleted once, and again when all are past more', async () => {
    const { past, trimmed } = scene()
    past(BO, 400)
    past(CY, 450)
    await trimmed()
    past(BO, 400)
    past(CY, 460)
    assert.deepEqual(await trimmed(), [])
    past(BO, 470)
    past(CY, 460)
    assert.deepEqual(await trimmed(), ['shuffle[2] 460'])
  })

  it('stay as long as a member has not said lately where it is', async () => {
    const { past, trimmed, later } = scene()
    past(BO, 400)
    assert.deepEqual(await trimmed(), [])
    past(BO, 400)
    past(CY, undefined)
    assert.deepEqual(await trimmed(), [])
    past(CY, 450)
    later(3_000)
    past(BO, 400)
    assert.deepEqual(await trimmed(), [])
  })

  it('stay for a replica that takes the unit over, and not for one that was there and is silent', async () => {
    const { past, trimmed, later } = scene()
    past(DEE, undefined)
    past(BO, 400)
    past(CY, 450)
    assert.deepEqual(await trimmed(), [])
    later(3_000)
    past(BO, 400)
    past(CY, 450)
    assert.deepEqual(await trimmed(), ['shuffle[2] 400'])
  })

  it('stay for whoever begins at a checkpoint', async () => {
    const { past, trimmed } = scene({ keepFrom: 300 })
    past(BO, 400)
    past(CY, 450)
    assert.deepEqual(await trimmed(), ['shuffle[2] 300'])
  })

  it('are deleted by the first living member only', async () => {
    const { agreement, past, trimmed } = scene({ alive: [BO, CY] })
    past(BO, 400)
    past(CY, 450)
    assert.equal(agreement.following.needed(10_000, term), 400)
    assert.deepEqual(await trimmed(), [])
  })

  it('are no records of a source', async () => {
    const { past, trimmed } = scene({ source: true })
    past(BO, 400)
    past(CY, 450)
    assert.deepEqual(await trimmed(), [])
  })

  it('are tried again where they could not be deleted', async () => {
    const { past, trimmed, refuse } = scene()
    refuse()
    past(BO, 400)
    past(CY, 450)
    assert.deepEqual(await trimmed(), ['Error: the broker is away'])
    past(BO, 400)
    past(CY, 450)
    assert.deepEqual(await trimmed(), ['shuffle[2] 400'])
  })
})
