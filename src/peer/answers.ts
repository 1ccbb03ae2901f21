/** What this peer answers others, and itself, from the batches and replicas it holds. */
import {
  type Certificate,
  type CutPosition,
  comparePositions,
  decodeStored,
  isCertificate,
  type MeshNode,
  positionKey,
  type UnitId,
  type Wire,
} from '../../mesh/index.ts'
import { type OpenRange, readRows } from '../../operators/index.ts'
import type { UnitStatus } from '../http/api.ts'
import type { BatchCache } from '../read/cache.ts'
import type { Reader } from '../read/quorum.ts'
import type { Giving } from '../replica/giving.ts'
import type { ReplicaHost } from '../replica/host.ts'
import type { HostedUnit } from '../replica/hosted.ts'
import type { Store } from '../store/store.ts'
import {
  type CertificatesAnswer,
  isPeerRequest,
  type LetterAnswer,
  type LetterPlace,
  type OpenAnswer,
  type PeerRequest,
  type ResolveAnswer,
  type TermsAnswer,
} from './requests.ts'

export interface AnswersOptions {
  readonly node: MeshNode
  readonly host: ReplicaHost
  readonly giving: Giving
  readonly reader: Reader
  readonly cache: BatchCache
  readonly store: Store
  readonly openRows: (unit: UnitId, range: OpenRange) => Promise<Uint8Array>
  readonly status: (hosted: HostedUnit) => UnitStatus
}

export class Answers {
  readonly #options: AnswersOptions

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /** @throws Error for what is no request, or about a unit that is not here: its text goes back to the asker */
  async answer(body: Wire): Promise<Wire> {
    if (!isPeerRequest(body)) throw new Error('this peer does not know such a request; it may run another version')
    const request = body as unknown as PeerRequest
    switch (request.q) {
      case 'rows':
        return (await this.#options.reader.answer(request)) as unknown as Wire
      case 'open': {
        this.#hosted(request.unit)
        const { key, from, to, after, limit } = request
        const range: OpenRange = {
          key: key ?? undefined,
          from: from ?? Number.NEGATIVE_INFINITY,
          to: to ?? Number.POSITIVE_INFINITY,
          after: after ?? undefined,
          limit,
        }
        const answer: OpenAnswer = { body: await this.#options.openRows(request.unit, range) }
        return answer as unknown as Wire
      }
      case 'status':
        return this.#options.status(this.#hosted(request.unit)) as unknown as Wire
      case 'deadLetters':
        return (await this.#deadLetters(request.unit, request.after, request.limit)) as unknown as Wire
      case 'terms': {
        const answer: TermsAnswer = { terms: this.#options.node.unit(request.unit)?.terms ?? [] }
        return answer as unknown as Wire
      }
      case 'resolve': {
        const { unit } = this.#hosted(request.unit).description
        const answer: ResolveAnswer = { accepted: this.#options.host.resolve(unit, request.what) }
        // Whoever gave the order need not give it again, whatever happens to this peer.
        await this.#options.node.durable()
        return answer as unknown as Wire
      }
      case 'handoff':
      case 'chunk':
      case 'batches':
        return this.#options.giving.answer(this.#hosted(request.unit), request)
      case 'certificates':
        return (await this.#certificates(request.unit, request.after, request.limit)) as unknown as Wire
    }
  }

  async #deadLetters(unit: UnitId, after: LetterPlace | null, limit: number): Promise<LetterAnswer> {
    const letters: LetterAnswer['letters'][number][] = []
    for (const { position, deadRows } of this.#hosted(unit).batches.entries) {
      if (letters.length >= limit) break
      if (deadRows === 0 || (after !== null && comparePositions(position, after) < 0)) continue
      const batch = await this.#options.cache.load(unit, position)
      let index = 0
      for (const { value } of readRows(batch?.deadLetters ?? new Uint8Array())) {
        const passed = after !== null && comparePositions(position, after) === 0 && index <= after.index
        if (!passed && letters.length < limit) letters.push({ place: { ...position, index }, value })
        index += 1
      }
    }
    return { letters }
  }

  async #certificates(unit: UnitId, after: CutPosition | null, limit: number): Promise<CertificatesAnswer> {
    this.#hosted(unit)
    const certificates: Certificate[] = []
    let from = after === null ? `${unit}/` : `${positionKey(unit, after)}~`
    // One that cannot be read any more is passed over, and does not make the answer look like the last.
    while (certificates.length < limit) {
      const entries = await this.#options.store.range('certificate', from, `${unit}/~`, limit - certificates.length)
      for (const entry of entries) {
        const certificate = 'corrupt' in entry ? undefined : decodeStored(entry.value)
        if (isCertificate(certificate)) certificates.push(certificate)
        from = `${entry.key}~`
      }
      if (entries.length === 0) break
    }
    return { certificates }
  }

  #hosted(unit: UnitId): HostedUnit {
    const hosted = this.#options.host.units.get(unit)
    if (hosted === undefined) throw new Error(`this peer holds no replica of ${unit}`)
    return hosted
  }
}
