/**
 * What a job has given besides its windows, unit by unit, in pages: dead letters and certificates. A cursor is the place of
 * the last item given.
 */
import { type Certificate, type CutPosition, isCertificate, type PeerId } from '../../mesh/index.ts'
import type { CertificateView } from '../http/api.ts'
import { fromJson } from '../http/json.ts'
import { LIMITS } from '../limits.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { Job, PlacedUnit } from './jobs.ts'
import type { Replicas } from './replicas.ts'
import type { CertificatesAnswer, LetterAnswer, LetterPlace } from './requests.ts'

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next?: string
}

interface Placed<Item, Place> {
  readonly item: Item
  readonly place: Place
}

export class Queries {
  readonly #replicas: Replicas
  readonly #nameOf: (peer: PeerId) => string

  constructor(replicas: Replicas, nameOf: (peer: PeerId) => string) {
    this.#replicas = replicas
    this.#nameOf = nameOf
  }

  deadLetters(job: Job, limit: number, cursor: string | undefined): Promise<Page<object>> {
    return pageThrough(job, limit, cursor, isLetterPlace, async (unit, after: LetterPlace | null, atMost) => {
      const request = { q: 'deadLetters', unit: unit.description.unit, after, limit: atMost } as const
      const { letters } = (await this.#replicas.ask(unit, request)) as unknown as LetterAnswer
      return letters.map(({ place, value }) => ({
        place,
        item: {
          stage: unit.stage,
          topic: unit.description.topic,
          ...(fromJson(Buffer.from(value).toString()) as object),
        },
      }))
    })
  }

  certificates(job: Job, limit: number, cursor: string | undefined): Promise<Page<CertificateView>> {
    return pageThrough(job, limit, cursor, isPosition, async (unit, after: CutPosition | null, atMost) => {
      const request = { q: 'certificates', unit: unit.description.unit, after, limit: atMost } as const
      const { certificates } = (await this.#replicas.ask(unit, request)) as unknown as CertificatesAnswer
      return certificates.filter(isCertificate).map((certificate) => {
        const { seq, part } = certificate.content
        return { place: { seq, part }, item: this.view(certificate, unit) }
      })
    })
  }

  view(certificate: Certificate, unit: PlacedUnit): CertificateView {
    const signerNames = certificate.signers.map(({ peer }) => this.#nameOf(peer))
    return { certificate, write: unit.description.write, members: this.#replicas.of(unit), signerNames }
  }
}

/** Through the units in order, until there is a page and one item more: that one says that there is a next page. */
async function pageThrough<Item, Place>(
  { units }: Job,
  limit: number,
  cursor: string | undefined,
  isPlace: (value: unknown) => value is Place,
  ask: (unit: PlacedUnit, after: Place | null, atMost: number) => Promise<readonly Placed<Item, Place>[]>,
): Promise<Page<Item>> {
  const isCursor = (value: unknown): value is { readonly unit: number; readonly place: Place } => {
    const read = value as { readonly unit?: unknown; readonly place?: unknown } | null
    return typeof read === 'object' && Number.isSafeInteger(read?.unit) && isPlace(read?.place)
  }
  const start = cursor === undefined ? undefined : decodeCursor(cursor, isCursor)
  const found: (Placed<Item, Place> & { readonly unit: number })[] = []
  for (const [index, unit] of units.entries()) {
    if (start !== undefined && index < start.unit) continue
    let after = start?.unit === index ? start.place : null
    for (let more = true; more && found.length <= limit; ) {
      const atMost = Math.min(limit + 1 - found.length, LIMITS.answerItems)
      const answered = await ask(unit, after, atMost)
      found.push(...answered.map((each) => ({ ...each, unit: index })))
      after = answered[answered.length - 1]?.place ?? after
      more = answered.length === atMost
    }
  }
  const items = found.slice(0, limit).map(({ item }) => item)
  const last = found[limit - 1]
  if (found.length <= limit || last === undefined) return { items }
  return { items, next: encodeCursor({ unit: last.unit, place: last.place }) }
}

function isPosition(value: unknown): value is CutPosition {
  const position = value as Partial<CutPosition> | null
  return typeof position === 'object' && Number.isSafeInteger(position?.seq) && Number.isSafeInteger(position?.part)
}

const isLetterPlace = (value: unknown): value is LetterPlace =>
  isPosition(value) && Number.isSafeInteger((value as Partial<LetterPlace>).index)
