/**
 * One file per batch, made under another name, synced, and linked to its own, which never replaces anything: whoever comes
 * second finds the first's file and compares. Nobody sees a file that is not whole. Names are those of object-names.ts; what is
 * being written is in `<unit>.partial/`, and `.quorate/peers/` says which peers write here.
 *
 *   certificate: write + sync, link, sync names   then   rows: write + sync, link, sync names
 *
 * The certificate holds the digest of what may be written at its position, so rows come only where it agrees.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type CutPosition, type Digest, furthest, type PeerId } from '../../../mesh/index.ts'
import { QuorateError } from '../../errors.ts'
import { type RowsFile, rowsFile } from '../format/file.ts'
import type { FileFormat } from '../format/plan.ts'
import { decodeRecord } from '../record.ts'
import type { CertifiedBatch, Sink, SinkProgress, UnitIdentity, UnitSink } from '../sink.ts'
import { sinkFailure } from './failure.ts'
import { codeOf, FILES, type FileCalls } from './file-calls.ts'
import { CERTIFICATE, certificateName, positionIn, rowsName, unitPath } from './object-names.ts'
import { compareDigests, isThere, progressOf } from './progress.ts'

/** What a process that ended was writing goes after this long; one that still writes is far quicker. */
const ABANDONED_MS = 24 * 60 * 60 * 1_000

/** Where a unit's files are. */
interface Places {
  readonly rows: string
  readonly certificates: string
  readonly partial: string
}

export class FileSink implements Sink {
  readonly name: string
  readonly #directory: string
  readonly #marks: string
  readonly #path: string
  readonly #self: PeerId
  readonly #file: RowsFile
  readonly #files: FileCalls

  /**
   * @param root that a peer gives to sinks of this kind
   * @param path of this sink, below it
   * @param format of the files; absent: JSON Lines
   */
  constructor(root: string, path: string, self: PeerId, format?: FileFormat, files: FileCalls = FILES) {
    this.name = `file:${path}`
    this.#directory = join(root, path)
    this.#marks = join(root, '.quorate', 'peers')
    this.#path = path
    this.#self = self
    this.#file = rowsFile(format, this.name)
    this.#files = files
  }

