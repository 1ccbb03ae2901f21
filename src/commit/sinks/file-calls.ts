/**
 * What the file sink asks of a file system, one call for each thing that can be interrupted, so that its tests can end a
 * process between any two of them. A name appears whole or not at all: a file is written and synced under another name
 * first, and link(2), unlike rename(2), never replaces what is there.
 */
import { link, mkdir, open, opendir, readFile, rm, stat } from 'node:fs/promises'

export interface FileCalls {
  makeDirectory(path: string): Promise<void>
  /** Creates a file, durable once this resolves; its name in the directory may not be. */
  write(path: string, bytes: Uint8Array): Promise<void>
  /** A second name for a file; false when the name is taken, and nothing was changed. */
  link(from: string, to: string): Promise<boolean>
  /** No complaint when it is gone already. */
  remove(path: string): Promise<void>
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>
  /** Undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Every name in a directory, one after another, in no order; none when there is no directory. */
  names(path: string, each: (name: string) => void): Promise<void>
  /** Epoch milliseconds, by the clock of whoever keeps the files; undefined when there is none. */
  writtenAt(path: string): Promise<number | undefined>
}

export const FILES: FileCalls = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true })
  },
  async write(path, bytes) {
    const file = await open(path, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  },
  link: (from, to) =>
    link(from, to).then(
      () => true,
      otherwise('EEXIST', () => false),
    ),
  remove: (path) => rm(path, { force: true }),
  async syncDirectory(path) {
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
  read: (path) =>
    readFile(path).then(
      (bytes) => bytes,
      otherwise('ENOENT', () => undefined),
    ),
  async names(path, each) {
    const directory = await opendir(path).catch(otherwise('ENOENT', () => undefined))
    if (directory === undefined) return
    for await (const { name } of directory) each(name)
  },
  writtenAt: (path) =>
    stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      otherwise('ENOENT', () => undefined),
    ),
}

function otherwise<T>(code: string, value: () => T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) === code) return value()
    throw error
  }
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
