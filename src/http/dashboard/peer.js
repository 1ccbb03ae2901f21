/**
 * Asks the peer that served the page: documents, and its events over a stream that is taken up again where it stopped.
 */
const TOKEN = 'quorate-token'
const RETRY_MS = [500, 1000, 2000, 5000]

export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? '',
  /** @param {string} value */
  set: (value) => sessionStorage.setItem(TOKEN, value.trim()),
}

export class PeerError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message)
    this.status = status
    this.code = code
  }
}

function headers() {
  const held = token.get()
  return held === '' ? {} : { authorization: `Bearer ${held}` }
}

/** @param {Response} response */
async function failure(response) {
  const problem = await response.json().catch(() => ({}))
  return new PeerError(response.status, problem.code ?? 'QRT_INTERNAL', problem.detail ?? response.statusText)
}

/** @param {string} path @param {Record<string, string | undefined>} query */
export async function ask(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const search = new URLSearchParams(given).toString()
  const response = await fetch(search === '' ? path : `${path}?${search}`, { headers: headers() })
  if (!response.ok) throw await failure(response)
  return response.json()
}

/**
 * Follows the peer's events for as long as the page lives. EventSource cannot send a token, so the stream is read by hand.
 * @param {{event: (event: any) => void, gap: (reason: string) => void, state: (state: string, error?: Error) => void}} on
 */
export async function follow(on) {
  let last
  for (let failures = 0; ; failures++) {
    try {
      const resume = last === undefined ? {} : { 'last-event-id': last }
      const response = await fetch('/v1/events', { headers: { ...headers(), ...resume } })
      if (!response.ok) throw await failure(response)
      on.state('live')
      failures = 0
      for await (const { id, kind, data } of frames(response.body)) {
        if (kind === 'gap') on.gap(data.reason)
        else {
          last = id
          on.event(data)
        }
      }
      on.state('lost')
    } catch (error) {
      on.state('lost', error)
    }
    const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

/** @param {ReadableStream<Uint8Array>} body */
async function* frames(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
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
