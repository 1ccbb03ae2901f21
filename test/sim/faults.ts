/** What goes wrong, and when: each seed has its own mix, so that rare combinations come up and calm runs do too. */
import type { PeerId } from '../../mesh/ids.ts'
import type { Random } from '../../mesh/random.ts'
import type { SimulatedCheckpoints } from './checkpoints.ts'
import type { Cluster } from './cluster.ts'
import type { Disaster } from './disaster.ts'
import type { SimulatedLog } from './log.ts'
import type { NetworkFaults, SimulatedNetwork } from './network.ts'
import type { Operator } from './operator.ts'
import type { SimulatedPeer } from './peer.ts'
import type { Producers } from './producers.ts'
import type { SimulatedStores } from './stores.ts'

export const FAULTS = [
  'loss',
  'delay',
  'duplication',
  'reordering',
  'partition',
  'oneWay',
  'cutShort',
  'broken',
  'crash',
  'workerCrash',
  'stop',
  'diskFailure',
  'logOutage',
  'lostAnswers',
  'aborts',
  'silence',
  'join',
  'leave',
  'wipe',
  'bitFlip',
  'oldDisk',
  'wrongOnce',
  'wrongAlways',
  'wrongOften',
  'badGiver',
  'upgrade',
  'clock',
  'poison',
  'pauseJob',
  'retention',
  'majorityLost',
  'upgradeJob',
  'storeOutage',
  'storeTimeouts',
  'storeBusy',
  'recordsLost',
  'clusterLost',
  'growth',
] as const
export type Fault = (typeof FAULTS)[number]

export const isFault = (name: string): name is Fault => (FAULTS as readonly string[]).includes(name)

export interface FaultParts {
  readonly random: Random
  readonly network: SimulatedNetwork
  readonly log: SimulatedLog
  readonly stores: SimulatedStores
  /** Undefined: this run's peers keep none. */
  readonly checkpoints: SimulatedCheckpoints | undefined
  readonly cluster: Cluster
  readonly producers: Producers
  readonly operator: Operator
  readonly disaster: Disaster
  /** This run's peers keep checkpoints, and all of them are lost at once. */
  readonly losesCluster: boolean
  readonly sourcePartitions: number
  /** These instead of those that the seed chooses. */
  readonly only: readonly Fault[] | undefined
}

const MEAN_PAUSE_MS = 6_000
/** About as long as it takes until a proposal was accepted and chosen. */
const CUT_WITHIN_MS = 15
const HOUR_MS = 3_600_000

export class Faults {
  readonly #parts: FaultParts
  readonly #chosen: readonly Fault[]
  #active = true
  readonly counts: Record<Fault, number> = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<
    Fault,
    number
  >

  constructor(parts: FaultParts) {
    const { random } = parts
    this.#parts = parts
    const drawn = FAULTS.filter((fault) => fault !== 'clusterLost' && random.next() < 0.35)
    const chosen: readonly Fault[] = parts.losesCluster ? [...drawn, 'clusterLost'] : drawn
    const apart = apartFrom(chosen)
    this.#chosen = parts.only ?? chosen.filter((fault) => !apart.includes(fault))
  }

  get chosen(): readonly Fault[] {
    return this.#chosen
  }

  start(): void {
    this.#constant()
    this.#schedule()
  }

