/**
 * Pages of a job's windows: certified ones at read quorum and, where asked for, open ones, in one order. A cursor is the
 * place of the last row given, so pages stay right while results are added: a window that closes between two pages is found
 * at its place, only certified.
 */
import { type Certificate, comparePositions, type UnitId } from '../../mesh/index.ts'
import { canonicalJson, encodeUtf8, formatInstant, ROW_WINDOW, readRows } from '../../operators/index.ts'
import type { CertificateView, WindowPage, WindowQuery, WindowRow } from '../http/api.ts'
import { fromJson } from '../http/json.ts'
import { type CertifiedRow, compareRows } from '../read/local.ts'
import type { Reader } from '../read/quorum.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { Job, PlacedUnit } from './jobs.ts'
import type { Replicas } from './replicas.ts'
import type { OpenAnswer } from './requests.ts'

export interface WindowsOptions {
  readonly reader: Reader
  readonly replicas: Replicas
  readonly view: (certificate: Certificate, unit: PlacedUnit) => CertificateView
}

type ShownRow = Omit<CertifiedRow, 'position'>

/** A row that was found: with the cut that certifies it, or open. */
interface Found {
  readonly unit: PlacedUnit
  readonly row: ShownRow
  readonly position: CertifiedRow['position'] | undefined
}

export class Windows {
  readonly #options: WindowsOptions

  constructor(options: WindowsOptions) {
    this.#options = options
  }

  /** @throws QuorateError QRT_QUORUM_NOT_MET, QRT_REQUEST_INVALID for a cursor that is none */
  async page(job: Job, query: WindowQuery): Promise<WindowPage> {
    const units = lastStage(job)
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, isRowCursor)
    const [reads, open] = await Promise.all([
      Promise.all(units.map(async (unit) => ({ unit, read: await this.#certified(job, unit, query, after) }))),
      query.open === true ? Promise.all(units.map((unit) => this.#open(unit, query, after))) : [],
    ])
    const certified = reads.flatMap(({ unit, read }) =>
      read.rows.map((row): Found => ({ unit, row, position: row.position })),
    )
    // A replica may not have closed yet what is certified as final.
    const final = new Set(certified.filter(({ row }) => row.final).map(({ row }) => placeName(row)))
    const found = [...certified, ...open.flat().filter(({ row }) => !final.has(placeName(row)))]
    found.sort(
      (a, b) => compareRows(a.row, b.row) || Number(b.position !== undefined) - Number(a.position !== undefined),
    )
    const shown = found.slice(0, query.limit)
    const last = shown[shown.length - 1]
    const certificates = new CertificateList(
      reads.flatMap(({ read, unit }) => read.certificates.map((certificate) => this.#options.view(certificate, unit))),
    )
    return {
      rows: shown.map((each) => rowView(each, certificates)),
      certificates: certificates.used,
      mayBeStale: reads.some(({ read }) => read.mayBeStale),
      ...(found.length > shown.length && last !== undefined ? { next: encodeCursor(cursorOf(last)) } : {}),
    }
  }

  #certified(job: Job, unit: PlacedUnit, query: WindowQuery, after: RowCursor | undefined) {
    const request = {
      q: 'rows',
      ...rangeOf(unit, query),
      upTo: null,
      after: after === undefined ? null : placeOf(after),
    } as const
    const { reader, replicas } = this.#options
    return reader.read(request, replicas.of(unit), job.body.compiled.quorum, query.stale)
  }

  /** From this peer's replica, or another's. */
  async #open(unit: PlacedUnit, query: WindowQuery, after: RowCursor | undefined): Promise<Found[]> {
    const place = after === undefined ? null : { ...placeOf(after), inclusive: after.openNext }
    const answer = await this.#options.replicas.ask(unit, { q: 'open', ...rangeOf(unit, query), after: place })
    const { body } = answer as unknown as OpenAnswer
    const found: Found[] = []
    for (const { kind, a, b, key, value, revision } of readRows(body)) {
      if (kind !== ROW_WINDOW) continue
      found.push({ unit, row: { start: a, end: b, key, value, revision, final: false }, position: undefined })
    }
    return found
  }
}

function rangeOf({ description }: PlacedUnit, { key, from, to, limit }: WindowQuery) {
  return {
    unit: description.unit,
    key: key === undefined ? null : encodeUtf8(canonicalJson(key as never)),
    from: from ?? null,
    to: to ?? null,
    // The one more says whether there is a next page.
    limit: limit + 1,
  }
}

const lastStage = ({ body, units }: Job): PlacedUnit[] =>
  units.filter(({ stage }) => stage === body.compiled.stages.length - 1)

const placeName = ({ start, end, key }: ShownRow): string => `${start}/${end}/${Buffer.from(key).toString('latin1')}`

/** The certificates of a page, each once, found by the cut that a row came with. */
class CertificateList {
  readonly used: CertificateView[] = []
  readonly #known: readonly CertificateView[]
  readonly #indexes = new Map<CertificateView, number>()

  constructor(known: readonly CertificateView[]) {
    this.#known = known
  }

  indexOf(unit: UnitId, position: CertifiedRow['position']): number | undefined {
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

function rowView({ unit, row, position }: Found, certificates: CertificateList): WindowRow {
  const {
    key,
    window: _window,
    revision: _revision,
    final: _final,
    ...values
  } = fromJson(Buffer.from(row.value).toString()) as Record<string, unknown>
  const certificate = position === undefined ? undefined : certificates.indexOf(unit.description.unit, position)
  return {
    window: { start: formatInstant(row.start), end: formatInstant(row.end) },
    key,
    values,
    revision: row.revision,
    final: row.final,
    unit: unit.description.unit,
    certified: position !== undefined,
    ...(certificate === undefined ? {} : { certificate }),
  }
}

/** A row's place as JSON holds it. */
interface RowCursor {
  readonly end: number
  readonly start: number
  /** Base64. */
  readonly key: string
  /** The row was certified and not final: the open window at the same place comes next. */
  readonly openNext: boolean
}

const cursorOf = ({ row: { end, start, key, final }, position }: Found): RowCursor => ({
  end,
  start,
  key: Buffer.from(key).toString('base64'),
  openNext: position !== undefined && !final,
})

const placeOf = ({ end, start, key }: RowCursor) => ({ end, start, key: new Uint8Array(Buffer.from(key, 'base64')) })

function isRowCursor(value: unknown): value is RowCursor {
  const cursor = value as Partial<RowCursor> | null
  return (
    typeof cursor === 'object' &&
    typeof cursor?.end === 'number' &&
    typeof cursor.start === 'number' &&
    typeof cursor.key === 'string' &&
    typeof cursor.openNext === 'boolean'
  )
}
