/**
 * The Store on one SQLite file. A write is one transaction and one sync (WAL, synchronous=FULL); the file is locked for
 * as long as it is open, since two processes under one identity would vote twice.
 *
 * A write that fails is the last one: after a failed sync nobody knows what the disk holds, and what was promised in
 * order must not be kept with a hole in it. Reads go on, for whoever looks for the cause.
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { QuorateError } from '../errors.ts'
import { checksumOf, keyBytes, keyText } from './entry.ts'
import { STORE_TABLES, type Store, type StoreEntry, type StoreOp, type StoreTable } from './store.ts'

const SCHEMA_VERSION = 1
/** How long a start waits for the previous process to let go of the file. */
const LOCK_TIMEOUT_MS = 2_000

interface Statements {
  readonly put: StatementSync
  readonly delete: StatementSync
  readonly deleteRange: StatementSync
  readonly get: StatementSync
  readonly range: StatementSync
}

/** The file itself, synchronous: what a thread of its own runs. */
export class SqliteFile {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #statements = new Map<StoreTable, Statements>()
  #failure: QuorateError | undefined

  constructor(file: string) {
    this.#file = file
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      this.#database = new DatabaseSync(file, { timeout: LOCK_TIMEOUT_MS })
    } catch (cause) {
      throw this.#error('cannot be opened', cause)
    }
    try {
      this.#prepare()
    } catch (cause) {
      this.#database.close()
      throw cause instanceof QuorateError ? cause : this.#error('cannot be opened', cause)
    }
  }

  #prepare(): void {
    const database = this.#database
    // macOS answers fsync before the disk has the bytes; elsewhere `fullfsync` changes nothing.
    database.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON`)
    database.exec('BEGIN IMMEDIATE')
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
    if (version !== 0 && version !== SCHEMA_VERSION) {
      throw this.#error(`has format ${version}, this version of Quorate reads format ${SCHEMA_VERSION}`)
    }
    for (const table of STORE_TABLES) {
      database.exec(
        `CREATE TABLE IF NOT EXISTS "${table}" (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT`,
      )
    }
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
    for (const table of STORE_TABLES) {
      this.#statements.set(table, {
        put: database.prepare(
          `INSERT INTO "${table}" (key, value, checksum) VALUES (?, ?, ?)
           ON CONFLICT (key) DO UPDATE SET value = excluded.value, checksum = excluded.checksum`,
        ),
        delete: database.prepare(`DELETE FROM "${table}" WHERE key = ?`),
        deleteRange: database.prepare(`DELETE FROM "${table}" WHERE key >= ? AND key < ?`),
        get: database.prepare(`SELECT value, checksum FROM "${table}" WHERE key = ?`),
        range: database.prepare(
          `SELECT key, value, checksum FROM "${table}" WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`,
        ),
      })
    }
  }

  /** Several writes in one transaction, in order: durable when it returns. */
  write(writes: readonly (readonly StoreOp[])[]): void {
    if (this.#failure !== undefined) throw this.#failure
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      for (const ops of writes) for (const op of ops) this.#apply(op)
      this.#database.exec('COMMIT')
    } catch (cause) {
      this.#failure = this.#error(
        'could not be written, and takes no more writes until the process restarts',
        cause,
        true,
      )
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw this.#failure
    }
  }

  #apply(op: StoreOp): void {
    const statements = this.#of(op.table)
    switch (op.kind) {
      case 'put': {
        const key = keyBytes(op.key)
        statements.put.run(key, op.value, checksumOf(op.table, key, op.value))
        return
      }
      case 'delete':
        statements.delete.run(keyBytes(op.key))
        return
      case 'deleteRange':
        statements.deleteRange.run(keyBytes(op.from), keyBytes(op.to))
        return
    }
  }

  get(table: StoreTable, key: string): Uint8Array | undefined {
    const bytes = keyBytes(key)
    const row = this.#read(() => this.#of(table).get.get(bytes))
    if (row === undefined) return undefined
    const value = row.value as Uint8Array
    if (row.checksum !== checksumOf(table, bytes, value)) {
      throw new QuorateError(
        'QRT_STORE_CORRUPT',
        `${this.#file}: the entry "${key}" of table ${table} does not match its checksum; it counts as unknown until it is repaired from other peers`,
      )
    }
    return value
  }

  range(table: StoreTable, from: string, to: string, limit: number): StoreEntry[] {
    const rows = this.#read(() => this.#of(table).range.all(keyBytes(from), keyBytes(to), limit))
    return rows.map((row) => {
      const bytes = row.key as Uint8Array
      const key = keyText(bytes)
      const value = row.value as Uint8Array
      return row.checksum === checksumOf(table, bytes, value) ? { key, value } : { key, corrupt: true }
    })
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  #of(table: StoreTable): Statements {
    const statements = this.#statements.get(table)
    if (statements === undefined) throw this.#error(`has no table "${table}"`)
    return statements
  }

  #read<T>(query: () => T): T {
    try {
      return query()
    } catch (cause) {
      throw this.#error('could not be read', cause)
    }
  }

  #error(what: string, cause?: unknown, indefinite = false): QuorateError {
    const { errcode, message } = (cause ?? {}) as { errcode?: number; message?: string }
    // SQLite's result codes: the low byte is the kind (sqlite.org/rescode.html).
    const kind = (errcode ?? 0) & 0xff
    const code = kind === 11 || kind === 26 ? 'QRT_STORE_CORRUPT' : 'QRT_STORE_FAILED'
    const hint =
      kind === 5 || kind === 6 ? '; another process has it open: every peer needs a data directory of its own' : ''
    const why = message === undefined ? '' : `: ${message}`
    return new QuorateError(code, `the store ${this.#file} ${what}${why}${hint}`, {
      indefinite,
      ...(cause === undefined ? {} : { cause }),
    })
  }
}

/** A store that does its work on the calling thread: for tools and tests. */
export function openSqliteStore(file: string): Store {
  const sqlite = new SqliteFile(file)
  return {
    write: async (ops) => sqlite.write([ops]),
    get: async (table, key) => sqlite.get(table, key),
    range: async (table, from, to, limit) => sqlite.range(table, from, to, limit),
    close: async () => sqlite.close(),
  }
}
