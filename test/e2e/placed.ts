/** Whether a cluster has come to rest after peers came or went. */
import type { PeerProcess } from './peers.ts'

/** As one peer sees it: so many members, and every unit's term has the replicas that the ring wants, all of them alive. */
export async function isPlaced(peer: PeerProcess, members: number): Promise<boolean> {
  const client = peer.client()
  const [ring, { units }] = await Promise.all([client.ring(), client.status(undefined)])
  if (ring.members.length !== members) return false
  return ring.units.every(({ unit, replicas }) => {
    const actual = units.find((status) => status.unit === unit)?.replicas ?? []
    return actual.length === replicas.length && actual.every((each) => each.alive && replicas.includes(each.peer))
  })
}
