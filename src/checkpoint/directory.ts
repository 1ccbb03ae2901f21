/** Checkpoints in a directory that all peers share: what is written is synced under another name and then linked. */
import { randomUUID } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, FILES } from '../commit/sinks/file-calls.ts'
import { QuorateError } from '../errors.ts'
import type { CheckpointPlace } from './place.ts'

/** What is being written; it ends in nothing that is read. */
const PARTIAL = '.partial'

export class DirectoryPlace implements CheckpointPlace {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  create(name: string, bytes: Uint8Array): Promise<void> {
    return this.#call(`writing ${name}`, async () => {
      const path = join(this.#root, name)
      const partial = `${path}.${randomUUID()}${PARTIAL}`
      await FILES.makeDirectory(dirname(path))
      await FILES.write(partial, bytes)
      await FILES.link(partial, path)
      await FILES.remove(partial)
      for (let above = dirname(path); above.length >= this.#root.length; above = dirname(above)) {
        await FILES.syncDirectory(above)
      }
    })
  }

  read(name: string, range?: { readonly from: number; readonly length: number }): Promise<Uint8Array | undefined> {
    const path = join(this.#root, name)
    return this.#call(`reading ${name}`, () => (range === undefined ? FILES.read(path) : readRange(path, range)))
  }

  names(folder: string): Promise<readonly string[]> {
    return this.#call(`reading ${folder}`, async () => {
      const names = await readdir(join(this.#root, folder)).catch(missing<string[]>([]))
      return names.filter((name) => !name.endsWith(PARTIAL)).sort()
    })
  }

  remove(name: string): Promise<void> {
    return this.#call(`removing ${name}`, () => FILES.remove(join(this.#root, name)))
  }

  async close(): Promise<void> {}

  async #call<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new QuorateError(
        'QRT_CHECKPOINT_UNREACHABLE',
        `checkpoints in ${this.#root}: ${doing} failed: ${why}; see that the directory can be written by this peer`,
        { cause },
      )
    }
  }
}

async function readRange(
  path: string,
  { from, length }: { readonly from: number; readonly length: number },
): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r').catch(missing(undefined))
  if (file === undefined) return undefined
  try {
    const bytes = new Uint8Array(length)
    let read = 0
    while (read < length) {
      const { bytesRead } = await file.read(bytes, read, length - read, from + read)
      if (bytesRead === 0) break
      read += bytesRead
    }
    return bytes.subarray(0, read)
  } finally {
    await file.close()
  }
}

function missing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) === 'ENOENT') return value
    throw error
  }
}
