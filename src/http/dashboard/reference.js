/** The reference of the API, drawn from the peer's own OpenAPI document, so it works offline and is never out of date. */
import { code, element, table } from './dom.js'
import { ask } from './peer.js'

const PARAMETER_COLUMNS = [
  { title: 'Parameter', cell: ({ name }) => code(name) },
  { title: 'In', cell: (parameter) => parameter.in },
  { title: 'Required', cell: ({ required }) => (required ? 'yes' : 'no') },
  { title: 'Value', cell: ({ schema }) => code(shape(schema)) },
  { title: 'Meaning', kind: 'wide', cell: ({ description }) => description },
]

function operation(method, path, { summary, description, parameters, responses }) {
  const nodes = [
    element('h2', {}, code(`${method.toUpperCase()} ${path}`)),
    element('p', {}, summary),
    element('p', { className: 'quiet' }, description ?? ''),
    element('p', {}, element('code', { className: 'cli' }, command(method, path))),
  ]
  if (parameters !== undefined) {
    nodes.push(element('div', { className: 'content' }, table(PARAMETER_COLUMNS, parameters)))
  }
  for (const [status, answer] of Object.entries(responses)) {
    const schema = answer.content?.['application/json']?.schema
    if (schema === undefined) continue
    const text = element('pre', {}, JSON.stringify(schema, undefined, 2))
    nodes.push(element('details', {}, element('summary', {}, `Answer ${status}`), text))
  }
  return element('section', {}, ...nodes)
}

/** A schema in a few words: its type, values or bounds. */
function shape(schema) {
  if (schema.enum !== undefined) return schema.enum.join(' | ')
  const bounds = [schema.minimum ?? schema.minLength, schema.maximum ?? schema.maxLength].map((bound) => bound ?? '')
  const range = bounds.some((bound) => bound !== '') ? ` ${bounds.join('…')}` : ''
  const usual = schema.default === undefined ? '' : `, default ${schema.default}`
  return `${schema.type ?? 'any'}${range}${usual}`
}

function command(method, path) {
  const verb = method === 'get' ? '' : `-X ${method.toUpperCase()} `
  const body = method === 'post' ? " -H 'content-type: application/yaml' --data-binary @job.yaml" : ''
  return `curl -s ${verb}${location.origin}${path}${body}`
}

const about = document.querySelector('#about')
try {
  const { info, paths } = await ask('/v1/openapi.json')
  about.textContent = `Version ${info.version}. ${info.description}`
  const sections = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => operation(method, path, described)),
  )
  document.querySelector('#operations').replaceChildren(...sections)
} catch (error) {
  about.textContent = `The peer does not answer: ${error.message}`
  about.className = 'bad'
}
