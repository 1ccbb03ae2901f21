/**
 * The consistent-hash ring over one view's members, on hashring (ketama). What it adds is that every peer gets the same
 * ring from the same view, whatever order the members are listed in:
 *
 * - members are sorted first, because hashring breaks ties of equal points by insertion order;
 * - every member has an explicit number of virtual nodes that is not hashring's default of 40, because the computed
 *   share loses nodes to rounding at some cluster sizes (7, 14, 28 …);
 * - servers are named by peer id, which is hex: hashring parses a name with a colon as host and port.
 *
 * A ring is a pure value of its members: the latest few are kept, since every job and every unit asks for that of its view.
 */
import HashRing from 'hashring'
import type { PeerId } from '../ids.ts'
import type { View } from './view.ts'

/**
 * Points per member = VIRTUAL_NODES × POINTS_PER_NODE = 256. A member's share of the ring then differs from the fair one
 * by about 1/√256 = 6 % (one standard deviation).
 */
const VIRTUAL_NODES = 64
const POINTS_PER_NODE = 4

export interface Ring {
  readonly view: View
  /** At most `count` distinct members, clockwise from the key's point. */
  clockwise(key: string, count: number): PeerId[]
}

/** Rings of this many lists of members; the one that was made first goes. */
const MOST_KEPT = 8
const kept = new Map<string, HashRing>()

export function createRing(view: View): Ring {
  const members = [...new Set(view.members)].sort()
  const ring = ringOf(members)
  return {
    view,
    clockwise(key, count) {
      const wanted = Math.min(count, members.length)
      // hashring takes 0 for "all".
      return wanted < 1 ? [] : (ring.range(key, wanted, true) as PeerId[])
    },
  }
}

function ringOf(members: readonly PeerId[]): HashRing {
  const name = members.join()
  const known = kept.get(name)
  if (known !== undefined) return known
  const servers = Object.fromEntries(members.map((member) => [member, { vnodes: VIRTUAL_NODES, weight: 1 }]))
  const ring = new HashRing(servers, 'sha256', { replicas: POINTS_PER_NODE })
  const [first] = kept.keys()
  if (kept.size >= MOST_KEPT && first !== undefined) kept.delete(first)
  kept.set(name, ring)
  return ring
}
