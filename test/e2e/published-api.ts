/**
 * What a peer publishes about itself at /v1/openapi.json, held against what it answers. Objects may say nothing that the
 * document does not describe, so that a field which was forgotten there is found.
 */
import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>
  readonly $ref?: string
}

interface Operation {
  readonly responses: Readonly<Record<string, Described>>
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly responses: Readonly<Record<string, Described>> }
}

export class PublishedApi {
  readonly #document: Document
  readonly #ajv = new Ajv2020({ allErrors: true, formats: { 'date-time': isUtc } })

  private constructor(document: Document) {
    this.#document = document
    this.#ajv.addVocabulary(['openapi', 'info', 'paths', 'components'])
    this.#ajv.addSchema(closed(document), 'api')
  }

  static async of(address: string): Promise<PublishedApi> {
    const document = (await (await fetch(`${address}/v1/openapi.json`)).json()) as Document
    assert.equal(document.openapi, '3.1.0')
    return new PublishedApi(document)
  }

  /** Paths with a GET whose answer is a JSON document of its own description. */
  get readable(): string[] {
    return Object.entries(this.#document.paths)
      .filter(([, { get }]) => get?.responses['200']?.content?.['application/json']?.schema !== undefined)
      .map(([path]) => path)
  }

  /** Reads an answer to `method path` (as in the document), and fails where it is not what is published. */
  async read(method: string, path: string, response: Response): Promise<unknown> {
    const { status } = response
    const responses = this.#document.paths[path]?.[method]?.responses
    assert.ok(responses, `${method} ${path} is not published`)
    const described = responses[status] === undefined ? 'default' : String(status)
    const type = response.headers.get('content-type') ?? ''
    const pointer =
      described === 'default'
        ? `/components/responses/Problem`
        : `/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1')}/${method}/responses/${described}`
    const schema = `api#${pointer}/content/${type.replaceAll('/', '~1')}/schema`
    const body: unknown = await response.json()
    const validate = this.#ajv.compile({ $ref: schema })
    assert.ok(validate(body), `${method} ${path} → ${status}: ${this.#ajv.errorsText(validate.errors)}`)
    return body
  }
}

const isUtc = (text: string): boolean => text.endsWith('Z') && Number.isFinite(Date.parse(text))

/** The same document, in which an object has no fields but those described. */
function closed(schema: unknown): Record<string, unknown> {
  const entries = Object.entries(schema as object).map(([name, value]) => [
    name,
    Array.isArray(value)
      ? value.map((each) => (isObject(each) ? closed(each) : each))
      : isObject(value)
        ? closed(value)
        : value,
  ])
  const made = Object.fromEntries(entries)
  const open = made.type === 'object' && isObject(made.properties) && made.additionalProperties === undefined
  return open ? { ...made, additionalProperties: false } : made
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
