/**
 * The jobs of a cluster that was lost, as a new one can take them over: each unit goes on from the newest checkpoint, under
 * the decisions of the terms that the checkpoint and the sinks carry, and what a sink has beyond it has to come out the same.
 * Opening the sinks locks out committers of the lost cluster where a sink can do that.
 */
import {
  type Certificate,
  type CutPosition,
  contentDigest,
  isBehind,
  isComplete,
  type JobEntry,
  normalTerm,
  type OpenCut,
  type RestoredJob,
  type Term,
  TermHistory,
  type UnitId,
} from '../../mesh/index.ts'
import { decodeRecord } from '../commit/record.ts'
import type { Sink, SinkPlan, SinkProgress } from '../commit/sink.ts'
import { QuorateError } from '../errors.ts'
import { decodeJob, encodeJob } from '../job/body.ts'
import { JOB_LIMITS } from '../job/limits.ts'
import type { UnitOrigin } from '../job/origin.ts'
import { type PlacedUnit, placeJob } from '../peer/jobs.ts'
import { firstTerms } from '../replica/loading.ts'
import type { CheckpointKeeper, UnitCheckpoint } from './keeper.ts'

export interface RestoringParts {
  readonly keeper: CheckpointKeeper
  readonly sink: (plan: SinkPlan) => Sink
  /** Whether W members of its own term signed it, under these terms. */
  readonly verifies: (certificate: Certificate, terms: readonly Term[]) => boolean
  /** False: another peer has restored them meanwhile. Opening a sink would lock out its committers, who write by now. */
  readonly wanted: () => boolean
}

export interface Restorable {
  readonly jobs: readonly RestoredJob[]
  readonly submissions: number
}

/**
 * Undefined when it is wanted no more.
 * @throws QuorateError QRT_CHECKPOINT_UNKNOWN, QRT_CHECKPOINT_INCOMPLETE, QRT_CHECKPOINT_UNREACHABLE, QRT_SINK_…
 */
export async function restorable(cluster: string, parts: RestoringParts): Promise<Restorable | undefined> {
  const { keeper, wanted } = parts
  const document = await keeper.readDocument(cluster)
  if (document === undefined) {
    const known = await keeper.clusters()
    const there = known.length === 0 ? 'there is none' : `there is ${known.join(', ')}`
    throw new QuorateError('QRT_CHECKPOINT_UNKNOWN', `expected checkpoints of the cluster "${cluster}"; ${there}`)
  }
  const jobs: RestoredJob[] = []
  for (const entry of document.jobs) {
    const [bytes, ...later] = await bodiesIn(cluster, entry, keeper)
    if (bytes === undefined) throw incomplete(`the job "${entry.name}" has no body`)
    const first = decodeJob(bytes)
    const revisions = [first, ...later.map(decodeJob)]
    const units: UnitOrigin[] = []
    for (const placed of placeJob(entry, first, revisions, cluster).units) {
      if (!wanted()) return undefined
      units.push(await unitOrigin(cluster, placed, parts))
    }
    const { origin } = first
    const restored = (origin?.restored ?? 0) + 1
    const { name, generation, state, stopped } = entry
    const moved = encodeJob({ ...first, origin: { cluster: origin?.cluster ?? cluster, restored, units } })
    if (moved.length > JOB_LIMITS.bodyBytes) {
      throw incomplete(
        `the job "${name}" with the terms of its ${units.length} units has ${moved.length} bytes, expected at most ` +
          `${JOB_LIMITS.bodyBytes}; its peers wrote no checkpoints for a long time`,
      )
    }
    jobs.push({ name, generation, state, bodies: [moved, ...later], ...(stopped === undefined ? {} : { stopped }) })
  }
  return { jobs, submissions: document.submissions }
}

/** Every one that the job has had, in order. */
async function bodiesIn(cluster: string, { name, earlier, hash }: JobEntry, keeper: CheckpointKeeper) {
  const bodies: Uint8Array[] = []
  for (const each of [...earlier, hash]) {
    const bytes = await keeper.readBody(cluster, each)
    if (bytes === undefined) throw incomplete(`the body of the job "${name}" (${each}) is not there`)
    bodies.push(bytes)
  }
  return bodies
}

/** What is known of a unit, from whichever place. */
interface Found {
  readonly terms: Map<number, Term>
  readonly base: UnitOrigin['base']
  readonly checkpoint: UnitOrigin['checkpoint']
  readonly applied: number
}

