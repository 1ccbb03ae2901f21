/**
 * What is kept in a checkpoint, written and read: the jobs of a cluster, and of each unit the newest certified snapshots
 * with their certificates and terms. It runs on the commit thread, where hashing a large state delays no vote.
 */
import {
  bodiesOf,
  type Certificate,
  type ControlDocument,
  contentDigest,
  type Digest,
  decodeStored,
  encodeStored,
  isCertificate,
  isControlDocument,
  isDigest,
  isTermList,
  type JobEntry,
  type Term,
  type UnitId,
} from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'
import { CHUNK_BYTES, decodeSnapshot, stateLeaves } from '../replica/snapshots.ts'
import {
  type CheckpointPlace,
  documentFolder,
  generationFolder,
  jobName,
  pairIn,
  pairName,
  unitFolder,
} from './place.ts'

/** Of a unit: the number of its cut, and the term up to which its state holds what was decided. */
export interface CheckpointMark {
  readonly seq: number
  readonly applied: number
}

export interface UnitCheckpoint extends CheckpointMark {
  /** Names the state for `chunk`. */
  readonly name: string
  readonly certificate: Certificate
  readonly terms: readonly Term[]
  readonly size: number
  readonly leaves: readonly Digest[]
}

/** The part of a control document that outlives its cluster. */
export interface KeptDocument {
  readonly cluster: string
  readonly submissions: number
  readonly jobs: readonly JobEntry[]
}

export interface CheckpointKeeper {
  /** @param snapshot as the store has it */
  saveUnit(
    cluster: string,
    certificate: Certificate,
    terms: readonly Term[],
    snapshot: Uint8Array,
  ): Promise<CheckpointMark>
  /** The newest of a unit. */
  latest(cluster: string, unit: UnitId): Promise<CheckpointMark | undefined>
  readUnit(cluster: string, unit: UnitId): Promise<UnitCheckpoint | undefined>
  /** The same for one that is known by its name. */
  readNamed(cluster: string, unit: UnitId, name: string): Promise<UnitCheckpoint | undefined>
  /** A piece of its state. */
  chunk(cluster: string, unit: UnitId, name: string, index: number): Promise<Uint8Array | undefined>
  saveDocument(document: ControlDocument, bodies: readonly Uint8Array[]): Promise<void>
  readDocument(cluster: string): Promise<KeptDocument | undefined>
  readBody(cluster: string, hash: string): Promise<Uint8Array | undefined>
  /** A job was deleted: what is kept of its units goes. */
  forget(cluster: string, generation: string): Promise<void>
  /** Names of clusters that have checkpoints here. */
  clusters(): Promise<readonly string[]>
}

export const KEEPER_CALLS = [
  ...['saveUnit', 'latest', 'readUnit', 'readNamed', 'chunk'],
  ...['saveDocument', 'readDocument', 'readBody', 'forget', 'clusters'],
] as readonly (keyof CheckpointKeeper)[]

/** The newest, and the one before for the day on which the newest cannot be read. */
const KEPT = 2

export class Keeper implements CheckpointKeeper {
  readonly #place: CheckpointPlace

  constructor(place: CheckpointPlace) {
    this.#place = place
  }

  async saveUnit(cluster: string, certificate: Certificate, terms: readonly Term[], snapshot: Uint8Array) {
    const { unit } = certificate.content
    const decoded = decodeSnapshot(unit, snapshot)
    if (decoded === undefined || decoded.digest !== contentDigest(certificate.content)) {
      throw new QuorateError(
        'QRT_STORE_CORRUPT',
        `the snapshot of ${unit} at cut ${certificate.content.seq} on this disk is not the certified one; nothing was written`,
      )
    }
    const mark = { seq: certificate.content.seq, applied: decoded.course.applied }
    const folder = unitFolder(cluster, unit)
    const newest = await this.latest(cluster, unit)
    if (newest !== undefined && newest.seq >= mark.seq) return newest
    const name = `${folder}/${pairName(mark.seq, mark.applied)}`
    const leaves = stateLeaves(decoded.bytes)
    await this.#place.create(`${name}.state`, decoded.bytes)
    const size = decoded.bytes.length
    await this.#place.create(`${name}.json`, encodeStored({ version: 1, certificate, terms, size, leaves }))
    await this.#prune(folder)
    return mark
  }

