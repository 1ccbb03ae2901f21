/**
 * How a peer goes on purpose: it asks out of the view, goes on with its units until those who take them over hold all that it
 * has of them, and only then has left. Until that moment nothing depends on it any less, so it can be stopped and started at
 * any time; a stop ends the wish to leave.
 */
import { type MeshNode, planted, type UnitId } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import type { LeaveView } from '../http/api.ts'
import type { Job } from './jobs.ts'

export interface LeavingParts {
  readonly node: MeshNode
  /** What this peer holds. */
  readonly units: () => readonly UnitId[]
  readonly jobs: () => readonly Job[]
}

export class Leaving {
  readonly #parts: LeavingParts
  readonly #left = Promise.withResolvers<void>()
  #begun = false
  #done = false
  /** The most units that it held since it began. */
  #most = 0

  constructor(parts: LeavingParts) {
    this.#parts = parts
  }

  get begun(): boolean {
    return this.#begun
  }

  /** Resolves when the cluster needs nothing of this peer any more. */
  get left(): Promise<void> {
    return this.#left.promise
  }

  /** @throws QuorateError QRT_NO_CLUSTER, QRT_MEMBER_REFUSED when the others could not go on without it */
  check(): void {
    const { document, waitingFor } = this.#parts.node
    if (document === undefined) {
      const what = `there is nothing to leave: this peer has no cluster yet (${waitingFor ?? 'starting'}); stop it instead`
      throw new QuorateError('QRT_NO_CLUSTER', what)
    }
    checkRemaining(this.#parts, this.#parts.node.self)
  }

  begin(): void {
    this.#begun = true
    this.#parts.node.leave()
  }

  /** What it still waits for; empty when it may go. */
  get waitingFor(): readonly string[] {
    const { node, units } = this.#parts
    const member = node.document?.view.members.includes(node.self) === true
    const known = planted('gone-before-known') || (node.documentInstalled && node.laggards.length === 0)
    return [
      ...(member ? ['the view still names this peer'] : []),
      ...(known ? [] : ['others do not know the latest view yet']),
      ...units().map((unit) => `its successors do not hold all of ${unit} yet`),
    ]
  }

  get view(): LeaveView {
    const held = this.#parts.units().length
    if (this.#done) return { state: 'left', waitingFor: [], units: { total: this.#most, left: 0 } }
    if (!this.#begun) return { state: 'staying', waitingFor: [], units: { total: held, left: held } }
    return { state: 'leaving', waitingFor: this.waitingFor, units: { total: Math.max(this.#most, held), left: held } }
  }

  tick(): void {
    if (!this.#begun || this.#done) return
    this.#most = Math.max(this.#most, this.#parts.units().length)
    if (this.waitingFor.length > 0) return
    this.#done = true
    this.#left.resolve()
  }
}

/**
 * Whether jobs could go on without a member, and all who are leaving already.
 * @throws QuorateError QRT_MEMBER_REFUSED with what to do first
 */
export function checkRemaining({ node, jobs }: Pick<LeavingParts, 'node' | 'jobs'>, going: string): void {
  const others = (node.document?.view.members ?? []).filter((member) => member !== going && !node.leaving.has(member))
  if (others.length === 0) {
    throw new QuorateError('QRT_MEMBER_REFUSED', 'it is the last member of the cluster: stop it instead')
  }
  for (const { entry, body } of jobs()) {
    const { write } = body.compiled.quorum
    if (write <= others.length) continue
    const left = others.length === 1 ? '1 peer' : `${others.length} peers`
    throw new QuorateError(
      'QRT_MEMBER_REFUSED',
      `${left} would be left, and ${write} must agree on results of the job "${entry.name}": let another peer join first, or delete the job`,
    )
  }
}
