/**
 * The cluster as its peers tell it over their APIs: whether the asked one is ready, whether all are there and run one version,
 * whether they agree on the ring, and how far their clocks are from this machine's. Results need no clock; times in logs and in
 * records that peers' machines produce do.
 */
import { QuorateError } from '../errors.ts'
import type { MemberView, RingView, StatusView } from '../http/api.ts'
import { type Check, failed, ok, reasonOf, type Said, warning } from './check.ts'

export interface ClusterApi {
  status(job: string | undefined): Promise<StatusView>
  members(): Promise<readonly MemberView[]>
  ring(): Promise<RingView>
}

export interface ClusterOptions {
  readonly url: string
  readonly api: ClusterApi
  /** Of another peer. */
  readonly apiOf: (url: string) => ClusterApi
}

/** The header has whole seconds. */
const CLOCK_STEP_MS = 1_000
const SKEW_MS = 2_000

/** Where no peer answers there is one finding and no more: before the first one is started that is as it should be. */
export async function clusterChecks({ url, api, apiOf }: ClusterOptions): Promise<readonly Check[]> {
  const name = `peer ${url}`
  let members: readonly MemberView[]
  try {
    members = await api.members()
  } catch (error) {
    const silent = error instanceof QuorateError && error.code === 'QRT_UNREACHABLE'
    return [{ name, look: async () => (silent ? warning : failed)(reasonOf(error)) }]
  }
  return [
    { name, look: async () => readiness(await api.status(undefined)) },
    { name: 'members', look: async () => health(members) },
    { name: 'ring', look: () => agreement(members, apiOf) },
    { name: 'clocks', look: () => clocks(members) },
  ]
}

function readiness({ name, version, cluster, view, reasons, units }: StatusView): Said {
  if (reasons.length > 0) return failed(`${name} is not ready: ${reasons.join('; ')}`)
  const waiting = units.filter(({ state }) => state === 'stalled' || state === 'halted')
  const where = `${name}, version ${version}, cluster ${cluster ?? 'none yet'}, view ${view}`
  if (waiting.length === 0) return ok(`${where}: ${units.length} units, none stalled or halted`)
  return failed(`${where}: ${waiting.length} of ${units.length} units are stalled or halted; "quorate status" says why`)
}

function health(all: readonly MemberView[]): Said {
  const members = all.filter(({ member }) => member)
  const missing = members.filter(({ state }) => state !== 'alive')
  const versions = [...new Set(members.map(({ version }) => version))].sort()
  if (missing.length > 0) {
    const names = missing.map(
      ({ name, state, lastHeardMs }) => `${name} is ${state}, last heard ${Math.round(lastHeardMs / 1000)} s ago`,
    )
    return failed(`${members.length - missing.length} of ${members.length} are alive: ${names.join('; ')}`)
  }
  if (versions.length > 1) return warning(`all ${members.length} are alive, and run versions ${versions.join(', ')}`)
  return ok(`all ${members.length} are alive and run version ${versions.join()}`)
}

/** Views change one step at a time: peers that are asked in the middle of a change may be one apart for a moment. */
async function agreement(all: readonly MemberView[], apiOf: ClusterOptions['apiOf']): Promise<Said> {
  const asked = await Promise.all(
    alive(all).map(async ({ name, httpAddress }) => {
      try {
        return { name, ring: await apiOf(httpAddress).ring() }
      } catch (error) {
        return { name, error: reasonOf(error) }
      }
    }),
  )
  const unreachable = asked.flatMap(({ name, error }) => (error === undefined ? [] : [`${name}: ${error}`]))
  const rings = asked.flatMap(({ name, ring }) => (ring === undefined ? [] : [{ name, ring }]))
  const placements = new Set(
    rings.map(({ ring }) => JSON.stringify(ring.units.map(({ unit, replicas }) => [unit, replicas]))),
  )
  const views = rings.map(({ name, ring }) => `${name} has view ${ring.view}`).join(', ')
  if (new Set(rings.map(({ ring }) => ring.view)).size > 1) {
    return failed(`${views}; ask again, and where it stays so, see which peers cannot reach one another`)
  }
  if (placements.size > 1)
    return failed(`${views}, and they place units differently; "quorate ring" with each --url shows how`)
  if (unreachable.length > 0) return warning(`${views}; not asked: ${unreachable.join('; ')}`)
  return ok(`${rings.length} peers place all units alike, in view ${rings[0]?.ring.view}`)
}

async function clocks(all: readonly MemberView[]): Promise<Said> {
  const skews: { readonly name: string; readonly ms: number }[] = []
  for (const { name, httpAddress } of alive(all)) {
    const ms = await skewOf(httpAddress)
    if (ms !== undefined) skews.push({ name, ms })
  }
  const wrong = skews.filter(({ ms }) => Math.abs(ms) > SKEW_MS)
  if (wrong.length === 0) return ok(`${skews.length} peers within ${SKEW_MS / 1000} s of this machine's`)
  const names = wrong.map(
    ({ name, ms }) => `${name} is ${Math.round(Math.abs(ms) / 1000)} s ${ms > 0 ? 'ahead' : 'behind'}`,
  )
  return warning(`${names.join(', ')}: synchronise them (NTP); results do not depend on it, times in logs do`)
}

/** Undefined where the peer cannot be asked: that is said elsewhere. */
async function skewOf(httpAddress: string): Promise<number | undefined> {
  try {
    const from = Date.now()
    const response = await fetch(`${httpAddress}/livez`, { redirect: 'error' })
    await response.body?.cancel()
    const here = (from + Date.now()) / 2
    const there = Date.parse(response.headers.get('date') ?? '')
    return Number.isNaN(there) ? undefined : there + CLOCK_STEP_MS / 2 - here
  } catch {
    return undefined
  }
}

const alive = (all: readonly MemberView[]): readonly MemberView[] => all.filter(({ state }) => state === 'alive')
