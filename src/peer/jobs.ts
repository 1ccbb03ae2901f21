/**
 * The jobs that the control document names and whose bodies are here: what each is made of, and which units it has.
 * The view that a job was submitted under places the first term of its units, and the view of later growth that of the units that
 * came with it; every peer computes the same from the same document.
 */
import {
  type ControlDocument,
  createRing,
  type JobEntry,
  type PeerId,
  preferenceList,
  type Ring,
  type UnitId,
  unitId,
  type View,
} from '../../mesh/index.ts'
import type { SinkPlan } from '../commit/sink.ts'
import { decodeJob, type JobBody } from '../job/body.ts'
import { type CompiledJob, planOfUnit, readerOf, shuffleBefore, sourceOfUnit, unitsOfStage } from '../job/compiled.ts'
import type { UnitDescription } from '../replica/hosted.ts'

/** A unit with what commits and placement need to know of it. */
export interface PlacedUnit {
  readonly description: UnitDescription
  readonly stage: number
  /** The revision of the job that brought it. */
  readonly born: number
  /** The stage that reads what it gives; undefined: sinks get it. */
  readonly reader: number | undefined
  /** Where its rows go: the job's sinks, or the shuffle to the next stage. */
  readonly sinks: readonly SinkPlan[]
  readonly deadLetters: SinkPlan | undefined
}

export interface Job {
  /** As in the latest document. */
  readonly entry: JobEntry
  /** The latest revision that is here. */
  readonly body: JobBody
  /** Every revision that is here, in order. */
  readonly revisions: readonly JobBody[]
  /** By stage, then partition. */
  readonly units: readonly PlacedUnit[]
}

export class Jobs {
  readonly #jobs = new Map<string, Job>()
  readonly #byUnit = new Map<UnitId, { readonly job: Job; readonly unit: PlacedUnit }>()

  get all(): readonly Job[] {
    return [...this.#jobs.values()].sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1))
  }

  named(name: string): Job | undefined {
    return this.all.find(({ entry }) => entry.name === name)
  }

  ofUnit(unit: UnitId): { readonly job: Job; readonly unit: PlacedUnit } | undefined {
    return this.#byUnit.get(unit)
  }

  /** Follows a document; jobs whose body has not arrived are left for the next call. */
  follow(
    document: ControlDocument,
    bodyOf: (hash: string) => Uint8Array | undefined,
  ): { readonly added: readonly Job[]; readonly ordered: readonly Job[]; readonly removed: readonly Job[] } {
    const named = new Set(document.jobs.map(({ generation }) => generation))
    const removed = [...this.#jobs.values()].filter(({ entry }) => !named.has(entry.generation))
    for (const job of removed) this.#remove(job)
    const added: Job[] = []
    const ordered: Job[] = []
    for (const entry of document.jobs) {
      const known = this.#jobs.get(entry.generation)
      const hashes = hashesOf(entry)
      const kept = known === undefined ? [] : stillNamed(known, hashes)
      const revisions = [...kept]
      // In order: one that has not arrived keeps back those that follow it.
      for (const hash of hashes.slice(revisions.length)) {
        const bytes = bodyOf(hash)
        if (bytes === undefined) break
        revisions.push(decodeJob(bytes))
      }
      const [first] = revisions
      if (first === undefined) continue
      const same = known !== undefined && known.revisions.length === kept.length && kept.length === revisions.length
      const job = same ? { ...known, entry } : placeJob(entry, first, revisions, document.cluster)
      this.#put(job)
      if (known === undefined) added.push(job)
      else if (entry.state !== known.entry.state || entry.stopped?.code !== known.entry.stopped?.code) ordered.push(job)
    }
    return { added, ordered, removed }
  }

  #put(job: Job): void {
    this.#jobs.set(job.entry.generation, job)
    for (const unit of job.units) this.#byUnit.set(unit.description.unit, { job, unit })
  }

  #remove(job: Job): void {
    this.#jobs.delete(job.entry.generation)
    for (const { description } of job.units) this.#byUnit.delete(description.unit)
  }
}

const hashesOf = ({ earlier, hash }: JobEntry): readonly string[] => [...earlier, hash]

/** Its revisions that a document names as well: one that was forced may lack the latest, and have others in their place. */
function stillNamed({ entry, revisions }: Job, hashes: readonly string[]): readonly JobBody[] {
  const differs = hashesOf(entry).findIndex((hash, revision) => hash !== hashes[revision])
  return differs < 0 ? revisions : revisions.slice(0, differs)
}

export function placeJob(entry: JobEntry, first: JobBody, revisions: readonly JobBody[], present: string): Job {
  const { compiled, origin } = first
  const origins = new Map(origin?.units.map((each) => [each.unit, { ...each, restored: origin.restored }]))
  const body = revisions[revisions.length - 1] ?? first
  const { maxCutAgeMs, retentionMs } = body.compiled
  const rings = new Map<View, Ring>()
  const units: PlacedUnit[] = []
  for (const plan of compiled.stages) {
    const { quorum } = compiled
    const before = shuffleBefore(compiled, plan.stage)
    for (let number = 0; number < unitsOfStage(body.compiled, plan.stage); number++) {
      const unit = unitId(entry.generation, plan.stage, number)
      const born = revisions.findIndex((each) => number < unitsOfStage(each.compiled, plan.stage))
      const view = viewOf(entry, born)
      const ring = rings.get(view) ?? createRing(view)
      rings.set(view, ring)
      const reader = readerOf(planOfUnit(body.compiled, plan.stage, number) ?? plan)
      const behind = reader === undefined ? undefined : shuffleBefore(compiled, reader)
      const members: readonly PeerId[] = preferenceList(ring, unit, quorum.replicas)
      units.push({
        stage: plan.stage,
        born,
        reader,
        sinks: behind === undefined ? compiled.sinks : [{ kind: 'shuffle', ...behind }],
        deadLetters: compiled.deadLetters,
        description: {
          unit,
          cluster: origin?.cluster ?? present,
          origin: origins.get(unit),
          job: entry.name,
          generation: entry.generation,
          // One that came with growth computes from its first record on as that revision does.
          plans: revisions.flatMap((each, i) => {
            const has = i < born ? revisions[born] : each
            return planOfUnit((has ?? each).compiled, plan.stage, number) ?? []
          }),
          ...(before === undefined
            ? inputOf((revisions[born] ?? first).compiled, body.compiled, number)
            : { topic: before.topic, partition: number, startOffset: 0, endOffset: undefined, idleAfterMs: 0 }),
          maxCutAgeMs,
          members,
          view: view.number,
          replicas: quorum.replicas,
          write: quorum.write,
          readsSlices: plan.stage > 0,
          retentionMs,
        },
      })
    }
  }
  return { entry, body, revisions, units }
}

/** Which members its first term is among: those that were there when its revision came. */
function viewOf({ view, grown = [] }: JobEntry, born: number): View {
  return grown.find(({ revision }) => revision === born)?.view ?? view
}

/** Where its source is and begins was fixed by the first revision that has it; how long it may be silent is told by the latest. */
function inputOf(first: CompiledJob, latest: CompiledJob, number: number) {
  const { source, partition } = sourceOfUnit(first, number)
  return {
    topic: source.topic,
    partition,
    startOffset: source.startOffsets[partition] ?? 0,
    endOffset: source.endOffsets?.[partition],
    idleAfterMs: sourceOfUnit(latest, number).source.idleAfterMs,
  }
}