  async latest(cluster: string, unit: UnitId): Promise<CheckpointMark | undefined> {
    const newest = namesWith('.json', await this.#place.names(unitFolder(cluster, unit))).pop()
    const [seq, applied] = pairIn(newest ?? '', '.json') ?? []
    return seq === undefined || applied === undefined ? undefined : { seq, applied }
  }

  async readUnit(cluster: string, unit: UnitId): Promise<UnitCheckpoint | undefined> {
    const names = namesWith('.json', await this.#place.names(unitFolder(cluster, unit))).reverse()
    for (const name of names) {
      const found = await this.readNamed(cluster, unit, name.slice(0, -'.json'.length))
      if (found !== undefined) return found
    }
    return undefined
  }

  async readNamed(cluster: string, unit: UnitId, name: string): Promise<UnitCheckpoint | undefined> {
    const [seq, applied] = pairIn(`${name}.json`, '.json') ?? []
    const value = parsed(await this.#place.read(`${unitFolder(cluster, unit)}/${name}.json`))
    if (value?.version !== 1 || seq === undefined || applied === undefined) return undefined
    const { certificate, terms, size, leaves } = value
    if (!isCertificate(certificate) || certificate.content.unit !== unit || !isTermList(terms)) return undefined
    if (!Number.isSafeInteger(size) || !Array.isArray(leaves) || !leaves.every(isDigest)) return undefined
    return { seq, applied, name, certificate, terms, size: size as number, leaves }
  }

  chunk(cluster: string, unit: UnitId, name: string, index: number): Promise<Uint8Array | undefined> {
    const range = { from: index * CHUNK_BYTES, length: CHUNK_BYTES }
    return this.#place.read(`${unitFolder(cluster, unit)}/${name}.state`, range)
  }

  /** @param bodies every one that the document names, in the order of bodiesOf */
  async saveDocument(document: ControlDocument, bodies: readonly Uint8Array[]): Promise<void> {
    const { cluster, forced, number } = document
    const hashes = bodiesOf(document)
    for (const [index, body] of bodies.entries()) {
      const hash = hashes[index]
      if (hash !== undefined) await this.#place.create(jobName(cluster, hash), body)
    }
    const folder = documentFolder(cluster)
    await this.#place.create(`${folder}/${pairName(forced, number)}.json`, encodeStored(document))
    const old = namesWith('.json', await this.#place.names(folder)).slice(0, -KEPT)
    for (const name of old) await this.#place.remove(`${folder}/${name}`)
  }

  async readDocument(cluster: string): Promise<KeptDocument | undefined> {
    const folder = documentFolder(cluster)
    for (const name of namesWith('.json', await this.#place.names(folder)).reverse()) {
      const document = parsed(await this.#place.read(`${folder}/${name}`))
      if (isControlDocument(document)) return document
    }
    return undefined
  }

  readBody(cluster: string, hash: string): Promise<Uint8Array | undefined> {
    return this.#place.read(jobName(cluster, hash))
  }

  async forget(cluster: string, generation: string): Promise<void> {
    const folder = generationFolder(cluster, generation)
    for (const unit of await this.#place.names(folder)) {
      for (const name of await this.#place.names(`${folder}/${unit}`)) {
        await this.#place.remove(`${folder}/${unit}/${name}`)
      }
    }
  }

  clusters(): Promise<readonly string[]> {
    return this.#place.names('')
  }

  /** What tells of a snapshot goes before its state, and states that somebody may be about to tell of stay. */
  async #prune(folder: string): Promise<void> {
    const names = await this.#place.names(folder)
    const told = namesWith('.json', names)
    const [oldest] = told.slice(-KEPT)
    if (oldest === undefined) return
    for (const name of told.slice(0, -KEPT)) await this.#place.remove(`${folder}/${name}`)
    const from = oldest.replace('.json', '.state')
    for (const name of namesWith('.state', names)) if (name < from) await this.#place.remove(`${folder}/${name}`)
  }
}

const namesWith = (ending: string, names: readonly string[]): string[] =>
  names.filter((name) => pairIn(name, ending) !== undefined)

/** Undefined when there is nothing, or something else than an object. */
function parsed(bytes: Uint8Array | undefined): Readonly<Record<string, unknown>> | undefined {
  if (bytes === undefined) return undefined
  try {
    const value = decodeStored(bytes)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    // Damaged, or not ours: the one before it is looked at.
    return undefined
  }
}
