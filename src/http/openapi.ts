/** The OpenAPI 3.1 document, generated from the route table and its zod schemas. */
import { z } from 'zod'
import { LIMITS } from '../limits.ts'
import type { Route } from './routes.ts'
import { eventsQuery, problemAnswer } from './schemas.ts'

type Json = Readonly<Record<string, unknown>>

const DOCUMENT_TYPES = ['application/yaml', 'application/toml', 'application/json']

export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Quorate',
      version,
      description:
        'Any peer answers any request. Times are ISO 8601 in UTC; integers beyond 2^53 are strings of digits. Errors are problem documents (RFC 9457) with a stable `code`.',
    },
    paths: { ...paths, ...PLAIN_PATHS },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: jsonSchema(problemAnswer) },
      responses: {
        Problem: {
          description: 'What went wrong',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  }
}

function operation(route: Route): Json {
  const parameters = [...parametersOf(route.pathSchema, 'path'), ...parametersOf(route.querySchema, 'query')]
  const responses = Object.entries(route.answers).map(([status, schema]) => [
    status,
    schema === undefined
      ? { description: 'Done' }
      : { description: route.summary, content: { 'application/json': { schema: jsonSchema(schema) } } },
  ])
  return {
    summary: route.summary,
    operationId: operationId(route),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.takesDocument ? { requestBody: documentBody() } : {}),
    ...(route.role === undefined
      ? {}
      : { security: [{ token: [] }], description: `Needs the role "${route.role}" where the peer has tokens.` }),
    responses: { ...Object.fromEntries(responses), default: { $ref: '#/components/responses/Problem' } },
  }
}

function parametersOf(schema: z.ZodObject, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = jsonSchema(schema) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    ...(description === undefined ? {} : { description }),
    required: place === 'path' || (required.includes(name) && property.default === undefined),
    schema: property,
  }))
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest
}

function documentBody(): Json {
  const schema = { type: 'string', maxLength: LIMITS.documentBytes }
  return { required: true, content: Object.fromEntries(DOCUMENT_TYPES.map((type) => [type, { schema }])) }
}

function operationId(route: Route): string {
  const words = route.path.split(/[^a-z]+/).filter((word) => word !== '' && word !== 'v')
  return [route.method, ...words.map((word) => word[0]?.toUpperCase() + word.slice(1))].join('')
}

const text = (type: string, description: string): Json => ({ description, content: { [type]: {} } })

const problem = { $ref: '#/components/responses/Problem' }

/** Routes whose answers are not JSON documents. */
const PLAIN_PATHS: Readonly<Record<string, Json>> = {
  '/v1/events': {
    get: {
      summary: 'Live events as server-sent events; Last-Event-ID goes on where a client stopped',
      operationId: 'getEvents',
      security: [{ token: [] }],
      parameters: [
        ...parametersOf(eventsQuery, 'query'),
        { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' } },
      ],
      responses: { 200: text('text/event-stream', 'Events by kind; `gap` where some were missed'), default: problem },
    },
  },
  '/v1/openapi.json': {
    get: {
      summary: 'This document',
      operationId: 'getOpenapi',
      responses: { 200: text('application/json', 'OpenAPI') },
    },
  },
  '/livez': {
    get: {
      summary: 'Whether the process answers',
      operationId: 'getLivez',
      responses: { 200: text('text/plain', 'ok') },
    },
  },
  '/metrics': {
    get: {
      summary: 'Prometheus metrics',
      operationId: 'getMetrics',
      security: [{ token: [] }],
      responses: { 200: text('text/plain', 'Text exposition'), default: problem },
    },
  },
}
