/**
 * The shapes of the API, in zod: requests are validated by them, and the OpenAPI document is generated from them, so
 * neither can say something else than the other. Answers are described here and come from api.ts.
 */
import { z } from 'zod'
import { RESOLUTIONS } from '../replica/resolution.ts'
import { fromJson } from './json.ts'
import { HTTP_LIMITS } from './limits.ts'

const EPOCH_MS = /^-?\d{1,15}$/
const ISO_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/

/** ISO 8601 with its offset, or epoch milliseconds; becomes epoch milliseconds. */
const instant = z.string().transform((text, context) => {
  const at = EPOCH_MS.test(text) ? Number(text) : ISO_UTC.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(at)) return at
  context.addIssue('expected a time such as 2001-01-14T00:00:00Z, or epoch milliseconds')
  return z.NEVER
})

const jsonValue = z
  .string()
  .max(HTTP_LIMITS.keyLength)
  .transform((text, context) => {
    try {
      return fromJson(text)
    } catch {
      context.addIssue('expected a JSON value such as "ORD" (with the quotation marks) or 42')
      return z.NEVER
    }
  })

const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

const page = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(HTTP_LIMITS.pageRows)
    .default(HTTP_LIMITS.pageDefault)
    .describe('At most this many a page'),
  cursor: z.string().max(HTTP_LIMITS.cursorLength).optional().describe('`next` of the page before'),
}

export const noQuery = z.strictObject({})
export const pageQuery = z.strictObject(page)
export const statusQuery = z.strictObject({ job: z.string().max(200).optional().describe('Only this job') })
export const submitQuery = z.strictObject({
  format: z.enum(['yaml', 'toml', 'json']).optional().describe('Of the document; default: by content type'),
  file: z.string().max(1_024).optional().describe('Name of the file, for messages'),
})
export const windowsQuery = z.strictObject({
  key: jsonValue.optional().describe('Only this key, as a JSON value'),
  from: instant.optional().describe('Only windows that end after this time'),
  to: instant.optional().describe('Only windows that start before this time'),
  open: flag.default(false).describe('Also open windows, marked `certified: false`'),
  stale: flag
    .default(false)
    .describe('Where fewer than R replicas answer, what the newest of them has, marked `mayBeStale`'),
  ...page,
})
export const eventsQuery = z.strictObject({
  since: z
    .string()
    .max(100)
    .optional()
    .describe('Id of the last event seen, or `start` for all that the peer still has; Last-Event-ID goes before it'),
})
export const noPath = z.strictObject({})
export const jobPath = z.strictObject({ name: z.string().min(1).max(200).describe('Name of the job') })
const unitOrder = z.enum(RESOLUTIONS)
export const unitPath = jobPath.extend({
  unit: z
    .string()
    .regex(/^(\d{1,4}:)?\d{1,7}$/, 'expected STAGE:PARTITION, or a partition where the job has one stage')
    .describe('STAGE:PARTITION, or the partition alone where the job has one stage'),
})
export const resolveQuery = z.strictObject({
  order: unitOrder.describe(
    'retry: vote again on a disputed cut; accept-gap: go on without records that the log has lost; settle: go on without what only peers that are gone could say',
  ),
})
export const memberPath = z.strictObject({
  peer: z.string().min(1).max(200).describe('Its name, its id, or at least the first 8 digits of that'),
})
export const removeQuery = z.strictObject({
  ban: flag.default(false).describe('Its identity does not come back, and it stops if it is alive'),
})

export const loseQuery = z.strictObject({
  peers: z.string().min(1).max(4_000).describe('Names or ids, with commas between'),
})

