/** Reads server-sent events (the WHATWG grammar, as far as a peer uses it) from a response body. */
import { QuorateError } from '../errors.ts'
import type { LiveEvent } from '../http/api.ts'
import type { StreamedEvent } from './client.ts'

/** Characters of an event; a longer one did not come from a peer. */
const FRAME_BOUND = 1024 * 1024

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamedEvent> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = parseFrame(text.slice(0, end))
      text = text.slice(end + 2)
      if (event !== undefined) yield event
    }
    if (text.length > FRAME_BOUND) throw new QuorateError('QRT_UNREACHABLE', 'an event without end: check --url')
  }
}

/** Undefined for comments and for what has no data. */
function parseFrame(frame: string): StreamedEvent | undefined {
  const fields = new Map<string, string>()
  for (const line of frame.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''))
  }
  const data = fields.get('data')
  if (data === undefined) return undefined
  if (fields.get('event') === 'gap') return { kind: 'gap', gap: JSON.parse(data) }
  return { kind: 'event', id: fields.get('id') ?? '', event: JSON.parse(data) as LiveEvent }
}
