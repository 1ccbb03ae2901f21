/**
 * What a retired identity leaves in its data directory is kept in a folder named by its id: it may be all that is left of
 * something, and is no peer's business any more. The store goes first and the identity last, so that an interruption leaves
 * an identity without its store, which the others retire again; a new identity beside an old store must never be.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory } from '../../mesh/index.ts'

/** The write-ahead log before its database: beside another database it would be taken for that one's. */
const ORDER = [/^store\.sqlite-/, /^store\.sqlite$/, /^identity\b/]

/** @returns the folder */
export function setAside(dataDirectory: string, id: string): string {
  const folder = freeName(join(dataDirectory, id))
  mkdirSync(folder)
  const entries = readdirSync(dataDirectory)
  for (const pattern of ORDER) {
    for (const name of entries.filter((entry) => pattern.test(entry))) {
      renameSync(join(dataDirectory, name), join(folder, name))
      syncDirectory(dataDirectory)
    }
  }
  syncDirectory(folder)
  return folder
}

/** An interrupted attempt has left its own. */
function freeName(path: string): string {
  if (!existsSync(path)) return path
  for (let number = 2; ; number++) if (!existsSync(`${path}-${number}`)) return `${path}-${number}`
}
