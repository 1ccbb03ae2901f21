/**
 * Asks the peer that served the page: documents, and its events over a stream that is taken up again where it stopped. Paths
 * are relative, so that a proxy may put the page anywhere.
 */
const TOKEN = 'quorate-token'
const RETRY_MS = [500, 1000, 2000, 5000]
/** A peer that does not answer in this time counts as gone. */
const ANSWER_MS = 5000
/** It sends a sign of life every 15 seconds. */
const SILENCE_MS = 40_000

export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? '',
  /** @param {string} value */
  set: (value) => sessionStorage.setItem(TOKEN, value.trim()),
}

/** The peer's own answer that something went wrong: a problem document. */
export class PeerError extends Error {
  /** @param {number} status @param {{code?: string, detail?: string, errors?: readonly object[]}} problem */
  constructor(status, problem) {
    super(problem.detail ?? `it answered with status ${status}`)
    this.status = status
    this.code = problem.code ?? 'QRT_INTERNAL'
    this.errors = problem.errors ?? []
  }
}

function authorization() {
  const held = token.get()
  return held === '' ? {} : { authorization: `Bearer ${held}` }
}

async function failure(response) {
  return new PeerError(response.status, await response.json().catch(() => ({})))
}

/** @param {string} path @param {RequestInit} init */
async function request(path, init = {}) {
  const headers = { ...authorization(), ...init.headers }
  const response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_MS), ...init, headers })
  if (!response.ok) throw await failure(response)
  return response
}

/** @param {string} path @param {Record<string, string | undefined>} query */
export async function ask(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const search = new URLSearchParams(given).toString()
  return (await request(search === '' ? path : `${path}?${search}`)).json()
}

/** @param {string} text @param {string} format */
export async function submitJob(text, format) {
  const headers = { 'content-type': `application/${format}` }
  return (await request('v1/jobs', { method: 'POST', body: text, headers })).json()
}

/** @param {string} name @param {'pause' | 'resume'} change */
export const changeJob = (name, change) => request(`v1/jobs/${encodeURIComponent(name)}/${change}`, { method: 'POST' })

/** @param {string} name */
export const deleteJob = (name) => request(`v1/jobs/${encodeURIComponent(name)}`, { method: 'DELETE' })

/**
 * Follows the peer's events for as long as the page lives, beginning with those it still has. EventSource cannot send a
 * token, so the stream is read by hand.
 * @param {{event: (event: any) => void, gap: (reason: string) => void, state: (live: boolean) => void}} on
 */
export async function follow(on) {
  let last = 'start'
  for (let failures = 0; ; failures++) {
    const silence = new AbortController()
    try {
      const headers = { 'last-event-id': last }
      const response = await request('v1/events', { headers, signal: silence.signal })
      on.state(true)
      failures = 0
      for await (const { id, kind, data } of frames(response.body, silence)) {
        if (kind === 'gap') on.gap(data.reason)
        else {
          last = id
          on.event(data)
        }
      }
    } catch {
      // Why it ended is told by the documents, which are asked for all the time.
    }
    on.state(false)
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]))
  }
}

/** @param {ReadableStream<Uint8Array>} body @param {AbortController} silence ends a stream that says nothing any more */
async function* frames(body, silence) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const timer = setTimeout(() => silence.abort(), SILENCE_MS)
    const { done, value } = await reader.read().finally(() => clearTimeout(timer))
    if (done) return
    text += value
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      )
      if (fields.data !== undefined) yield { id: fields.id, kind: fields.event, data: JSON.parse(fields.data) }
    }
  }
}
