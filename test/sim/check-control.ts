/**
 * The control document as clients see it, against one total order: changes as they are asked for and answered, and the
 * documents that are chosen. It is a register with versions, so the search of Wing and Gong (Testing and verifying concurrent
 * objects, 1993) needs no tree: the version of an answer is its place in the order, and three things are to be seen.
 *
 *   real time   whoever asks after an answer is answered by no earlier document
 *   effect      the document of an answer was chosen, and holds the change
 *   cause       a document differs from the one before it by one change that was asked for before it was there, or by none
 *
 * And the document on a peer's disk never goes back.
 */
import { type ControlChange, type ControlDocument, canonicalText, decodeStored, type PeerId } from '../../mesh/index.ts'
import { Violation } from './violation.ts'

type Place = Pick<ControlDocument, 'forced' | 'number'>

const compare = (a: Place, b: Place): number => a.forced - b.forced || a.number - b.number
const told = ({ forced, number }: Place): string => (forced === 0 ? `${number}` : `${number}, ${forced} times forced,`)

/** What a change may touch: a job by its name, or a member of the view. */
function touchedBy(change: ControlChange): readonly string[] {
  switch (change.kind) {
    case 'view':
      return [`member ${change.step.peer}`]
    case 'lose':
      return ['lost']
    case 'restore':
      return change.jobs.map(({ name }) => `job ${name}`)
    default:
      return [`job ${change.name}`]
  }
}

/** What differs between two documents, in the same words. */
function differences(before: ControlDocument, after: ControlDocument): readonly string[] {
  const jobs = new Set([...before.jobs, ...after.jobs].map(({ name }) => name))
  const entry = ({ jobs: all }: ControlDocument, name: string) => canonicalText(all.filter((job) => job.name === name))
  const changed = [...jobs].filter((name) => entry(before, name) !== entry(after, name)).map((name) => `job ${name}`)
  const members = [...before.view.members, ...after.view.members]
  const moved = members.filter((each) => before.view.members.includes(each) !== after.view.members.includes(each))
  const lost = before.lost.length === after.lost.length ? [] : ['lost']
  return [...changed, ...moved.map((member) => `member ${member}`), ...lost]
}

export class ControlChecks {
  /** The latest document that anybody was answered with. */
  #answered: Place = { forced: 0, number: 0 }
  readonly #chosen = new Map<string, ControlDocument>()
  readonly #asked = new Set<string>()
  /** Of peers by identity, since their disks are what they are. */
  readonly #latest = new Map<PeerId, { readonly stored: Uint8Array; readonly document: Place }>()
  /** Answers whose document was not seen yet. */
  readonly #claimed: ControlDocument[] = []

  /** A client asks for a change. To be called with the answer, when there is one. */
  ask(by: string, change: ControlChange): (document: ControlDocument) => void {
    for (const touched of touchedBy(change)) this.#asked.add(touched)
    const least = this.#answered
    return (document) => {
      if (compare(document, least) < 0) {
        const found = `${by} was answered by document ${told(document)} to a change that it asked for after document ${told(least)}`
        throw new Violation('changes in order', `${found} had been an answer`)
      }
      if (!holds(document, change)) {
        throw new Violation(
          'changes in order',
          `document ${told(document)} was an answer to ${change.kind}, and is without it`,
        )
      }
      if (compare(document, this.#answered) > 0) this.#answered = document
      this.#claimed.push(document)
    }
  }

  /** A document was said to be chosen. */
  chosen(document: ControlDocument): void {
    const name = told(document)
    if (this.#chosen.has(name)) return
    this.#chosen.set(name, document)
    const before = this.#chosen.get(told({ ...document, number: document.number - 1 }))
    const after = this.#chosen.get(told({ ...document, number: document.number + 1 }))
    if (before !== undefined) this.#explain(before, document)
    if (after !== undefined) this.#explain(document, after)
  }

  /**
   * What is on a peer's disk now: what was not there yet when its process ended is gone, and had left for nobody.
   * @param stored of the table of control documents
   */
  held(id: PeerId, name: string, stored: Uint8Array): void {
    const latest = this.#latest.get(id)
    if (latest?.stored === stored) return
    const document = decodeStored(stored) as ControlDocument
    if (latest !== undefined && compare(document, latest.document) < 0) {
      const [before, after] = [told(latest.document), told(document)]
      throw new Violation('changes in order', `${name} went back from document ${before} to ${after}`)
    }
    this.#latest.set(id, { stored, document })
  }

  /** In the end: each answer was of a document that was chosen. */
  finish(): void {
    for (const document of this.#claimed) {
      const chosen = this.#chosen.get(told(document))
      if (chosen === undefined || canonicalText(chosen) === canonicalText(document)) continue
      throw new Violation('changes in order', `an answer was another document ${told(document)} than was chosen`)
    }
  }

  #explain(before: ControlDocument, after: ControlDocument): void {
    const found = differences(before, after)
    // A peer that takes another's name replaces it in the same step.
    const members = found.filter((each) => each.startsWith('member '))
    const unasked = found.filter((each) => !this.#asked.has(each))
    const steps = found.length - members.length + Math.min(1, members.length)
    const explained = members.length > 0 ? unasked.length < found.length : unasked.length === 0
    if (steps <= 1 && (found.length === 0 || explained)) return
    throw new Violation(
      'changes in order',
      `document ${told(after)} differs from the one before by ${found.join(', ')}`,
    )
  }
}

/** The change, in a document that is said to have it. */
function holds(document: ControlDocument, change: ControlChange): boolean {
  const job = 'name' in change ? document.jobs.find(({ name }) => name === change.name) : undefined
  switch (change.kind) {
    case 'put':
      return job?.generation === change.generation
    case 'upgrade':
      return job !== undefined && job.earlier.length >= change.revision
    case 'state':
      return job?.state === change.state
    case 'stop':
      return job?.stopped !== undefined
    case 'delete':
      return job === undefined
    case 'view':
      return document.view.members.includes(change.step.peer) === (change.step.kind === 'admit')
    case 'lose':
      return change.peers.every((peer) => document.lost.includes(peer))
    case 'restore':
      return change.jobs.every(({ name }) => document.jobs.some((each) => each.name === name))
  }
}
