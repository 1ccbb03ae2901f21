/**
 * Whether the peer of this container answers. It asks for life and not for readiness: a peer that waits for others, or for the
 * log, is well, and starting it again would not help.
 */
import { env, exit } from 'node:process'

const ANSWER_WITHIN_MS = 4_000

const [, port = '7401'] = /:(\d+)$/.exec(env.QUORATE_HTTP ?? '') ?? []
const url = `http://127.0.0.1:${port}/livez`
try {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
  if (status !== 200) throw new Error(`it answered ${status}`)
} catch (error) {
  console.error(`${url}: ${error instanceof Error ? error.message : String(error)}`)
  exit(1)
}
