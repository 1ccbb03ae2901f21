/**
 * Kills, freezes and stops the peers of a Compose project, one at a time, and looks after each time whether the others go on
 * and all of them come back: ready, and no unit of any job stalled or halted. Ends with 1 and the reason when they do not.
 *
 * From the environment: CHAOS_PEERS `ada,bo=http://127.0.0.1:7402,…`, CHAOS_PROJECT, CHAOS_ROUNDS, CHAOS_SEED,
 * CHAOS_TOKEN_FILE, CHAOS_ENGINE (the engine's socket), CHAOS_FAULT_MS (how long a fault lasts at most), CHAOS_WELL_MS (how long
 * after one all may take to be well).
 */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { env, exit } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

const LOOK_EVERY_MS = 250
const ANSWER_WITHIN_MS = 60_000
/** What docker stop gives a container before it kills it. */
const STOP_SECONDS = 30

interface PeerAddress {
  readonly name: string
  readonly url: string
}

interface UnitStatus {
  readonly unit: string
  readonly state: string
  readonly reasons: readonly string[]
}

/** A fault begins, and ends by what brings the peer back. */
interface Fault {
  readonly name: string
  readonly begin: readonly string[]
  readonly end: readonly string[]
}

const FAULTS: readonly Fault[] = [
  { name: 'killed', begin: ['kill?signal=SIGKILL'], end: ['start'] },
  { name: 'frozen', begin: ['pause'], end: ['unpause'] },
  { name: 'stopped', begin: [`stop?t=${STOP_SECONDS}`], end: ['start'] },
]

const peers = (env.CHAOS_PEERS ?? 'ada,bo,cy').split(',').map((entry): PeerAddress => {
  const [name = '', url = `http://${name}:7401`] = entry.split('=')
  return { name, url }
})
const project = env.CHAOS_PROJECT ?? 'quorate'
const engine = env.CHAOS_ENGINE ?? '/var/run/docker.sock'
const rounds = Number(env.CHAOS_ROUNDS ?? 20)
const faultMs = Number(env.CHAOS_FAULT_MS ?? 15_000)
const wellMs = Number(env.CHAOS_WELL_MS ?? 120_000)
const seed = Number(env.CHAOS_SEED ?? Date.now() % 1_000_000)
const tokenFile = env.CHAOS_TOKEN_FILE
const authorization = tokenFile === undefined ? undefined : `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`

/** The engine's API: its answer, or an error with what it says. */
function engineCall(method: 'GET' | 'POST', path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: engine, method, path, timeout: ANSWER_WITHIN_MS }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => {
        const { statusCode = 0 } = response
        // 304: it is so already.
        if (statusCode < 400) resolve(body)
        else reject(new Error(`the engine answers ${statusCode} to ${method} ${path}: ${body.trim()}`))
      })
    })
    call.on('timeout', () => call.destroy(new Error(`the engine does not answer ${method} ${path}`)))
    call.on('error', reject)
    call.end()
  })
}

async function containerOf(peer: string): Promise<string> {
  const label = [`com.docker.compose.project=${project}`, `com.docker.compose.service=${peer}`]
  const filters = encodeURIComponent(JSON.stringify({ label }))
  const found = JSON.parse(await engineCall('GET', `/containers/json?all=true&filters=${filters}`)) as { Id: string }[]
  const [container] = found
  if (container === undefined) throw new Error(`the project ${project} has no container of service ${peer}`)
  return container.Id
}

/** What is wrong with the peers, in sentences. */
async function complaints(among: readonly PeerAddress[]): Promise<string[]> {
  const all = await Promise.all(
    among.map(async ({ name, url }) => {
      try {
        const headers = authorization === undefined ? {} : { authorization }
        const options = { headers, signal: AbortSignal.timeout(5_000) }
        const ready = await fetch(`${url}/readyz`, options)
        if (!ready.ok) return [`${name} is not ready: ${await ready.text()}`]
        const answer = await fetch(`${url}/v1/status`, options)
        if (!answer.ok) return [`${name} answers ${answer.status}: ${await answer.text()}`]
        const { units } = (await answer.json()) as { readonly units: readonly UnitStatus[] }
        const bad = units.filter(({ state }) => state === 'stalled' || state === 'halted' || state === 'diverged')
        return bad.map(({ unit, state, reasons }) => `${unit} is ${state} (seen by ${name}): ${reasons.join('; ')}`)
      } catch (error) {
        return [`${name} cannot be reached: ${error instanceof Error ? error.message : String(error)}`]
      }
    }),
  )
  return all.flat()
}

async function untilWell(among: readonly PeerAddress[], when: string): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const found = await complaints(among)
    const elapsedMs = Math.round(performance.now() - startedAt)
    if (found.length === 0) return elapsedMs
    if (elapsedMs > wellMs) throw new Error(`${when}, and ${elapsedMs} ms later:\n  ${found.join('\n  ')}`)
    await delay(LOOK_EVERY_MS)
  }
}

/** Mulberry32: the same seed gives the same faults. */
function randomOf(state: number): () => number {
  let at = state
  return () => {
    at = (at + 0x6d2b79f5) | 0
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

async function play(): Promise<void> {
  const random = randomOf(seed)
  await untilWell(peers, 'before the first fault')
  for (let round = 1; round <= rounds; round++) {
    const victim = peers[Math.floor(random() * peers.length)]
    const fault = FAULTS[Math.floor(random() * FAULTS.length)]
    if (victim === undefined || fault === undefined) throw new Error('CHAOS_PEERS names no peer')
    const container = await containerOf(victim.name)
    const others = peers.filter((peer) => peer !== victim)
    for (const action of fault.begin) await engineCall('POST', `/containers/${container}/${action}`)
    try {
      await delay(faultMs * (0.2 + 0.8 * random()))
      await untilWell(others, `${victim.name} was ${fault.name}`)
    } finally {
      for (const action of fault.end) await engineCall('POST', `/containers/${container}/${action}`)
    }
    const backMs = await untilWell(peers, `${victim.name} was ${fault.name} and came back`)
    console.log(`${round}/${rounds}: ${victim.name} was ${fault.name}; all well ${backMs} ms after it came back`)
  }
}

console.log(`${rounds} faults among ${peers.map(({ name }) => name).join(', ')}; seed ${seed}`)
try {
  await play()
  console.log(`${rounds} faults, and all peers are well`)
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\nthe seed was ${seed}`)
  exit(1)
}
