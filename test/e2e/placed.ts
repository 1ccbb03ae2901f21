/** Whether a cluster has come to rest after peers came or went. */
import { createRing, preferenceList } from '../../mesh/index.ts'
import type { PeerProcess } from './peers.ts'

/**
 * As one peer sees it: so many members, and each unit's term has just the replicas that the consistent-hash ring over these
 * members gives it, all of them alive.
 */
export async function isPlaced(peer: PeerProcess, members: number): Promise<boolean> {
  const client = peer.client()
  const [view, { units }, jobs] = await Promise.all([client.ring(), client.status(undefined), client.jobs()])
  if (view.members.length !== members || units.length === 0) return false
  const ring = createRing({ number: view.view, members: view.members })
  return view.units.every(({ unit, job }) => {
    const wanted = jobs.find(({ name }) => name === job)?.quorum.replicas ?? 0
    const target = preferenceList(ring, unit as Parameters<typeof preferenceList>[1], wanted)
    const actual = units.find((status) => status.unit === unit)?.replicas ?? []
    return actual.length === target.length && actual.every((each) => each.alive && target.includes(each.peer))
  })
}
