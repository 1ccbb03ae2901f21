/**
 * Queries over all units of a job: certified windows at read quorum, open ones, dead letters and certificates, in pages.
 * A cursor is the place of the last row given, so pages stay right while results are added.
 */
import {
  type Certificate,
  comparePositions,
  decodeStored,
  isCertificate,
  type MeshNode,
  type PeerId,
  type UnitId,
  type Wire,
} from '../../mesh/index.ts'
import { canonicalJson, encodeUtf8, formatInstant, ROW_WINDOW, readRows } from '../../operators/index.ts'
import { QuorateError } from '../errors.ts'
import type { CertificateView, WindowPage, WindowQuery, WindowRow } from '../http/api.ts'
import { fromJson } from '../http/json.ts'
import type { CertifiedRow, RowPlace } from '../read/local.ts'
import { compareRows } from '../read/local.ts'
import type { Reader } from '../read/quorum.ts'
import type { Store } from '../store/store.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { Job, PlacedUnit } from './jobs.ts'
import type { LetterAnswer, LetterPlace, OpenAnswer, PeerRequest } from './requests.ts'

const ASK_TIMEOUT_MS = 2_000

export interface QueriesOptions {
  readonly node: MeshNode
  readonly reader: Reader
  readonly store: Store
  readonly nameOf: (peer: PeerId) => string
  /** Answers a request from what this peer holds. */
  readonly answer: (request: PeerRequest) => Promise<Wire>
}

interface Found {
  readonly unit: PlacedUnit
  readonly row: CertifiedRow
}

export class Queries {
  readonly #options: QueriesOptions

  constructor(options: QueriesOptions) {
    this.#options = options
  }

  /** @throws QuorateError QRT_QUORUM_NOT_MET, QRT_REQUEST_INVALID for a cursor that is none */
  async windows(job: Job, query: WindowQuery): Promise<WindowPage> {
    const units = lastStage(job)
    const after = query.cursor === undefined ? null : placeOf(decodeCursor(query.cursor, isRowCursor))
    const key = query.key === undefined ? null : encodeUtf8(canonicalJson(query.key as never))
    const { quorum } = job.body.compiled
    const reads = await Promise.all(
      units.map(async (unit) => {
        const request = {
          q: 'rows',
          unit: unit.description.unit,
          key,
          from: query.from ?? null,
          to: query.to ?? null,
          upTo: null,
          after,
          limit: query.limit + 1,
        } as const
        return { unit, read: await this.#options.reader.read(request, this.#membersOf(unit), quorum) }
      }),
    )
    const found = reads.flatMap(({ unit, read }) => read.rows.map((row): Found => ({ unit, row })))
    found.sort((a, b) => compareRows(a.row, b.row))
    const page = found.slice(0, query.limit)
    const certificates = new CertificateList(
      reads.flatMap(({ read, unit }) => read.certificates.map((certificate) => this.#view(certificate, unit))),
    )
    const rows = page.map((each) => this.#row(each, certificates))
    const last = page[page.length - 1]
    const more = found.length > page.length && last !== undefined
    const open = query.open === true && !more ? await this.#open(units, query, key, rows.length) : []
    return {
      rows: [...rows, ...open],
      certificates: certificates.used,
      mayBeStale: reads.some(({ read }) => read.mayBeStale),
      ...(more ? { next: encodeCursor(cursorOf(last.row)) } : {}),
    }
  }

  async deadLetters(job: Job, limit: number, cursor: string | undefined) {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, isLetterCursor)
    const rows: unknown[] = []
    let next: string | undefined
    for (const [index, unit] of job.units.entries()) {
      if (after !== undefined && index < after.unit) continue
      const place = after?.unit === index ? after.place : null
      const request = {
        q: 'deadLetters',
        unit: unit.description.unit,
        after: place,
        limit: limit - rows.length,
      } as const
      const { letters } = (await this.#askOne(unit, request)) as unknown as LetterAnswer
      const { stage, description } = unit
      for (const letter of letters) {
        rows.push({ stage, topic: description.topic, ...(fromJson(Buffer.from(letter.value).toString()) as object) })
      }
      const last = letters[letters.length - 1]
      if (rows.length < limit || last === undefined) continue
      next = encodeCursor({ unit: index, place: last.place })
      break
    }
    return next === undefined ? { rows } : { rows, next }
  }

  /** From this peer's own store. */
  async certificates(job: Job, limit: number, cursor: string | undefined) {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, isText)
    const certificates: CertificateView[] = []
    let last: string | undefined
    let more = false
    for (const unit of job.units) {
      const prefix = `${unit.description.unit}/`
      const from = after !== undefined && after >= prefix ? `${after}~` : prefix
      const wanted = limit - certificates.length + 1
      const entries = await this.#options.store.range('certificate', from, `${prefix}~`, wanted)
      for (const entry of entries) {
        if (certificates.length === limit) {
          more = true
          break
        }
        if ('corrupt' in entry) continue
        const certificate = decodeStored(entry.value)
        if (isCertificate(certificate)) certificates.push(this.#view(certificate, unit))
        last = entry.key
      }
      if (more) break
    }
    return more && last !== undefined ? { certificates, next: encodeCursor(last) } : { certificates }
  }

  /** Open windows, marked so: from this peer's replica, or another's. */
  async #open(units: readonly PlacedUnit[], query: WindowQuery, key: Uint8Array | null, taken: number) {
    const rows: WindowRow[] = []
    for (const unit of units) {
      const limit = query.limit - taken - rows.length
      if (limit <= 0) break
      const { body } = (await this.#askOne(unit, {
        q: 'open',
        unit: unit.description.unit,
        limit,
      })) as unknown as OpenAnswer
      for (const row of readRows(body)) {
        if (row.kind !== ROW_WINDOW || (key !== null && Buffer.compare(row.key, key) !== 0)) continue
        if (query.from !== undefined && row.b <= query.from) continue
        if (query.to !== undefined && row.a >= query.to) continue
        const shown = { start: row.a, end: row.b, value: row.value, revision: row.revision, final: false }
        rows.push(rowView(unit, shown, { certified: false }))
      }
    }
    return rows
  }

  #row({ unit, row }: Found, certificates: CertificateList): WindowRow {
    const certificate = certificates.indexOf(unit.description.unit, row)
    return rowView(unit, row, certificate === undefined ? { certified: true } : { certified: true, certificate })
  }

