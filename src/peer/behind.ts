/**
 * Which peers have replicas that do not confirm what is certified, and for how long. A replica confirms a cut by having it
 * on its disk, which takes its own computation: one that is slower than the others never votes, and yet is well.
 *
 * At a look, the newest certified cut of a unit that a member has not confirmed is marked, and stays so until it is: under
 * load a replica is always some cuts behind, but never behind the same cut for long.
 */
import { type CutPosition, isBehind, type PeerId, type UnitId } from '../../mesh/index.ts'
import type { ReplicaSample } from '../metrics-sample.ts'
import type { Peer } from './peer.ts'

interface Mark {
  readonly position: CutPosition
  /** Monotonic milliseconds. */
  readonly since: number
}

export class BehindReplicas {
  /** By unit and member. */
  #marks = new Map<string, Mark>()

  look(peer: Peer, now: number): ReplicaSample[] {
    const marks = new Map<string, Mark>()
    const samples = new Map<string, { job: string; peer: string; behindSeconds: number }>()
    for (const [unit, { description }] of peer.host.units) {
      for (const member of peer.node.unit(unit)?.term.members ?? []) {
        const mark = this.#markOf(peer, unit, member, now)
        if (mark !== undefined) marks.set(`${unit} ${member}`, mark)
        const { job } = description
        const sample = samples.get(`${job} ${member}`) ?? { job, peer: peer.nameOf(member), behindSeconds: 0 }
        sample.behindSeconds = Math.max(sample.behindSeconds, mark === undefined ? 0 : (now - mark.since) / 1000)
        samples.set(`${job} ${member}`, sample)
      }
    }
    this.#marks = marks
    return [...samples.values()]
  }

  #markOf(peer: Peer, unit: UnitId, member: PeerId, now: number): Mark | undefined {
    const agreement = peer.node.unit(unit)
    const frontier = agreement?.frontier
    const own = member === peer.node.self
    const stored = (own ? agreement?.standing : agreement?.following.standingOf(member))?.stored
    if (frontier === undefined || !isBehind(stored, frontier)) return undefined
    const known = this.#marks.get(`${unit} ${member}`)
    if (known !== undefined && isBehind(stored, known.position)) return known
    return { position: { seq: frontier.seq, part: frontier.part }, since: now }
  }
}
