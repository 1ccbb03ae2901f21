/**
 * A peer across its identities. One whose disk has forgotten what it signed (an old copy was restored, a page cannot be read)
 * is retired by the protocol: it must not sign again, and nothing else is wrong with the machine. Its process goes on as a new
 * peer under the same name, which takes the old one's place. One that was replaced or removed for good ends.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Retirement } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import { setAside } from './set-aside.ts'
import type { PeerSettings, RunningPeer } from './start.ts'

/** A part that hangs must not keep a peer from coming back. */
const CLOSE_WITHIN_MS = 10_000
/** A machine that loses one identity after the other needs somebody to look at its disk. */
const MOST_RETIREMENTS = 5

export class Lives {
  #settings: PeerSettings
  #retirements = 0

  constructor(settings: PeerSettings) {
    this.#settings = settings
  }

  /** What the next one is started with. */
  get settings(): PeerSettings {
    return this.#settings
  }

  /**
   * Closes a retired peer and makes room for its successor.
   * @throws QuorateError QRT_PEER_RETIRED when there must be none
   */
  async succeed(running: RunningPeer, { reason, again, addresses }: Retirement): Promise<void> {
    const { id, name, logger } = running
    const late = delay(CLOSE_WITHIN_MS, false, { ref: false })
    const closed = await Promise.race([running.close().then(() => true), late])
    // Whatever still writes does so to the files that are set aside.
    if (!closed)
      logger.warn('a part of the retired peer has not ended; the peer goes on without waiting for it', { id })
    const { dataDirectory } = this.#settings
    if (!again) {
      throw new QuorateError(
        'QRT_PEER_RETIRED',
        `peer ${name} (${id}) does not come back under this identity: ${reason}. To join as another peer, move ${dataDirectory} away and start it again`,
      )
    }
    this.#retirements += 1
    if (this.#retirements > MOST_RETIREMENTS) {
      throw new QuorateError(
        'QRT_PEER_RETIRED',
        `peer ${name} has lost ${this.#retirements} identities since it was started, the last one because ${reason}: check the disk that holds ${dataDirectory}`,
      )
    }
    const folder = setAside(dataDirectory, id)
    logger.warn('this identity is retired, and the peer goes on as a new one', { id, name, reason, folder })
    const { seeds, listen, http, advertise } = this.#settings
    this.#settings = {
      ...this.#settings,
      name,
      seeds: [...new Set([...seeds, ...addresses])],
      // There is a cluster: a second one must not begin.
      bootstrapExpect: undefined,
      restore: undefined,
      listen: listen.port !== 0 || advertise !== undefined ? listen : { ...listen, port: portOf(running.address) },
      http: { ...http, port: portOf(running.httpAddress) },
    }
  }
}

const portOf = (address: string): number => Number(new URL(address).port)
