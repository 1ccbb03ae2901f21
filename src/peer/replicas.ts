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
        if (member === self) return await this.#answer(request)
        return await this.#node.request(member, request as unknown as Wire, ASK_TIMEOUT_MS)
      } catch (error) {
        failure = error
      }
    }
    const what = `no replica of unit ${unit.description.unit} answered`
    throw new QuorateError('QRT_QUORUM_NOT_MET', what, { cause: failure })
  }
}
