/**
 * Which jobs, and which revisions of them, the checkpoints name. No sink gets a result of what they do not: a cluster that
 * is rebuilt from them would find results there that it cannot compute, or number what it is told later as if it came first.
 * The first living member of the view writes each document; the others look, and write it themselves when it takes long.
 */
import type { ControlDocument, JobEntry } from '../../mesh/index.ts'
import { HOST_TIMING } from '../limits.ts'

const hashesOf = ({ earlier, hash }: JobEntry): readonly string[] => [...earlier, hash]
const nameOf = ({ forced, number }: ControlDocument): string => `${forced}/${number}`

export class KeptJobs {
  #document: string | undefined
  readonly #revisions = new Map<string, readonly string[]>()
  /** The document that is not known to be kept, and monotonically since when. */
  #waiting: { readonly name: string; readonly since: number } | undefined
  #lookAt = Number.NEGATIVE_INFINITY

  /** A document with these jobs is in the checkpoints. */
  note(document: Pick<ControlDocument, 'jobs'>): void {
    this.#revisions.clear()
    for (const entry of document.jobs) this.#revisions.set(entry.generation, hashesOf(entry))
  }

  /** This peer wrote it. */
  saved(document: ControlDocument): void {
    this.#document = nameOf(document)
    this.note(document)
  }

  /** How many of a job's revisions are kept, from its first one on; 0: not even that. */
  of(entry: JobEntry): number {
    const kept = this.#revisions.get(entry.generation) ?? []
    const hashes = hashesOf(entry)
    const differs = hashes.findIndex((hash, revision) => kept[revision] !== hash)
    return differs < 0 ? hashes.length : differs
  }

  /**
   * What is to be done about the present document.
   * @param now monotonic
   * @param rank of this peer among the living members of the view; 0: it writes at once
   */
  due(now: number, document: ControlDocument, rank: number): 'save' | 'look' | undefined {
    const name = nameOf(document)
    if (this.#document === name || rank < 0) return undefined
    if (this.#waiting?.name !== name) this.#waiting = { name, since: now }
    if (rank === 0) return 'save'
    if (document.jobs.every((entry) => this.of(entry) > entry.earlier.length)) return undefined
    if (now - this.#waiting.since >= rank * HOST_TIMING.checkpointMs) return 'save'
    if (now < this.#lookAt) return undefined
    this.#lookAt = now + HOST_TIMING.keptLookMs
    return 'look'
  }
}
