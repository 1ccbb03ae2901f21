/**
 * What must hold at the simulated stores: an object holds exactly the rows that were certified at its position, a document
 * is a certified row, and none is ever replaced by an older revision of itself.
 */
import type { Document } from 'mongodb'
import { type CutContent, contentDigest, type Digest, parseUnitId } from '../../mesh/index.ts'
import { decodeRecord } from '../../src/commit/record.ts'
import { type SinkRecord, sourceName } from './checks.ts'
import type { SimulatedStores } from './stores.ts'
import { Violation } from './violation.ts'
import { STORE } from './workload.ts'

/** What is beside the rows of a bucket. */
const CERTIFICATE = /\.certificates\/\d+-\d+\.json$/
const PROBE = 'quorate-probe'
const ROWS = `${STORE}.${STORE}`

export class StoreChecks {
  readonly #stores: SimulatedStores
  /** Texts of the rows of each certified batch, by `generation/stage-partition/seq-part`. */
  readonly #batches = new Map<string, readonly string[]>()
  /** Certified rows, and how many results have each. */
  readonly #rows = new Map<string, number>()
  /** Of what was certified, by the same names as its rows. */
  readonly #digests = new Map<string, Digest>()
  readonly #leastInS3: number
  /** Objects that were put since the last look. */
  #put: string[] = []
  #wrong: string | undefined

  /** @param leastInS3 rows with a lower total, or amount, do not come to S3 */
  constructor(stores: SimulatedStores, leastInS3: number) {
    this.#stores = stores
    this.#leastInS3 = leastInS3
    stores.s3.onPut = (key) => this.#put.push(key)
    stores.mongodb.onWrite = (collection, before, document) => {
      if (collection === ROWS) this.#written(before, document)
    }
  }

  certified(content: CutContent, rows: readonly string[]): void {
    const least = this.#leastInS3
    // What takes a row back is there where that row is, and says nothing of its size.
    const inS3 = least === 0 ? rows : rows.filter((text) => sizeOf(text) >= least || isTakenBack(text))
    this.#batches.set(placeOf(content), inS3)
    this.#digests.set(placeOf(content), contentDigest(content))
    for (const text of rows.map(canonical)) this.#rows.set(text, (this.#rows.get(text) ?? 0) + 1)
  }

  /** Nobody knows of it any more: what comes in its place may be something else. */
  forgotten(content: CutContent, rows: readonly string[]): void {
    this.#batches.delete(placeOf(content))
    this.#digests.delete(placeOf(content))
    for (const text of rows.map(canonical)) this.#rows.set(text, (this.#rows.get(text) ?? 0) - 1)
  }

  /** In the end, whatever was lost on the way. @throws Violation */
  finish(): void {
    this.#put = [...this.#stores.s3.objects.keys()]
    this.look()
    for (const { _id, value } of this.#stores.mongodb.documents(ROWS)) {
      const text = JSON.stringify(value)
      if ((this.#rows.get(text) ?? 0) > 0) continue
      throw new Violation('rows at the sink', `the document ${_id} is a row that only a lost cluster knew of: ${text}`)
    }
    for (const [key, { body }] of this.#stores.s3.objects) {
      const [, unit, seq, part] = /\/([^/]+\/[^/]+)\.certificates\/0*(\d+)-0*(\d+)\.json$/.exec(key) ?? []
      const { certificate } = (unit === undefined ? undefined : decodeRecord(body)) ?? {}
      const known = this.#digests.get(`${unit}/${seq}-${part}`)
      if (certificate === undefined || known === undefined || contentDigest(certificate.content) === known) continue
      throw new Violation('rows at the sink', `the object ${key} is the certificate of something else`)
    }
  }

  /** @throws Violation */
  look(): void {
    if (this.#wrong !== undefined) throw new Violation('rows at the sink', this.#wrong)
    for (const key of this.#put.splice(0)) {
      const { body } = this.#stores.s3.objects.get(key) ?? {}
      if (body === undefined || CERTIFICATE.test(key) || key === PROBE) continue
      const [, unit, seq, part] = /\/([^/]+\/[^/]+)\/0*(\d+)-0*(\d+)\.jsonl$/.exec(key) ?? []
      if (unit === undefined) throw new Violation('rows at the sink', `the object ${key} is at no place of a result`)
      const certified = this.#batches.get(`${unit}/${seq}-${part}`)
      const found = [...recordsIn(body)].map(({ text }) => text)
      const taken = new Set(found)
      if (certified === undefined)
        throw new Violation('rows at the sink', `the object ${key} is of a batch that is not certified`)
      const wanted = certified.filter((text) => taken.has(text) || !isTakenBack(text))
      if (found.join('\n') !== wanted.join('\n'))
        throw new Violation(
          'rows at the sink',
          `the object ${key} holds ${found.join(', ')}, and certified is ${certified.join(', ')}`,
        )
    }
  }

  records(of: 'mongodb' | 's3'): SinkRecord[] {
    if (of === 'mongodb') {
      return this.#stores.mongodb.documents(ROWS).map(({ value, source }) => {
        const text = JSON.stringify(value)
        return source === undefined
          ? { text }
          : { text, source: sourceName(source.partition, source.offset, source.index) }
      })
    }
    const rows = [...this.#stores.s3.objects].filter(([key]) => key.endsWith('.jsonl'))
    return rows.flatMap(([, { body }]) => [...recordsIn(body)])
  }

  #written(before: Document | undefined, { _id, value, quorate }: Document): void {
    const text = JSON.stringify(value)
    if ((this.#rows.get(text) ?? 0) < 1) this.#wrong ??= `the document ${_id} is no certified row: ${text}`
    const known = before?.quorate
    if (known === undefined || known.submission < quorate.submission) return
    if (known.submission === quorate.submission && known.revision < quorate.revision) return
    this.#wrong ??= `${rankOf(quorate)} of the document ${_id} replaces ${rankOf(known)}`
  }
}

function placeOf({ unit, seq, part }: CutContent): string {
  const { generation, stage, partition } = parseUnitId(unit)
  return `${generation}/${stage}-${partition}/${seq}-${part}`
}

function sizeOf(text: string): number {
  const { total, amount } = JSON.parse(text) as { readonly total?: number; readonly amount?: number | null }
  return total ?? amount ?? 0
}

const isTakenBack = (text: string): boolean =>
  text.includes('"removed":true') && (JSON.parse(text) as { readonly removed?: boolean }).removed === true

const rankOf = ({ submission, revision }: Document): string => `revision ${revision} of submission ${submission}`

/** Simulated releases differ in a space at the end; a document has none. */
const canonical = (text: string): string => JSON.stringify(JSON.parse(text))

function* recordsIn(body: Uint8Array): Generator<SinkRecord> {
  for (const line of Buffer.from(body).toString().split('\n')) {
    if (line === '') continue
    const [, text = ''] = /,"value":(.*)\}$/.exec(line) ?? []
    const { source } = JSON.parse(line) as {
      readonly source?: { readonly partition: number; readonly offset: number; readonly index: number }
    }
    yield source === undefined ? { text } : { text, source: sourceName(source.partition, source.offset, source.index) }
  }
}
