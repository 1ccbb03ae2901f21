/**
 * Every JSON route in one table: path, role, the schemas of its request and answer, and what it asks of the peer. The server
 * and the OpenAPI document are both made from it.
 */
import type { z } from 'zod'
import { QuorateError } from '../errors.ts'
import type { PeerApi, WindowQuery } from './api.ts'
import type { Role } from './auth.ts'
import * as schemas from './schemas.ts'

export type DocumentFormat = 'yaml' | 'toml' | 'json'

export interface JobDocument {
  readonly text: string
  /** By content type; undefined when that does not say. */
  readonly format: DocumentFormat | undefined
}

export interface Answer {
  readonly status: 200 | 201 | 202 | 204 | 503
  readonly body?: unknown
  readonly location?: string
}

/** What the server needs of a route once its own types are checked. */
export interface Route {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  /** With parameters as in OpenAPI: `/v1/jobs/{name}`. */
  readonly path: string
  readonly summary: string
  /** Undefined: open to everyone, for probes. */
  readonly role: Role | undefined
  readonly pathSchema: z.ZodObject
  readonly querySchema: z.ZodObject
  readonly takesDocument: boolean
  /** By status. */
  readonly answers: Readonly<Record<number, z.ZodType | undefined>>
  readonly run: (api: PeerApi, path: unknown, query: unknown, document: JobDocument | undefined) => Promise<Answer>
}

interface RouteDefinition<Path extends z.ZodObject, Query extends z.ZodObject>
  extends Omit<Route, 'pathSchema' | 'querySchema' | 'takesDocument' | 'run'> {
  readonly pathSchema: Path
  readonly querySchema: Query
  readonly takesDocument?: boolean
  readonly run: (
    api: PeerApi,
    request: { path: z.output<Path>; query: z.output<Query>; document: JobDocument | undefined },
  ) => Promise<Answer> | Answer
}

/** The server passes what these very schemas made of the request, so the types hold. */
function route<Path extends z.ZodObject, Query extends z.ZodObject>(definition: RouteDefinition<Path, Query>): Route {
  return {
    ...definition,
    takesDocument: definition.takesDocument ?? false,
    run: async (api, path, query, document) =>
      definition.run(api, { path: path as z.output<Path>, query: query as z.output<Query>, document }),
  }
}

const ok = (body: unknown): Answer => ({ status: 200, body })

function documentOf(
  query: { readonly format?: DocumentFormat | undefined; readonly file?: string | undefined },
  document: JobDocument | undefined,
) {
  const format = query.format ?? document?.format
  if (document === undefined || format === undefined) {
    throw new QuorateError(
      'QRT_REQUEST_INVALID',
      'the format of the document is not known: send content type application/yaml, application/toml or application/json, or ?format=',
    )
  }
  return { text: document.text, format, ...(query.file === undefined ? {} : { file: query.file }) }
}

