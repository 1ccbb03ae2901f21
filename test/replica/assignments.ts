/** Units of the smallest jobs there are, for tests that give them to a worker: a cut a second, without steps. */
import { unitId } from '../../mesh/index.ts'
import type { StagePlan } from '../../operators/index.ts'
import type { UnitAssignment } from '../../src/replica/protocol.ts'

export const TOPIC = 'flights'

const plan = (job: string): StagePlan => ({
  job,
  stage: 0,
  input: { kind: 'records', format: 'json', time: { kind: 'field', path: ['at'] }, outOfOrdernessMs: 0 },
  steps: [],
  aggregates: [],
  output: { kind: 'rows' },
  onIdle: 'emit',
  cuts: {
    gridMs: 1_000,
    gridRecords: 1,
    maxRecords: 50_000,
    maxBytes: 1_000_000,
    partBytes: 500_000,
    snapshotEvery: 16,
  },
})

/** The first stage of a job over one partition of `TOPIC`. */
export function unitOfJob(job: string, { partition = 0, startOffset = 0 }): UnitAssignment {
  return {
    cluster: 'c0ffee',
    unit: unitId(`${job}-0123456789ab-1`, 0, partition),
    plans: [plan(job)],
    topic: TOPIC,
    partition,
    start: { offset: startOffset, snapshot: undefined, decisions: [] },
    endOffset: undefined,
    carefulBelow: 0,
    idleAfterMs: 600_000,
    trust: undefined,
  }
}
