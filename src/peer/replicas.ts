/** Whom to ask about a unit: its replicas, this peer's own first, then those that are alive. */
import type { MeshNode, PeerId, Wire } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import type { PlacedUnit } from './jobs.ts'
import type { PeerRequest } from './requests.ts'

const ASK_TIMEOUT_MS = 2_000

export class Replicas {
  readonly #node: MeshNode
  readonly #answer: (request: PeerRequest) => Promise<Wire>

  /** @param answer answers a request from what this peer holds */
  constructor(node: MeshNode, answer: (request: PeerRequest) => Promise<Wire>) {
    this.#node = node
    this.#answer = answer
  }

  of({ description }: PlacedUnit): readonly PeerId[] {
    const known = this.#node.membersOf(description.unit)
    return known.length > 0 ? known : description.members
  }

  /**
   * What the first replica says that answers.
   * @throws QuorateError QRT_QUORUM_NOT_MET when none does
   */
  async ask(unit: PlacedUnit, request: PeerRequest): Promise<Wire> {
    const { self } = this.#node
    const alive = this.#node.alive()
    const rank = (peer: PeerId): number => (peer === self ? 0 : alive.has(peer) ? 1 : 2)
    let failure: unknown
    for (const member of this.of(unit).toSorted((a, b) => rank(a) - rank(b))) {
      try {
        return await this.#askOne(member, request)
      } catch (error) {
        failure = error
      }
    }
    throw nobody(unit, failure)
  }

  /**
   * What each replica says that answers.
   * @throws QuorateError QRT_QUORUM_NOT_MET when none does
   */
  async askAll(unit: PlacedUnit, request: PeerRequest): Promise<readonly Wire[]> {
    const answers = await Promise.allSettled(this.of(unit).map((member) => this.#askOne(member, request)))
    const given = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    if (given.length > 0) return given
    throw nobody(unit, answers.find((answer) => answer.status === 'rejected')?.reason)
  }

  #askOne(member: PeerId, request: PeerRequest): Promise<Wire> {
    if (member === this.#node.self) return this.#answer(request)
    return this.#node.request(member, request as unknown as Wire, ASK_TIMEOUT_MS)
  }
}

const nobody = ({ description }: PlacedUnit, cause: unknown): QuorateError =>
  new QuorateError('QRT_QUORUM_NOT_MET', `no replica of unit ${description.unit} answered`, { cause })
