/**
 * Schemas from a schema registry (Confluent's API, which others speak too). A document names a subject; whoever sends it looks
 * the versions up once and puts them into the text with their ids, so that what a job reads never depends on who asks when.
 */
import { z } from 'zod'
import { QuorateError } from '../errors.ts'
import type { JobFormat } from './document.ts'
import { JOB_LIMITS } from './limits.ts'
import { formatPaths } from './schema-files.ts'
import { placeOf, readTree, unmarked } from './text/read.ts'
import type { Node, ScalarNode } from './text/tree.ts'

const REQUEST_TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 1024 * 1024

export interface RegisteredSchema {
  readonly id: number
  readonly schema: string
}

type Kind = 'avro' | 'protobuf'

interface SubjectReference {
  readonly kind: Kind
  /** Offset of the name `subject`. */
  readonly key: number
  readonly node: ScalarNode
  readonly subject: string
}

/** The last in the text first, so that those before stay where they are while it is replaced. */
function subjectsIn(root: Node): readonly SubjectReference[] {
  const found = formatPaths(root).flatMap((path) =>
    (['avro', 'protobuf'] as const).flatMap((kind): readonly SubjectReference[] => {
      const { node, found } = placeOf(root, [...path, kind])
      const entry = found && node.kind === 'map' ? node.entries.get('subject') : undefined
      if (entry?.value.kind !== 'scalar' || typeof entry.value.value !== 'string') return []
      return [{ kind, key: entry.key, node: entry.value, subject: entry.value.value }]
    }),
  )
  return found.toSorted((a, b) => b.key - a.key)
}

/**
 * The text with the versions of its subjects in their place; as it is when it names none.
 * @throws QuorateError QRT_UNREACHABLE, QRT_JOB_INVALID
 */
export async function withSubject(given: string, format: JobFormat, registry: string): Promise<string> {
  const text = unmarked(given)
  const { root } = readTree(text, format)
  let changed = text
  for (const reference of root === undefined ? [] : subjectsIn(root)) {
    const versions = await versionsOf(registry, reference.subject, reference.kind)
    changed = withVersions(changed, format, reference, versions)
  }
  return changed
}

function withVersions(
  text: string,
  format: JobFormat,
  { key, node }: SubjectReference,
  versions: readonly RegisteredSchema[],
): string {
  const toml = format === 'toml'
  const items = versions.map(({ id, schema }) =>
    toml ? `{ id = ${id}, schema = ${JSON.stringify(schema)} }` : JSON.stringify({ id, schema }),
  )
  const name = toml ? 'registry = ' : '"registry": '
  return `${text.slice(0, key)}${name}[${items.join(', ')}]${text.slice(node.end)}`
}

/** All versions of a subject, oldest first, each schema once. */
export async function versionsOf(registry: string, subject: string, kind: Kind): Promise<readonly RegisteredSchema[]> {
  const path = `subjects/${encodeURIComponent(subject)}/versions`
  const numbers = await ask(registry, path, z.array(z.int().min(1)))
  if (numbers.length > JOB_LIMITS.schemas) {
    throw invalid(`the subject "${subject}" has ${numbers.length} versions; expected at most ${JOB_LIMITS.schemas}`)
  }
  const found = new Map<number, RegisteredSchema>()
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const { id, schema, schemaType, references } = await ask(registry, `${path}/${number}`, VERSION)
    if (schemaType.toLowerCase() !== kind) {
      throw invalid(`version ${number} of "${subject}" is ${schemaType}; the document says ${kind}`)
    }
    if (references.length > 0) {
      throw invalid(`version ${number} of "${subject}" refers to other subjects, which are not read`)
    }
    found.set(id, { id, schema })
  }
  return [...found.values()]
}

const VERSION = z.object({
  id: z.int().min(0),
  schema: z.string(),
  // Left out by registries for Avro.
  schemaType: z.string().default('AVRO'),
  references: z.array(z.unknown()).default([]),
})

async function ask<Schema extends z.ZodType>(
  registry: string,
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const { url, headers } = addressOf(registry, path)
  let status: number
  let text: string
  try {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS), redirect: 'error' })
    status = answer.status
    text = await boundedText(answer)
  } catch (cause) {
    if (cause instanceof QuorateError) throw cause
    const why = cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : String(cause)
    throw new QuorateError('QRT_UNREACHABLE', `the schema registry ${url.host} does not answer: ${why}`, { cause })
  }
  if (status === 404) throw invalid(`the schema registry ${url.host} has no ${path}`)
  if (status !== 200) {
    throw new QuorateError('QRT_UNREACHABLE', `the schema registry ${url.host} answered ${status} to ${path}`)
  }
  const parsed = schema.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  throw new QuorateError('QRT_UNREACHABLE', `${url.host} does not speak the API of a schema registry, at ${path}`)
}

/** Credentials of the address go into a header, where fetch wants them, and appear nowhere else. */
function addressOf(registry: string, path: string): { readonly url: URL; readonly headers: Record<string, string> } {
  const base = URL.canParse(registry) ? new URL(registry) : undefined
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    throw new QuorateError('QRT_USAGE', '--registry: expected an address such as http://127.0.0.1:8081')
  }
  const { username, password } = base
  base.username = ''
  base.password = ''
  const url = new URL(path, base.href.endsWith('/') ? base.href : `${base.href}/`)
  const accept = { accept: 'application/vnd.schemaregistry.v1+json, application/json' }
  if (username === '') return { url, headers: accept }
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { url, headers: { ...accept, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } }
}

async function boundedText(answer: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of answer.body ?? []) {
    bytes += piece.length
    if (bytes > MAX_ANSWER_BYTES)
      throw invalid(`an answer of the schema registry is larger than ${MAX_ANSWER_BYTES} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const invalid = (message: string): QuorateError => new QuorateError('QRT_JOB_INVALID', message)