  /** Links one name twice: a file system that lets the second pass, or knows no links, cannot keep what is written. */
  async probe(): Promise<void> {
    const partial = join(this.#directory, `.probe-${randomUUID()}`)
    const target = `${partial}.linked`
    await this.#call('creating, linking and removing a file', async () => {
      await this.#files.makeDirectory(this.#directory)
      await this.#files.write(partial, new Uint8Array(1))
      const first = await this.#files.link(partial, target)
      const second = await this.#files.link(partial, target)
      await this.#files.syncDirectory(this.#directory)
      await this.#files.remove(partial)
      await this.#files.remove(target)
      if (first && !second) return
      throw new QuorateError(
        'QRT_SINK_UNSUPPORTED',
        `${this.name}: the file system let a link replace a file, so results could be lost there; use another one`,
      )
    })
  }

  async sharedBy(peers: readonly PeerId[]): Promise<boolean> {
    return this.#call('looking for other peers', async () => {
      await this.#files.makeDirectory(this.#marks)
      const own = join(this.#marks, this.#self)
      if ((await this.#files.read(own)) === undefined) await this.#mark(own)
      for (const peer of peers) if ((await this.#files.read(join(this.#marks, peer))) === undefined) return false
      return true
    })
  }

  async open(unit: UnitIdentity): Promise<UnitSink> {
    const base = join(this.#directory, unitPath(unit))
    const places: Places = { rows: base, certificates: `${base}.certificates`, partial: `${base}.partial` }
    let progress = await this.#call('reading what is there', async () => {
      await this.#clear(places.partial)
      return this.#progress(places)
    })
    let prepared = false
    return {
      get progress() {
        return progress
      },
      announced: () => this.#call('reading what is there', () => this.#announced(places)),
      write: async (batches) => {
        let written = false
        // One after another: the last file says that all before it are there.
        for (const batch of batches) {
          if (isThere(this.name, progress, batch)) continue
          const name = rowsName(batch.position, this.#file.ending)
          written = await this.#call(`writing ${name} of ${batch.unit}`, async () => {
            if (!prepared) await this.#prepare(places)
            prepared = true
            return (await this.#write(places, batch)) || written
          })
          progress = progressOf(batch)
        }
        return written ? 'written' : 'already'
      },
      close: async () => undefined,
    }
  }

  async close(): Promise<void> {}

  async #mark(own: string): Promise<void> {
    // Twice at once is no harm: the file says nothing but that it is there.
    const partial = `${own}.${randomUUID()}`
    await this.#files.write(partial, new Uint8Array())
    await this.#files.link(partial, own)
    await this.#files.remove(partial)
  }

  /** Directories, with their names durable up to the one that the peer was given. */
  async #prepare({ rows, certificates, partial }: Places): Promise<void> {
    for (const directory of [rows, certificates, partial]) await this.#files.makeDirectory(directory)
    let above = rows
    while (above.length > this.#directory.length) {
      above = join(above, '..')
      await this.#files.syncDirectory(above)
    }
    for (const _ of this.#path.split('/')) {
      above = join(above, '..')
      await this.#files.syncDirectory(above)
    }
  }

  async #write(places: Places, batch: CertifiedBatch): Promise<boolean> {
    const certificate = join(places.certificates, certificateName(batch.position))
    const bytes = this.#file.encode(batch.body, batch.outDigest)
    if (!(await this.#create(places, certificate, batch.record))) {
      compareDigests(this.name, batch, digestIn((await this.#files.read(certificate)) ?? new Uint8Array()))
    }
    await this.#files.syncDirectory(places.certificates)
    const rows = join(places.rows, rowsName(batch.position, this.#file.ending))
    const created = await this.#create(places, rows, bytes)
    if (!created) this.#compare(batch, bytes, await this.#files.read(rows))
    await this.#files.syncDirectory(places.rows)
    return created
  }

  /** False when there is a file of this name already. */
  async #create({ partial }: Places, path: string, bytes: Uint8Array): Promise<boolean> {
    const own = join(partial, randomUUID())
    await this.#files.write(own, bytes)
    const created = await this.#files.link(own, path)
    await this.#files.remove(own)
    return created
  }

  #compare(batch: CertifiedBatch, bytes: Uint8Array, found: Uint8Array | undefined): void {
    if (found !== undefined && Buffer.compare(bytes, found) === 0) return
    throw new QuorateError(
      'QRT_SINK_FORK',
      `${this.name} holds something else at cut ${batch.position.seq} part ${batch.position.part} of ${batch.unit}: expected ` +
        `the ${bytes.length} bytes that were certified, found ${found?.length ?? 'no'} others; nothing was overwritten, ` +
        'see who else writes there',
    )
  }

  /** The last position of which there is something in a directory, with names of this ending. */
  async #last(directory: string, ending: string): Promise<CutPosition | undefined> {
    let position: CutPosition | undefined
    await this.#files.names(directory, (name) => {
      position = furthest(position, positionIn(name, ending))
    })
    return position
  }

  async #announced({ certificates }: Places): Promise<SinkProgress | undefined> {
    const position = await this.#last(certificates, CERTIFICATE)
    const record = position && (await this.#files.read(join(certificates, certificateName(position))))
    const outDigest = digestIn(record ?? new Uint8Array())
    return position && record && outDigest && { position, outDigest, record }
  }

  async #progress({ rows, certificates }: Places): Promise<SinkProgress | undefined> {
    const position = await this.#last(rows, this.#file.ending)
    if (position === undefined) return undefined
    const certificate = await this.#files.read(join(certificates, certificateName(position)))
    const outDigest = digestIn(certificate ?? new Uint8Array())
    if (certificate === undefined || outDigest === undefined) {
      throw new QuorateError(
        'QRT_SINK_REFUSED',
        `${this.name}: expected the certificate of ${join(rows, rowsName(position, this.#file.ending))} in ${certificates}, found ` +
          `${certificate === undefined ? 'none' : 'something else'}; Quorate did not write it, or it was removed`,
      )
    }
    return { position, outDigest, record: certificate }
  }

  /** Removes what processes that ended left half-written. */
  async #clear(partial: string): Promise<void> {
    const names: string[] = []
    await this.#files.names(partial, (name) => names.push(join(partial, name)))
    for (const path of names) {
      const writtenAt = await this.#files.writtenAt(path)
      if (writtenAt !== undefined && Date.now() - writtenAt > ABANDONED_MS) await this.#files.remove(path)
    }
  }

  async #call<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (error instanceof QuorateError) throw error
      const context = { sink: this.name, doing, secrets: [] }
      const code = codeOf(error) ?? ''
      if (UNSUPPORTED.has(code)) throw sinkFailure('QRT_SINK_UNSUPPORTED', context, error, false)
      if (REFUSALS.has(code)) throw sinkFailure('QRT_SINK_REFUSED', context, error, false)
      // A full disk, a lost mount, a missing permission: it can be mended, so it is tried again.
      throw sinkFailure('QRT_SINK_UNREACHABLE', context, error, true)
    }
  }
}

/** A file system without links says one of these. */
const UNSUPPORTED: ReadonlySet<string> = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EXDEV', 'EMLINK'])
/** What no repetition changes. */
const REFUSALS: ReadonlySet<string> = new Set(['ENAMETOOLONG', 'ENOTDIR', 'ELOOP', 'EFBIG'])

/** Of what a certificate certifies; undefined when the bytes are none. */
const digestIn = (bytes: Uint8Array): Digest | undefined => decodeRecord(bytes)?.certificate.content.outDigest
