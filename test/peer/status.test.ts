/** What status says of a unit of which too few replicas can be reached, and when it names the last resort. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId, Term, UnitId } from '../../mesh/index.ts'
import type { PlacedUnit } from '../../src/peer/jobs.ts'
import { type StatusParts, unitStatus } from '../../src/peer/status.ts'
import { HostedUnit, type UnitDescription } from '../../src/replica/hosted.ts'
import { agreementOf, termOf } from '../mesh/agreement/agreements.ts'

const UNIT = 'delays-1:0:3' as UnitId
const NAMES = ['ada', 'bo', 'cy'] as const
const [ADA, BO, CY] = NAMES.map((name) => name[0]!.repeat(32)) as [PeerId, PeerId, PeerId]
const NOW = 2_000_000
const MINUTE_MS = 60_000

/** At ada, which has not heard bo and cy for so long; `view`: who are members. */
function told(silentMs: number, view: readonly PeerId[] = [ADA, BO, CY]) {
  const term: Term = termOf(UNIT, [ADA, BO, CY])
  const agreement = agreementOf(ADA, [term])
  const description = {
    ...{ unit: UNIT, job: 'delays', topic: 'flights', partition: 3, startOffset: 0, plans: [] },
    ...{ members: [ADA, BO, CY], view: 1, replicas: 3, write: 2 },
  } as unknown as UnitDescription
  const hosted = new HostedUnit(description, NOW)
  hosted.state = 'running'
  const heard = (id: PeerId, ms: number) => ({ id, state: ms === 0 ? 'alive' : 'dead', lastHeardAt: NOW - ms })
  const parts = {
    node: {
      ...{
        self: ADA,
        unit: () => agreement,
        alive: () => new Set([ADA]),
        document: { view: { members: view }, lost: [] },
      },
      members: () => [heard(ADA, 0), heard(BO, silentMs), heard(CY, silentMs)],
    },
    commits: { committed: () => undefined, problems: () => [], congested: () => false },
    ...{ checkpointer: undefined, outage: undefined, now: NOW },
    nameOf: (peer: PeerId) => NAMES.find((name) => peer.startsWith(name[0]!)) ?? peer,
  } as unknown as StatusParts
  return unitStatus({ stage: 0 } as PlacedUnit, hosted, parts)
}

describe('a unit of which too few replicas can be reached', () => {
  it('is stalled and names them, and no order while they may come back', () => {
    const { state, reasons } = told(9 * MINUTE_MS)
    assert.equal(state, 'stalled')
    assert.match(
      reasons.join('\n'),
      /^2 of 3 replicas must agree and 1 can be reached: .*bo has been unreachable for 540 s/,
    )
    assert.doesNotMatch(reasons.join('\n'), /quorate force/)
  })

  //   removeAfter: never, or a majority of the members is away: nobody takes them out of the view
  it('names the order that gives them up once they have been away for long', () => {
    const { state, reasons } = told(10 * MINUTE_MS)
    assert.equal(state, 'stalled')
    assert.match(reasons.join('\n'), /disks are gone for good: quorate force --lost b{32} --lost c{32} --yes$/m)
  })

  it('names it once where they are members no more', () => {
    const sentences = told(10 * MINUTE_MS, [ADA]).reasons.join('\n')
    assert.equal(sentences.match(/quorate force/g)?.length, 1)
  })
})