export const ROUTES: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/jobs',
    summary: 'Submit a job document; a name that exists is a conflict',
    role: 'submit',
    pathSchema: schemas.noPath,
    querySchema: schemas.submitQuery,
    takesDocument: true,
    answers: { 201: schemas.jobAnswer },
    run: async (api, { query, document }) => {
      const job = await api.submit(documentOf(query, document))
      return { status: 201, body: job, location: `/v1/jobs/${encodeURIComponent(job.name)}` }
    },
  }),
  route({
    method: 'get',
    path: '/v1/jobs',
    summary: 'All jobs',
    role: 'read',
    pathSchema: schemas.noPath,
    querySchema: schemas.noQuery,
    answers: { 200: schemas.jobsAnswer },
    run: async (api) => ok({ jobs: await api.jobs() }),
  }),
  route({
    method: 'get',
    path: '/v1/jobs/{name}',
    summary: 'One job',
    role: 'read',
    pathSchema: schemas.jobPath,
    querySchema: schemas.noQuery,
    answers: { 200: schemas.jobAnswer },
    run: async (api, { path }) => {
      knownJob(api, path.name)
      const jobs = await api.jobs()
      return ok(jobs.find(({ name }) => name === path.name))
    },
  }),
  route({
    method: 'put',
    path: '/v1/jobs/{name}',
    summary: 'Upgrade a job: another document that goes on from its state at a certified cut',
    role: 'submit',
    pathSchema: schemas.jobPath,
    querySchema: schemas.submitQuery,
    takesDocument: true,
    answers: { 200: schemas.jobAnswer },
    run: async (api, { path, query, document }) => {
      knownJob(api, path.name)
      return ok(await api.upgradeJob(path.name, documentOf(query, document)))
    },
  }),
  route({
    method: 'delete',
    path: '/v1/jobs/{name}',
    summary: 'Delete a job; its generation never comes back',
    role: 'admin',
    pathSchema: schemas.jobPath,
    querySchema: schemas.noQuery,
    answers: { 204: undefined },
    run: async (api, { path }) => {
      await api.deleteJob(path.name)
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/v1/jobs/{name}/pause',
    summary: 'Pause a job: it takes no more records, and keeps its state; a job that is paused stays so',
    role: 'admin',
    pathSchema: schemas.jobPath,
    querySchema: schemas.noQuery,
    answers: { 200: schemas.jobAnswer },
    run: async (api, { path }) => {
      knownJob(api, path.name)
      return ok(await api.pauseJob(path.name))
    },
  }),
  route({
    method: 'post',
    path: '/v1/jobs/{name}/resume',
    summary: 'Let a paused job go on where it stopped',
    role: 'admin',
    pathSchema: schemas.jobPath,
    querySchema: schemas.noQuery,
    answers: { 200: schemas.jobAnswer },
    run: async (api, { path }) => {
      knownJob(api, path.name)
      return ok(await api.resumeJob(path.name))
    },
  }),
  route({
    method: 'post',
    path: '/v1/jobs/{name}/units/{unit}/resolve',
    summary: 'Decide what a unit cannot decide by itself; refused where it waits for no such order',
    role: 'admin',
    pathSchema: schemas.unitPath,
    querySchema: schemas.resolveQuery,
    answers: { 204: undefined },
    run: async (api, { path, query }) => {
      knownJob(api, path.name)
      await api.resolveUnit(path.name, path.unit, query.order)
      return { status: 204 }
    },
  }),
  route({
    method: 'get',
    path: '/v1/jobs/{name}/windows',
    summary: 'Windows at read quorum, with the certificates that prove them',
    role: 'read',
    pathSchema: schemas.jobPath,
    querySchema: schemas.windowsQuery,
    answers: { 200: schemas.windowsAnswer },
    run: async (api, { path, query }) => {
      knownJob(api, path.name)
      const { key, from, to, open, stale, limit, cursor } = query
      if (from !== undefined && to !== undefined && from >= to) {
        throw new QuorateError('QRT_REQUEST_INVALID', 'from must be before to')
      }
      const asked: WindowQuery = {
        job: path.name,
        limit,
        open,
        stale,
        ...(key === undefined ? {} : { key }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(cursor === undefined ? {} : { cursor }),
      }
      return ok(await api.windows(asked))
    },
  }),
  route({
    method: 'get',
    path: '/v1/jobs/{name}/dead-letters',
    summary: 'Records that no window took',
    role: 'read',
    pathSchema: schemas.jobPath,
    querySchema: schemas.pageQuery,
    answers: { 200: schemas.deadLettersAnswer },
    run: async (api, { path, query }) => ok(await api.deadLetters(pageOf(api, path.name, query))),
  }),
  route({
    method: 'get',
    path: '/v1/jobs/{name}/certificates',
    summary: "Certificates of the job's cuts, in (unit, position) order",
    role: 'read',
    pathSchema: schemas.jobPath,
    querySchema: schemas.pageQuery,
    answers: { 200: schemas.certificatesAnswer },
    run: async (api, { path, query }) => ok(await api.certificates(pageOf(api, path.name, query))),
  }),
  route({
    method: 'get',
    path: '/v1/members',
    summary: 'Peers as this one sees them',
    role: 'read',
    pathSchema: schemas.noPath,
    querySchema: schemas.noQuery,
    answers: { 200: schemas.membersAnswer },
    run: (api) => ok({ members: api.members() }),
  }),
  route({
    method: 'delete',
    path: '/v1/members/{peer}',
    summary: 'Take a member that is gone out of the view; its units go to others',
    role: 'admin',
    pathSchema: schemas.memberPath,
    querySchema: schemas.removeQuery,
    answers: { 204: undefined },
    run: async (api, { path, query }) => {
      await api.removeMember(path.peer, query.ban)
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/v1/lost-members',
    summary:
      'Go on without members that are gone for good, also where they are a majority; what only they knew is given up',
    role: 'admin',
    pathSchema: schemas.noPath,
    querySchema: schemas.loseQuery,
    answers: { 200: schemas.lostAnswer },
    run: async (api, { query }) => ok(await api.loseMembers(query.peers.split(',').map((name) => name.trim()))),
  }),
  route({
    method: 'post',
    path: '/v1/leave',
    summary: 'Take this peer out of the cluster: it hands its units over, and its process ends when nothing needs it',
    role: 'admin',
    pathSchema: schemas.noPath,
    querySchema: schemas.noQuery,
    answers: { 202: schemas.leaveAnswer },
    run: (api) => ({ status: 202, body: api.leave() }),
  }),
  route({
    method: 'get',
    path: '/v1/leave',
    summary: 'Whether this peer is leaving, and what it waits for',
    role: 'read',
    pathSchema: schemas.noPath,
    querySchema: schemas.noQuery,
    answers: { 200: schemas.leaveAnswer },
    run: (api) => ok(api.leaving()),
  }),
  route({
    method: 'get',
    path: '/v1/ring',
    summary: 'Which peers hold which units',
    role: 'read',
    pathSchema: schemas.noPath,
    querySchema: schemas.noQuery,
    answers: { 200: schemas.ringAnswer },
    run: (api) => ok(api.ring()),
  }),
  route({
    method: 'get',
    path: '/v1/status',
    summary: 'Where each unit stands, and why there is no result',
    role: 'read',
    pathSchema: schemas.noPath,
    querySchema: schemas.statusQuery,
    answers: { 200: schemas.statusAnswer },
    run: async (api, { query }) => {
      if (query.job !== undefined) knownJob(api, query.job)
      return ok(await api.status(query.job))
    },
  }),
  route({
    method: 'get',
    path: '/readyz',
    summary: 'Whether this peer can take part, with reasons',
    role: undefined,
    pathSchema: schemas.noPath,
    querySchema: schemas.noQuery,
    answers: { 200: schemas.readyAnswer, 503: schemas.readyAnswer },
    run: (api) => {
      const answer = api.ready()
      return { status: answer.ready ? 200 : 503, body: answer }
    },
  }),
]

function knownJob(api: PeerApi, name: string): void {
  const known = api.jobNames()
  if (known.includes(name)) return
  const names = known.join(', ')
  throw new QuorateError('QRT_JOB_UNKNOWN', `there is no job "${name}"; there is ${names === '' ? 'none' : names}`)
}

function pageOf(api: PeerApi, job: string, query: z.output<typeof schemas.pageQuery>) {
  knownJob(api, job)
  return { job, limit: query.limit, ...(query.cursor === undefined ? {} : { cursor: query.cursor }) }
}
