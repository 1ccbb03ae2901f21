/** A replica that meets an upgrade of its job before it has heard of it: it waits for that, however the two cross. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { UnitAgreement } from '../../mesh/agreement/unit.ts'
import type { MeshNode, PeerId, Term, UnitId } from '../../mesh/index.ts'
import { ReplicaHost } from '../../src/replica/host.ts'
import type { UnitDescription } from '../../src/replica/hosted.ts'
import type { WorkerCommand } from '../../src/replica/protocol.ts'
import type { Store } from '../../src/store/store.ts'
import { agreementOf, termOf } from '../mesh/agreement/agreements.ts'

const UNIT = 'delays-1:0:3' as UnitId
const [ADA, BO, CY] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [PeerId, PeerId, PeerId]
const members = [ADA, BO, CY]
const first: Term = termOf(UNIT, members)
const upgraded: Term = { ...first, number: 2, decision: { kind: 'revision', offset: 32, value: 1 } }

/** So many revisions of the job are here. */
const descriptionWith = (revisions: number) =>
  ({
    ...{ unit: UNIT, job: 'delays', topic: 'flights', partition: 3, startOffset: 0, members, view: 1 },
    ...{ replicas: 3, write: 2, plans: Array.from({ length: revisions }, () => ({})) },
  }) as unknown as UnitDescription

/** Ada's replica runs, by a decision on a revision of which she has not heard. */
async function scene() {
  const agreement = agreementOf(ADA, [first, upgraded])
  const node = {
    ...{ self: ADA, unit: () => agreement, alive: () => new Set(members), document: { view: { members }, lost: [] } },
    ...{ persist: () => undefined, durable: async () => undefined },
    openUnit: async () => ({ term: upgraded, terms: [first, upgraded], frontier: undefined, damage: undefined }),
    drive: (_unit: UnitId, input: (agreement: UnitAgreement, now: number) => unknown) => input(agreement, 0),
  } as unknown as MeshNode
  const assigned: number[] = []
  const post = (command: WorkerCommand) => {
    if (command.kind === 'assign') assigned.push(command.assignment.plans.length)
  }
  const host = new ReplicaHost({
    ...{ node, store: { range: async () => [], get: async () => undefined } as unknown as Store, now: () => 0 },
    ...{ after: () => undefined, worker: () => ({ post }), released: () => undefined, trust: () => [] },
    ...{ checkpoint: async () => ({}), versions: () => [1], revisions: () => 1, untrusted: () => undefined },
    ...{ keepTerms: () => 0, congested: () => false, committed: () => undefined, onEvent: () => undefined },
  })
  await host.open(descriptionWith(1))
  const hosted = host.units.get(UNIT)!
  const { epoch } = hosted
  return {
    hosted,
    /** What the worker was given at each start. */
    assigned,
    hear: () => host.steer(descriptionWith(2), { view: 1, members }, { paused: false }),
    halt: () =>
      host.report({
        ...{ kind: 'halted', unit: UNIT, epoch, code: 'QRT_REVISION_UNKNOWN', message: '', logStart: undefined },
      }),
    tick: async () => {
      host.tick()
      // It reads its disk before it starts.
      for (let turns = 0; turns < 10; turns++) await Promise.resolve()
    },
  }
}

describe('a replica that lacks a revision of its job', () => {
  it('goes on once it has heard of it', async () => {
    const { hosted, assigned, hear, halt, tick } = await scene()
    halt()
    await tick()
    assert.deepEqual([hosted.state, assigned], ['halted', [1]])
    hear()
    await tick()
    assert.deepEqual([hosted.state, assigned], ['running', [1, 2]])
  })

  //   worker      │ takes the record before the upgrade ─── halts ──┐
  //   main thread │ ──────────────── hears of the upgrade ─────────── is told
  it('goes on when it heard of it while it came to the place', async () => {
    const { hosted, assigned, hear, halt, tick } = await scene()
    hear()
    await tick()
    assert.deepEqual([hosted.state, assigned], ['running', [1]])
    halt()
    await tick()
    assert.deepEqual([hosted.state, assigned, hosted.halt], ['running', [1, 2], undefined])
  })

  it('starts again once, however often it is looked at', async () => {
    const { assigned, hear, halt, tick } = await scene()
    halt()
    hear()
    for (let ticks = 0; ticks < 3; ticks++) await tick()
    assert.deepEqual(assigned, [1, 2])
  })
})