async function unitOrigin(cluster: string, placed: PlacedUnit, parts: RestoringParts): Promise<UnitOrigin> {
  const { unit } = placed.description
  const found = beginning(cluster, placed, await parts.keeper.readUnit(cluster, unit))
  const ahead = await beyond(placed, found, parts)
  const history = [...found.terms.values()].sort((a, b) => a.number - b.number)
  const latest = history[history.length - 1]
  const unknown = ahead.find(({ certificate }) => certificate.term > (latest?.number ?? 0))
  if (!isComplete(history, found.applied) || unknown !== undefined) {
    const { seq, part } = unknown?.certificate.content ?? found.base ?? { seq: 0, part: 0 }
    throw incomplete(
      `${unit} has terms after ${found.applied} that neither its checkpoint nor a sink carries (cut ${seq} part ${part}); ` +
        'its peers wrote to the sink without "checkpoints" in their configuration',
    )
  }
  for (const { sink, certificate } of ahead) {
    if (parts.verifies(certificate, history)) continue
    const { seq, part } = certificate.content
    throw incomplete(`the certificate at ${sink} of cut ${seq} part ${part} of ${unit} is not signed by its members`)
  }
  checkGap(unit, history, found)
  const terms = new TermHistory(history)
  // The latest stays, whatever the state holds: the first term of the new cluster comes after it, and after no earlier one.
  terms.trim(Math.min(found.applied + 1, terms.latest.number))
  return {
    unit,
    terms: terms.all,
    ...(found.base === undefined ? {} : { base: found.base }),
    open: openCuts(unit, ahead),
    ...(found.checkpoint === undefined ? {} : { checkpoint: found.checkpoint }),
  }
}

/** The newest checkpoint; else where an earlier restoration began; else the first record. */
function beginning(cluster: string, { description }: PlacedUnit, newest: UnitCheckpoint | undefined): Found {
  const { origin } = description
  const terms = new Map(firstTerms(description).map((term) => [term.number, term]))
  for (const term of newest?.terms ?? []) terms.set(term.number, normalTerm(term))
  if (newest !== undefined) {
    const { seq, part, last, offset } = newest.certificate.content
    const base = { seq, part, last, offset, digest: contentDigest(newest.certificate.content) }
    return { terms, base, checkpoint: { cluster, name: newest.name }, applied: newest.applied }
  }
  const applied = Number(/-(\d+)$/.exec(origin?.checkpoint?.name ?? '')?.[1] ?? 0)
  return { terms, base: origin?.base, checkpoint: origin?.checkpoint, applied }
}

interface Ahead {
  readonly sink: string
  readonly certificate: Certificate
}

/** What the sinks have after the base; the terms that they carry are added to those that are known. */
async function beyond({ description, ...placed }: PlacedUnit, found: Found, { sink: sinkOf }: RestoringParts) {
  const { unit, cluster, job, generation } = description
  const ahead: Ahead[] = []
  for (const plan of [...placed.sinks, ...(placed.deadLetters === undefined ? [] : [placed.deadLetters])]) {
    const sink = sinkOf(plan)
    const session = await sink.open({ cluster, job, generation, unit })
    const { progress } = session
    const announced = await session.announced()
    await session.close()
    // Rows of what was announced may be there, and would not be replaced by others.
    for (const each of [progress, announced]) {
      if (each === undefined) continue
      const { terms, certificate } = recordOf(sink.name, each, unit)
      for (const term of terms) found.terms.set(term.number, term)
      if (isBehind(found.base, certificate.content)) ahead.push({ sink: sink.name, certificate })
    }
  }
  return ahead
}

function recordOf(sink: string, { record: bytes, position }: SinkProgress, unit: UnitId) {
  const record = decodeRecord(bytes)
  const content = record?.certificate.content
  if (
    record !== undefined &&
    content?.unit === unit &&
    content.seq === position.seq &&
    content.part === position.part
  ) {
    return record
  }
  throw incomplete(`${sink} has no certificate of ${unit} at cut ${position.seq} part ${position.part}`)
}

/** Each once; two sinks that have another result at one place cannot both be right. */
function openCuts(unit: UnitId, ahead: readonly Ahead[]): OpenCut[] {
  const open = new Map<string, OpenCut & { readonly sink: string }>()
  for (const { sink, certificate } of ahead) {
    const { seq, part, offset } = certificate.content
    const digest = contentDigest(certificate.content)
    const other = open.get(`${seq}/${part}`)
    if (other !== undefined && other.digest !== digest) {
      throw new QuorateError(
        'QRT_SINK_FORK',
        `${sink} and ${other.sink} hold different results of cut ${seq} part ${part} of ${unit}; compare both certificates`,
      )
    }
    open.set(`${seq}/${part}`, { seq, part, digest, offset, term: certificate.term, sink })
  }
  return [...open.values()].map(({ sink: _, ...cut }) => cut).sort((a, b) => a.seq - b.seq || a.part - b.part)
}

/** A gap goes on from the state before it: where that is not the checkpoint's, it is lost. */
function checkGap(unit: UnitId, history: readonly Term[], { applied, base }: Found): void {
  const same = (a: CutPosition | null | undefined, b: CutPosition | undefined) =>
    a?.seq === b?.seq && a?.part === b?.part
  for (const { number, decision } of history) {
    if (number <= applied || decision?.kind !== 'gap' || same(decision.snapshot, base)) continue
    throw incomplete(`${unit} went over a gap in its log after the checkpoint, from a state that is not in it`)
  }
}

const incomplete = (what: string): QuorateError =>
  new QuorateError('QRT_CHECKPOINT_INCOMPLETE', `the checkpoint cannot be restored: ${what}`)
