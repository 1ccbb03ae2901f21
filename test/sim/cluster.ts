/** The peers of a run: those that began it, and those that come and go while it lasts. */
import { isBehind, type PeerId } from '../../mesh/index.ts'
import type { Random } from '../../mesh/random.ts'
import type { SimulatedDisk } from './disk.ts'
import { SimulatedPeer, type World } from './peer.ts'

/** More would only be slower: what peers say to one another grows with the square. A document has seven acceptors at most. */
const MOST_PEERS = 6
const MOST_PEERS_SELDOM = 9

export class Cluster {
  readonly #world: World
  readonly #peers: SimulatedPeer[] = []
  readonly #all: SimulatedPeer[] = []
  #indexes = 0
  /** Peers that a job's quorum needs. */
  #needed = 1
  readonly #most: number

  constructor(world: World) {
    this.#world = world
    this.#most = world.random.below(6) === 0 ? MOST_PEERS_SELDOM : MOST_PEERS
    for (let index = 0; index < world.expect; index++) this.#make()
  }

  /** Those that have not left for good. */
  get peers(): readonly SimulatedPeer[] {
    return this.#peers
  }
  get running(): readonly SimulatedPeer[] {
    return this.#peers.filter((peer) => peer.running)
  }

  nameOf(id: PeerId): string {
    return this.#all.find(({ ids }) => ids.includes(id))?.name ?? id
  }

  /** The machine behind an identity has computed wrongly. */
  isSpoiled(id: PeerId): boolean {
    return this.#all.some(({ ids, spoiled }) => spoiled && ids.includes(id))
  }

  /** What could not be read any more of the disk of an identity. */
  damageOf(id: PeerId): SimulatedPeer['damage'] {
    return this.#all.flatMap(({ damage }) => damage.filter((each) => each.id === id))
  }

  /** Versions that the machine behind an identity can compute in. */
  versionsOf(id: PeerId): readonly number[] {
    return this.#all.find(({ ids }) => ids.includes(id))?.quirks.versions ?? []
  }

  /** A cluster must not shrink below what its jobs need. */
  need(peers: number): void {
    this.#needed = peers
  }

  /** One more peer, which finds the others by itself. False: there are enough. */
  join(): boolean {
    if (this.#peers.length >= this.#most) return false
    this.#make().start()
    return true
  }

  /** A peer hands over what it has and is gone. False: the others need it. */
  leave(peer: SimulatedPeer): boolean {
    const staying = this.#peers.filter((other) => other !== peer && !other.leaving)
    const member = peer.peer?.node.document?.view.members.includes(peer.id) === true
    if (staying.length < Math.max(2, this.#needed) || peer.leaving || !member) return false
    peer.leave(() => {
      this.#peers.splice(this.#peers.indexOf(peer), 1)
    })
    return true
  }

  /** A peer's disk is lost with its identity; it comes back under its name. False: another one's is not made up for yet. */
  wipe(peer: SimulatedPeer): boolean {
    if (peer.leaving || !this.whole) return false
    peer.crash()
    peer.wipe()
    return true
  }

  /** A peer's disk is what it was some time ago. False: it has left, or there would be nobody left who knows better. */
  restore(peer: SimulatedPeer, image: ReturnType<SimulatedDisk['image']>): boolean {
    if (peer.leaving || !this.#peers.includes(peer) || !this.whole) return false
    peer.crash()
    peer.disk.restore(image)
    peer.spared = true
    peer.start()
    return true
  }

  /** One entry of a peer's disk is damaged, and it starts again. False: another damage is not made up for yet. */
  damage(peer: SimulatedPeer, random: Random): boolean {
    if (peer.leaving || !this.whole) return false
    peer.crash()
    const damaged = peer.flipBit(random)
    peer.start()
    return damaged
  }

  /**
   * A majority of the members whose loss loses nothing that was agreed: each unit has a voter among the others that holds
   * all of it and hands it over as it is, and nothing is under way. Empty: there is none now.
   */
  expendable(): readonly SimulatedPeer[] {
    if (!this.whole || this.#peers.some(({ running }) => !running)) return []
    const victims = this.#peers.slice(0, Math.floor(this.#peers.length / 2) + 1)
    const left = this.#peers.filter((peer) => !victims.includes(peer))
    const settled = victims.every(({ peer }) =>
      [...(peer?.host.units.entries() ?? [])].every(([unit, { waiting, state }]) => {
        const own = peer?.node.unit(unit)
        return (
          waiting.size === 0 &&
          state === 'running' &&
          own?.sealed === false &&
          // What may have been certified in an earlier term only they can say.
          own.term.open.every((cut) => !isBehind(own.frontier, cut)) &&
          left.some(({ id, peer: other, quirks }) => {
            const its = other?.node.unit(unit)
            const same = its?.frontier?.digest === own.frontier?.digest && its?.term.number === own.term.number
            return same && its?.term.members.includes(id) === true && !quirks.givesWrong
          })
        )
      }),
    )
    const [first] = this.#peers
    const documents = new Set(this.#peers.map(({ peer }) => peer?.node.document?.number))
    return settled && documents.size === 1 && first !== undefined ? victims : []
  }

  /** A peer's machine is gone, and comes back as an empty one under its name when it is started. */
  burn(peer: SimulatedPeer): void {
    peer.crash()
    peer.wipe()
  }

  /** Every unit's voters are identities that there are, and all of them have caught up. */
  get whole(): boolean {
    const ids = new Set(this.#peers.map(({ id }) => id))
    const everyone = this.#peers.every(({ peer }) => peer !== undefined && peer.node.document !== undefined)
    const documents = this.#peers.map(({ peer }) => peer?.node.document)
    const members = documents.flatMap((document) => document?.view.members ?? [])
    if (!everyone || members.some((member) => !ids.has(member)) || members.length < this.#peers.length ** 2)
      return false
    return this.#peers.every(({ peer, id }) => {
      const units = [...(peer?.host.units.keys() ?? [])].map((unit) => peer?.node.unit(unit))
      return units.every((unit) => {
        const voters = unit?.term.members ?? []
        const standings = voters.map((voter) => (voter === id ? unit?.standing : unit?.following.standingOf(voter)))
        return voters.every((voter) => ids.has(voter)) && standings.every((standing) => standing?.caughtUp === true)
      })
    })
  }

  #make(): SimulatedPeer {
    const peer = new SimulatedPeer(this.#world, this.#indexes)
    this.#indexes += 1
    this.#peers.push(peer)
    this.#all.push(peer)
    return peer
  }
}