const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`))
const count = z.number().int().min(0)
const time = z.iso.datetime()
const peer = hex(32).describe('Peer id')
const digest = hex(64)
const position = z.object({ seq: count, part: count })

const statementProof = z.object({
  peer,
  publicKey: hex(64).describe('Raw Ed25519 key; the peer id is its hash'),
  counter: count,
  index: count,
  leaves: count,
  path: z.array(digest),
  signature: hex(128),
})
const cutContent = position.extend({
  cluster: z.string(),
  unit: z.string(),
  last: z.boolean(),
  offset: count,
  counts: z.object({ in: count, late: count, dead: count }),
  parent: digest,
  inDigest: digest,
  outDigest: digest,
  stateDigest: digest.optional(),
})
const certificateView = z.object({
  certificate: z.object({ content: cutContent, term: count, signers: z.array(statementProof) }),
  write: count,
  members: z.array(peer),
  signerNames: z.array(z.string()),
})
const next = z.string().optional().describe('Cursor of the next page; absent on the last')

const member = z.object({
  id: peer,
  name: z.string(),
  address: z.string(),
  httpAddress: z.string(),
  publicKey: hex(64).describe('Raw Ed25519 key'),
  state: z.enum(['alive', 'suspect', 'dead', 'left']),
  incarnation: count,
  member: z.boolean().describe('In the view that places units'),
  leaving: z.boolean().describe('It was asked to leave, and goes on until others hold what it holds'),
  self: z.boolean(),
  lastHeardMs: z.number(),
  version: z.string(),
})
export const membersAnswer = z.object({ members: z.array(member) })

export const leaveAnswer = z.object({
  state: z
    .enum(['staying', 'leaving', 'left'])
    .describe('left: nothing needs it any more, and its process is about to end'),
  waitingFor: z.array(z.string()),
  units: z.object({
    total: count.describe('That it held'),
    left: count.describe('Those of them that others do not hold yet'),
  }),
})

const unitTopic = z.string().describe('What it reads: a source, or the internal topic before its stage')

export const ringAnswer = z.object({
  view: count,
  members: z.array(peer),
  units: z.array(
    z.object({
      unit: z.string(),
      job: z.string(),
      stage: count,
      topic: unitTopic,
      partition: count,
      replicas: z.array(peer),
    }),
  ),
})

const graphNode = z.object({
  id: z.string(),
  kind: z.enum(['source', 'stage', 'shuffle', 'sink', 'deadLetters']),
  name: z.string(),
  partitions: count.optional().describe('Of a topic; of a stage, its units'),
  steps: z
    .array(z.object({ step: z.string(), text: z.string() }))
    .optional()
    .describe('What a stage does, or what is done for one source only, in order'),
  window: z
    .object({
      sizeMs: count.describe('Of a session its gap, of a calendar the longest'),
      slideMs: count.optional().describe('Absent where windows do not come at fixed steps'),
      allowedLatenessMs: count,
    })
    .optional(),
  to: z.array(z.string()).describe('Ids of what comes next'),
})

export const jobAnswer = z.object({
  name: z.string(),
  generation: z.string(),
  revision: count.describe('How often it was upgraded, or went on with more partitions of a source'),
  submittedAt: time,
  sources: z.array(z.string()).describe('The topics it reads'),
  sinks: z.array(z.string()),
  quorum: z.object({ replicas: count, write: count, read: count, allowForks: z.boolean() }),
  stages: count,
  units: count,
  state: z.enum(['running', 'paused', 'degraded', 'stalled', 'halted', 'finished']),
  stopped: z.object({ code: z.string(), message: z.string() }).optional().describe('It never goes on again, and why'),
  document: z.string().describe('As it was submitted'),
  format: z.enum(['yaml', 'toml', 'json']),
  graph: z.array(graphNode).describe('What records pass through'),
})
export const jobsAnswer = z.object({ jobs: z.array(jobAnswer) })

const unitStatus = z.object({
  unit: z.string(),
  job: z.string(),
  stage: count,
  topic: unitTopic,
  partition: count,
  replicas: z.array(
    z.object({
      peer,
      name: z.string(),
      alive: z.boolean(),
      stored: position.optional().describe('Everything that is certified up to here is on its disk'),
      caughtUp: z.boolean().describe('It has computed all that is certified'),
    }),
  ),
  term: count,
  revision: count.describe('Which revision of its job it computes by'),
  version: count.optional().describe('Determinism version that it computes in'),
  certified: position.optional(),
  computed: position.optional(),
  committed: position.optional(),
  offset: z.number(),
  endOffset: z.number(),
  watermark: time.optional(),
  rows: count.describe('Certified rows that the replica holds'),
  deadLetters: count,
  lateRecords: count.describe('Of the dead letters, those that came too late for their windows'),
  openWindows: count.describe('One for each key'),
  stateBytes: count.describe('Of the operators, approximately'),
  votes: z
    .object({
      position,
      voters: z.array(peer),
      results: count.describe('How many different results the votes are for'),
      waitingMs: count.describe('Since the first vote'),
    })
    .optional()
    .describe('On the cut after the last certified one'),
  state: z.enum([
    'running',
    'catching-up',
    'taking-over',
    'paused',
    'waiting',
    'degraded',
    'stalled',
    'halted',
    'finished',
    'diverged',
  ]),
  resolvable: z
    .array(unitOrder)
    .describe('Orders that would bring it on; it waits for an operator while there are any'),
  reasons: z.array(z.string()).describe('Why there is no result'),
})
const divergence = z.object({
  at: time,
  peer,
  name: z.string(),
  unit: z.string(),
  position,
  offset: count,
  cause: z.enum(['input', 'computation']),
  repaired: z.boolean(),
})
export const statusAnswer = z.object({
  cluster: z.string().optional(),
  peer,
  name: z.string(),
  version: z.string(),
  view: count,
  reasons: z.array(z.string()).describe('Why this peer is not ready'),
  notices: z.array(z.string()).describe('Who is leaving, and which identity was replaced or removed'),
  retired: z.array(peer).describe('Identities that were replaced or removed for good, the latest last'),
  units: z.array(unitStatus),
  divergences: z.array(divergence),
})

export const windowsAnswer = z.object({
  rows: z.array(
    z.object({
      window: z.object({ start: time, end: time }),
      key: z.unknown(),
      values: z.record(z.string(), z.unknown()).describe('Integers beyond 2^53 are strings of digits'),
      revision: count,
      final: z.boolean(),
      certified: z.boolean(),
      unit: z.string(),
      certificate: count.optional().describe('Index into `certificates`'),
    }),
  ),
  certificates: z.array(certificateView),
  next,
  mayBeStale: z.boolean(),
})
export const deadLettersAnswer = z.object({ rows: z.array(z.unknown()), next })
export const certificatesAnswer = z.object({ certificates: z.array(certificateView), next })
export const readyAnswer = z.object({ ready: z.boolean(), reasons: z.array(z.string()) })

export const problemAnswer = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable: match on this'),
  detail: z.string(),
  indefinite: z.literal(true).optional().describe('A write that may or may not have been applied'),
  errors: z
    .array(
      z.object({
        pointer: z.string().optional(),
        line: z.int().optional(),
        column: z.int().optional(),
        message: z.string(),
        suggestion: z.string().optional(),
      }),
    )
    .optional(),
})

export const lostAnswer = z.object({ lost: z.array(peer), forced: z.boolean() })