  /** Now and then a proposer is cut off right then, when some have accepted and few have heard. */
  proposed(by: PeerId): void {
    const { network, random, cluster } = this.#parts
    if (!this.#active || !this.#chosen.includes('cutShort') || random.below(40) !== 0) return
    this.counts.cutShort += 1
    const others = cluster.peers.map(({ id }) => id).filter((id) => id !== by)
    network.clock.after(CUT_WITHIN_MS * random.next(), () => network.partition([by], others))
    network.clock.after(2_000 + random.below(4_000), () => network.heal())
  }

  /** Ends them all: everything that was cut is joined, and everybody runs. */
  heal(): void {
    const { network, log, stores, checkpoints, cluster, operator } = this.#parts
    this.#active = false
    network.heal()
    network.faults = { delayMs: [0.2, 2], loss: 0, duplication: 0, reordering: 0 }
    log.outage = false
    stores.calm()
    checkpoints?.calm()
    log.faults = { delayMs: [0.5, 3], lostAnswers: 0, aborts: 0 }
    const upgraded = cluster.peers.some(({ quirks }) => quirks.versions.includes(2))
    for (const peer of cluster.peers) {
      peer.quirks.wrong = 'never'
      peer.quirks.givesWrong = false
      // A rolling upgrade ends: who has the old release cannot compute what was decided since.
      if (upgraded && !peer.quirks.versions.includes(2)) this.#upgrade(peer)
      if (!peer.running) peer.start()
    }
    operator.heal()
  }

  /** Those that hold all the time. */
  #constant(): void {
    const { network, log, stores, random } = this.#parts
    const share = (fault: Fault, most: number) => {
      if (!this.#chosen.includes(fault)) return 0
      this.counts[fault] += 1
      return most * random.next()
    }
    const faults: NetworkFaults = {
      delayMs: [0.2, 1 + share('delay', 200)],
      loss: share('loss', 0.3),
      duplication: share('duplication', 0.2),
      reordering: share('reordering', 0.5),
    }
    network.faults = faults
    log.faults = { delayMs: [0.5, 5], lostAnswers: share('lostAnswers', 0.2), aborts: share('aborts', 0.2) }
    stores.faults = { delayMs: [0.5, 10], lostAnswers: share('storeTimeouts', 0.2), busy: share('storeBusy', 0.2) }
  }

  #schedule(): void {
    const { network, random } = this.#parts
    network.clock.after(MEAN_PAUSE_MS * (0.2 + 1.6 * random.next()), () => {
      if (!this.#active) return
      const momentary = this.#chosen.filter((fault) => !CONSTANT.has(fault))
      const fault = momentary[random.below(Math.max(1, momentary.length))]
      if (fault !== undefined) this.#inflict(fault)
      this.#schedule()
    })
  }

  #inflict(fault: Fault): void {
    const { network, log, stores, checkpoints, random, cluster, producers, operator, disaster, sourcePartitions } =
      this.#parts
    const { peers, running } = cluster
    const victim = running[random.below(Math.max(1, running.length))]
    const lastsMs = 500 + random.below(15_000)
    if (victim === undefined) return
    this.counts[fault] += 1
    const count = (happened: boolean) => {
      if (!happened) this.counts[fault] -= 1
    }
    switch (fault) {
      case 'partition':
      case 'oneWay': {
        const side = peers.filter(() => random.next() < 0.5).map(({ id }) => id)
        const other = peers.map(({ id }) => id).filter((id) => !side.includes(id))
        network.partition(side, other, fault === 'oneWay')
        network.clock.after(lastsMs, () => network.heal())
        return
      }
      case 'broken': {
        const other = running[random.below(running.length)]
        if (other?.transport !== undefined && victim.transport !== undefined && other !== victim) {
          network.breakConnection(victim.transport, other.transport)
        }
        return
      }
      case 'crash':
        this.#crash(victim, lastsMs)
        return
      case 'diskFailure':
        // It stops by itself when it next writes.
        victim.disk.failWrites()
        return
      case 'workerCrash':
        victim.crashWorker()
        return
      case 'stop':
        victim.stop(lastsMs)
        return
      case 'logOutage':
        log.outage = true
        network.clock.after(lastsMs, () => {
          log.outage = false
        })
        return
      case 'storeOutage': {
        const outages = [
          (down: boolean) => stores.outage('s3', down),
          (down: boolean) => stores.outage('mongodb', down),
          ...(checkpoints === undefined ? [] : [(down: boolean) => checkpoints.outage(down)]),
        ]
        const outage = outages[random.below(outages.length)]
        outage?.(true)
        network.clock.after(lastsMs, () => outage?.(false))
        return
      }
      case 'silence':
        producers.silence(random.below(sourcePartitions), lastsMs * 2)
        return
      case 'join':
        count(cluster.join())
        return
      case 'leave':
        count(cluster.leave(victim))
        return
      case 'wipe':
        if (cluster.wipe(victim)) network.clock.after(lastsMs, () => victim.start())
        else count(false)
        return
      case 'bitFlip':
        count(cluster.damage(victim, random))
        return
      case 'oldDisk': {
        const image = victim.disk.image()
        const { id } = victim
        network.clock.after(lastsMs * 2, () => {
          // Only while somebody is there who has seen what it signed since.
          network.heal()
          count(victim.id === id && cluster.restore(victim, image))
        })
        return
      }
      case 'wrongOnce':
        victim.spoil('once')
        return
      case 'badGiver': {
        // While all of them were bad, or the only one that has a unit, nobody could take anything over.
        const may = cluster.whole && !peers.some(({ quirks }) => quirks.givesWrong)
        if (may) victim.quirks.givesWrong = true
        count(may)
        return
      }
      case 'wrongAlways':
      case 'wrongOften': {
        // One machine of a cluster is bad, not most of them.
        const bad = peers.some(({ quirks }) => quirks.wrong === 'always' || quirks.wrong === 'everyOther')
        if (!bad) victim.spoil(fault === 'wrongAlways' ? 'always' : 'everyOther')
        count(!bad)
        return
      }
      case 'upgrade':
        count(!victim.quirks.versions.includes(2))
        this.#upgrade(victim)
        return
      case 'clock':
        victim.wrongByMs = (random.next() - 0.5) * 2 * HOUR_MS
        return
      case 'poison':
        producers.poison(random.below(sourcePartitions))
        return
      case 'growth':
        count(producers.grow())
        return
      case 'pauseJob':
        operator.pause(victim)
        network.clock.after(lastsMs, () => operator.resume())
        return
      case 'upgradeJob':
        operator.upgradeJob(victim)
        return
      case 'majorityLost':
        count(operator.loseMajority())
        return
      case 'recordsLost':
        count(operator.loseUnreadRecords(random.below(sourcePartitions), lastsMs))
        return
      case 'clusterLost':
        count(disaster.strike())
        return
      case 'retention':
        count(operator.loseOldRecords(random.below(sourcePartitions)))
        return
      default:
    }
  }

  #upgrade(victim: SimulatedPeer): void {
    victim.quirks.versions = [1, 2]
    victim.crash()
    victim.start()
  }

  #crash(victim: SimulatedPeer, lastsMs: number): void {
    victim.crash()
    this.#parts.network.clock.after(lastsMs, () => victim.start())
  }
}

/** What is lost in the log, or damaged on the one disk that is left, cannot come back from anywhere beside these. */
function apartFrom(chosen: readonly Fault[]): readonly Fault[] {
  if (chosen.includes('clusterLost')) return ['majorityLost', 'recordsLost', 'retention']
  return chosen.includes('majorityLost') ? ['bitFlip', 'recordsLost'] : []
}

/** Those that hold all the time, or in another way than by being inflicted; the others are inflicted now and then. */
const CONSTANT: ReadonlySet<Fault> = new Set([
  'loss',
  'delay',
  'duplication',
  'reordering',
  'cutShort',
  'lostAnswers',
  'aborts',
  'storeTimeouts',
  'storeBusy',
])