  #view(certificate: Certificate, unit: PlacedUnit): CertificateView {
    const signerNames = certificate.signers.map(({ peer }) => this.#options.nameOf(peer))
    return { certificate, write: unit.description.write, members: this.#membersOf(unit), signerNames }
  }

  #membersOf({ description }: PlacedUnit): readonly PeerId[] {
    return this.#options.node.unit(description.unit)?.term.members ?? description.members
  }

  /** The first replica that answers, this peer's own if it has one. */
  async #askOne(unit: PlacedUnit, request: PeerRequest): Promise<Wire> {
    const { node, answer } = this.#options
    const alive = node.alive()
    const members = this.#membersOf(unit)
    const order = [...members].sort((a, b) => rankOf(a) - rankOf(b))
    function rankOf(peer: PeerId): number {
      return peer === node.self ? 0 : alive.has(peer) ? 1 : 2
    }
    let failure: unknown
    for (const member of order) {
      try {
        if (member === node.self) return await answer(request)
        return await node.request(member, request as unknown as Wire, ASK_TIMEOUT_MS)
      } catch (error) {
        failure = error
      }
    }
    const what = `no replica of unit ${unit.description.unit} answered`
    throw new QuorateError('QRT_QUORUM_NOT_MET', what, { cause: failure })
  }
}

/** The certificates of a page, each once, found by the cut that a row came with. */
class CertificateList {
  readonly used: CertificateView[] = []
  readonly #known: readonly CertificateView[]
  readonly #indexes = new Map<CertificateView, number>()

  constructor(known: readonly CertificateView[]) {
    this.#known = known
  }

  indexOf(unit: UnitId, { position }: CertifiedRow): number | undefined {
    const view = this.#known.find(
      ({ certificate: { content } }) => content.unit === unit && comparePositions(content, position) === 0,
    )
    if (view === undefined) return undefined
    const known = this.#indexes.get(view)
    if (known !== undefined) return known
    this.#indexes.set(view, this.used.push(view) - 1)
    return this.used.length - 1
  }
}

const lastStage = (job: Job): PlacedUnit[] => {
  const last = job.body.compiled.stages.length - 1
  return job.units.filter(({ stage }) => stage === last)
}

type ShownRow = Pick<CertifiedRow, 'start' | 'end' | 'value' | 'revision' | 'final'>

function rowView(
  unit: PlacedUnit,
  row: ShownRow,
  certified: Pick<WindowRow, 'certified'> | Pick<WindowRow, 'certified' | 'certificate'>,
): WindowRow {
  const {
    key,
    window: _window,
    revision: _revision,
    final: _final,
    ...values
  } = fromJson(Buffer.from(row.value).toString()) as Record<string, unknown>
  return {
    window: { start: formatInstant(row.start), end: formatInstant(row.end) },
    key,
    values,
    revision: row.revision,
    final: row.final,
    unit: unit.description.unit,
    ...certified,
  }
}

/** A row's place as JSON holds it. */
interface RowCursor {
  readonly end: number
  readonly start: number
  /** Base64. */
  readonly key: string
}

const cursorOf = ({ end, start, key }: RowPlace): RowCursor => ({
  end,
  start,
  key: Buffer.from(key).toString('base64'),
})

const placeOf = ({ end, start, key }: RowCursor): RowPlace => ({
  end,
  start,
  key: new Uint8Array(Buffer.from(key, 'base64')),
})

function isRowCursor(value: unknown): value is RowCursor {
  const cursor = value as Partial<RowCursor> | null
  return (
    typeof cursor === 'object' &&
    typeof cursor?.end === 'number' &&
    typeof cursor.start === 'number' &&
    typeof cursor.key === 'string'
  )
}

const isText = (value: unknown): value is string => typeof value === 'string'

function isLetterCursor(value: unknown): value is { readonly unit: number; readonly place: LetterPlace } {
  const cursor = value as { readonly unit?: unknown; readonly place?: Partial<LetterPlace> } | null
  return (
    typeof cursor === 'object' &&
    Number.isSafeInteger(cursor?.unit) &&
    Number.isSafeInteger(cursor?.place?.seq) &&
    Number.isSafeInteger(cursor?.place?.part) &&
    Number.isSafeInteger(cursor?.place?.index)
  )
}
