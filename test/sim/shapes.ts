/**
 * Jobs of more shapes than `workload.ts` chooses: what comes in order, sessions, and jobs of three stages. They take the place of
 * some of the others, by random numbers of their own, so that the rest of the seeds keep what they mean.
 */
import type { Random } from '../../mesh/random.ts'
import { pick } from '../pick.ts'
import { firstsOf, type JoinShape, passesRecords, TURNS_AT, type Workload } from './workload.ts'

/** Joins of before are among those of here. */
const shareOf = ({ kind }: Workload): number => (kind === 'joined' ? 0.8 : 0.3)

export function reshaped(given: Workload, random: Random): Workload {
  const chosen = random.next()
  const base = { ...given, growing: random.below(firstsOf(given).length) }
  if (chosen >= shareOf(base)) return base
  const shape = pick(SHAPES, random)
  const other = shape({ ...base, growing: 0, lateRecords: false }, random)
  return { ...other, slideMs: other.windowMs }
}

type Shape = (base: Workload, random: Random) => Workload

const joined: Shape = (base, random) => ({
  ...ofRecords(base, random),
  kind: 'joined',
  ...twoSources(random),
  ...joinedBy(base, random),
})

const chained: Shape = (base, random) => ({
  ...ofRecords(base, random),
  kind: 'chained',
  otherFrom: 1,
  thirdFrom: 2,
  sourcePartitions: 3,
  shufflePartitions: oneOrTwo(random),
  ...joinedBy(base, random),
  chain: {
    type: random.below(2) === 0 ? 'inner' : 'left',
    match: random.below(2) === 0 ? 'within' : 'table',
    rekeys: random.below(2) === 0,
  },
})

const pattern: Shape = (base, random) => {
  const partitions = 1 + random.below(3)
  return {
    ...ofRecords(base, random),
    kind: 'pattern',
    ...oneSource(partitions),
    onIdle: partitions === 1 ? base.onIdle : 'wait',
    keys: 1 + random.below(3),
    windowMs: 1_000 * (1 + random.below(5)),
    pattern: {
      several: random.below(2) === 0 ? 'no' : random.below(2) === 0 ? 'strict' : 'relaxed',
      without: random.below(3) === 0,
      contiguity: pick(['strict', 'relaxed', 'relaxedAny'] as const, random),
      afterMatch: random.below(2) === 0 ? 'noSkip' : 'skipPastLast',
    },
  }
}

const sessions: Shape = (base, random) => {
  const partitions = 1 + random.below(3)
  return {
    ...ofWindows(base, random),
    kind: 'sessions',
    ...oneSource(partitions),
    onIdle: partitions === 1 ? base.onIdle : 'wait',
    windowMs: 500 * (1 + random.below(6)),
    having: 0,
  }
}

const staged: Shape = (base, random) => ({
  ...ofWindows(base, random),
  kind: 'staged',
  ...oneSource(oneOrTwo(random)),
  windowMs: 1_000 * (2 + random.below(6)),
  shufflePartitions: oneOrTwo(random),
  again: { times: 2 + random.below(2), by: pick(['key', 'half', 'all'] as const, random) },
})

const SHAPES: readonly Shape[] = [joined, joined, chained, pattern, sessions, staged]

/** What is late depends on when silence is decided, unless it is waited for: then the source alone says what comes out. */
const ofRecords = (base: Workload, random: Random): Workload => ({
  ...base,
  latenessMs: 0,
  emit: 'onClose',
  having: 0,
  branchFrom: random.below(3) === 0 ? TURNS_AT : 0,
  onIdle: 'wait',
})

function ofWindows(base: Workload, random: Random): Workload {
  const { emit, branchFrom } = base
  if (!passesRecords(base)) return base
  return {
    ...base,
    emit: random.below(3) > 0 ? emit : random.below(2) === 0 ? 'onUpdate' : 1_000,
    latenessMs: 1_000 * random.below(5),
    branchFrom: branchFrom === 0 ? 0 : 200 + random.below(3_000),
  }
}

const oneSource = (partitions: number) => ({ sourcePartitions: partitions, otherFrom: partitions })

/** What a run costs is mostly how many units it has. */
const oneOrTwo = (random: Random): number => (random.below(3) === 0 ? 2 : 1)

function twoSources(random: Random): Pick<Workload, 'sourcePartitions' | 'otherFrom'> {
  const otherFrom = oneOrTwo(random)
  return { otherFrom, sourcePartitions: otherFrom + oneOrTwo(random) }
}

/** In a window all records of a key meet: with long ones a run makes little else than rows. */
function joinedBy({ windowMs }: Workload, random: Random): Pick<Workload, 'join' | 'windowMs'> {
  const join = joinShape(random)
  return { join, windowMs: join.match === 'window' ? 1_000 * (2 + random.below(7)) : windowMs }
}

function joinShape(random: Random): JoinShape {
  const match = pick(['within', 'within', 'window', 'table', 'tables'] as const, random)
  const types = match === 'table' ? (['inner', 'left'] as const) : (['inner', 'left', 'right', 'outer'] as const)
  return { match, type: pick<JoinShape['type']>(types, random), deletes: random.below(2) === 0 }
}
