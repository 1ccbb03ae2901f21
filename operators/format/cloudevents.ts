/**
 * CloudEvents 1.0 in records (cloudevents/spec, Kafka protocol binding 1.0). In structured mode the record is the event, as JSON;
 * in binary mode the attributes are headers that begin with `ce_`, and the record is the data in its own format. Either way
 * an event is the same fields: its attributes by name, and `data`.
 */
import { isUtf8 } from 'node:buffer'
import type { ScanErrorCode } from '../errors.ts'
import { FieldSet } from '../fields.ts'
import type { FormatPlan } from '../format-plan.ts'
import type { Value } from '../json.ts'
import type { RecordHeaders } from '../record.ts'
import { compileScanner, type Scanner } from '../scan.ts'
import { compileReader } from './reader.ts'
import { fillSlots } from './want.ts'

export interface EnvelopeReader {
  /** Fills the slots as a scanner does. `headers`: undefined where they cannot be read. */
  open(value: Uint8Array | null, headers: RecordHeaders | undefined, slots: Value[]): ScanErrorCode | undefined
}

const PREFIX = 'ce_'
const CONTENT_TYPE = 'content-type'
const STRUCTURED = 'application/cloudevents'
const REQUIRED = ['specversion', 'id', 'source', 'type'] as const

export function compileCloudEvents(format: FormatPlan, fields: FieldSet): EnvelopeReader {
  const structured = new StructuredReader(fields)
  const binary = new BinaryModeReader(format, fields)
  return {
    open(value, headers, slots) {
      if (headers === undefined) return 'QRT_RECORD_ENVELOPE'
      const type = textOf(headers.get(CONTENT_TYPE))?.toLowerCase() ?? ''
      if (!type.startsWith(STRUCTURED)) return binary.open(value, headers, slots)
      // Batches, and events in other formats than JSON, are not written to Kafka by the binding.
      if (!/^application\/cloudevents\+json *(;|$)/.test(type)) return 'QRT_RECORD_ENVELOPE'
      return structured.open(value, slots)
    },
  }
}

/** The fields of the event are wanted as they are, and the required attributes besides. */
class StructuredReader {
  readonly #count: number
  readonly #required: readonly number[]
  readonly #scanner: Scanner
  readonly #slots: Value[] = []

  constructor(fields: FieldSet) {
    const all = new FieldSet()
    for (const path of fields.paths) all.slotOf(path)
    this.#count = fields.paths.length
    this.#required = REQUIRED.map((name) => all.slotOf([name]))
    this.#scanner = compileScanner(all)
  }

  open(value: Uint8Array | null, slots: Value[]): ScanErrorCode | undefined {
    const failed = this.#scanner.scan(value, this.#slots)
    if (failed !== undefined) return failed
    if (!isEvent(this.#required.map((slot) => this.#slots[slot]))) return 'QRT_RECORD_ENVELOPE'
    for (let slot = 0; slot < this.#count; slot++) slots[slot] = this.#slots[slot]
    return undefined
  }
}

class BinaryModeReader {
  readonly #fields: FieldSet
  readonly #inner: Scanner
  readonly #innerFields = new FieldSet()
  readonly #slots: Value[] = []

  constructor(format: FormatPlan, fields: FieldSet) {
    this.#fields = fields
    for (const [name, ...rest] of fields.paths) {
      if (name === undefined) this.#innerFields.slotOf([])
      if (name === 'data') this.#innerFields.slotOf(rest)
    }
    this.#inner = compileReader(format, this.#innerFields)
  }

  open(value: Uint8Array | null, headers: RecordHeaders, slots: Value[]): ScanErrorCode | undefined {
    const event = new Map<string, Value>()
    for (const [name, bytes] of headers) {
      if (!name.startsWith(PREFIX)) continue
      const text = textOf(bytes)
      if (text === undefined) return 'QRT_RECORD_ENCODING'
      event.set(name.slice(PREFIX.length), text)
    }
    if (!isEvent(REQUIRED.map((name) => event.get(name)))) return 'QRT_RECORD_ENVELOPE'
    const contentType = textOf(headers.get(CONTENT_TYPE))
    if (contentType !== undefined) event.set('datacontenttype', contentType)
    const failed = this.#readData(value, event)
    if (failed === undefined) fillSlots(this.#fields, event, slots)
    return failed
  }

  /** An event without data has none in binary mode; with data, the parts that are wanted. */
  #readData(value: Uint8Array | null, event: Map<string, Value>): ScanErrorCode | undefined {
    if (value === null || value.length === 0) return undefined
    const failed = this.#inner.scan(value, this.#slots)
    if (failed !== undefined) return failed
    // One event holds one value.
    if (this.#inner.next?.([]) === true) return 'QRT_RECORD_ENVELOPE'
    event.set('data', this.#data())
    return undefined
  }

  /** From the slots of its parts; whole where it is wanted whole. */
  #data(): Value {
    const { paths } = this.#innerFields
    const whole = paths.findIndex(({ length }) => length === 0)
    if (whole >= 0) return this.#slots[whole]
    const data = new Map<string, Value>()
    paths.forEach((path, slot) => {
      put(data, path, this.#slots[slot])
    })
    return data
  }
}

function put(fields: Map<string, Value>, [name, ...rest]: readonly string[], value: Value): void {
  if (name === undefined || value === undefined) return
  if (rest.length === 0) {
    fields.set(name, value)
    return
  }
  const known = fields.get(name)
  if (known !== undefined && !(known instanceof Map)) return
  const below = (known as Map<string, Value> | undefined) ?? new Map<string, Value>()
  put(below, rest, value)
  fields.set(name, below)
}

function isEvent([version, ...rest]: readonly Value[]): boolean {
  return version === '1.0' && rest.every((value) => typeof value === 'string' && value !== '')
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || !isUtf8(bytes)) return undefined
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
