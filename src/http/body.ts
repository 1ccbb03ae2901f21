/** Reads a posted document, refusing one over the bound without keeping more than the bound of it. */
import { QuorateError } from '../errors.ts'
import type { DocumentFormat, JobDocument } from './routes.ts'

const FORMATS: Readonly<Record<string, DocumentFormat>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/x-yaml': 'yaml',
  'text/yaml': 'yaml',
  'text/x-yaml': 'yaml',
  'application/toml': 'toml',
}

/**
 * @throws QuorateError QRT_BODY_TOO_LARGE above `bound` bytes, QRT_REQUEST_INVALID for an empty body or one that is not
 * UTF-8
 */
export async function readDocument(request: Request, bound: number): Promise<JobDocument> {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
  const bytes = await readBounded(request, bound)
  if (bytes.length === 0) throw new QuorateError('QRT_REQUEST_INVALID', 'the body is empty; expected a job document')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new QuorateError('QRT_REQUEST_INVALID', 'the body is not UTF-8', { cause })
  }
  return { text, format: FORMATS[type.trim().toLowerCase()] }
}

async function readBounded(request: Request, bound: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > bound) throw tooLarge(bound)
  const chunks: Uint8Array[] = []
  let length = 0
  if (request.body !== null) {
    for await (const chunk of request.body as ReadableStream<Uint8Array>) {
      length += chunk.length
      // Leaving the loop cancels the stream: the rest is never buffered.
      if (length > bound) throw tooLarge(bound)
      chunks.push(chunk)
    }
  }
  return Buffer.concat(chunks)
}

const tooLarge = (bound: number): QuorateError =>
  new QuorateError('QRT_BODY_TOO_LARGE', `the document is larger than ${bound} bytes, the most that a job may have`)
