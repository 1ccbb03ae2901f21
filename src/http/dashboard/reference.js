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

const titleOf = (method, path) => `${method.toUpperCase()} ${path}`
const placeOf = ({ operationId }) => operationId

function operation(method, path, described) {
  const { summary, description, parameters, requestBody, responses } = described
  const id = placeOf(described)
  const nodes = [
    element('h2', { id: `${id}-title` }, code(titleOf(method, path))),
    element('p', {}, `${summary}.`),
    ...(description === undefined ? [] : [element('p', { className: 'quiet' }, description)]),
    element('p', { className: 'cli' }, code(command(method, path))),
  ]
  if (parameters !== undefined) {
    const shown = table('Parameters', PARAMETER_COLUMNS, parameters, ({ name }) => name)
    nodes.push(element('div', { className: 'scroll' }, shown))
  }
  if (requestBody !== undefined) {
    nodes.push(element('p', {}, `Body: a job document, as ${Object.keys(requestBody.content).join(', ')}.`))
  }
  for (const [status, answer] of Object.entries(responses)) {
    const schema = answer.content?.['application/json']?.schema
    if (schema === undefined) continue
    const text = element('pre', {}, JSON.stringify(schema, undefined, 2))
    nodes.push(element('details', {}, element('summary', {}, `Answer ${status}`), text))
  }
  return element('section', { id, 'aria-labelledby': `${id}-title` }, ...nodes)
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
  return `curl -s ${verb}'${new URL(path, location.href)}'${body}`.replaceAll('%7B', '{').replaceAll('%7D', '}')
}

const about = document.querySelector('#about')
try {
  const { info, paths } = await ask('v1/openapi.json')
  about.textContent = `Version ${info.version}. ${info.description}`
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ method, path, described })),
  )
  const links = operations.map(({ method, path, described }) =>
    element('li', {}, element('a', { href: `#${placeOf(described)}` }, titleOf(method, path))),
  )
  document.querySelector('#contents').replaceChildren(element('ul', {}, ...links))
  const sections = operations.map(({ method, path, described }) => operation(method, path, described))
  document.querySelector('#operations').replaceChildren(...sections)
} catch (error) {
  about.textContent = `The peer does not answer: ${error.message}`
  about.className = 'bad'
}
