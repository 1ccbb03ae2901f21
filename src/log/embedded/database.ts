/**
 * The file of the embedded log, shared by several processes of one machine: SQLite in WAL mode, every commit synced
 * (synchronous=FULL). A process that is killed leaves a transaction that was not committed, which the next one rolls
 * back; SQLite takes care of that.
 *
 * While another process writes, SQLite answers "busy". That is waited for here, without blocking the thread.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { QuorateError } from '../../errors.ts'

export const LOG_FILE = 'log.sqlite'
/** "qlog" in ASCII: the file is ours (PRAGMA application_id). */
const APPLICATION_ID = 0x716c6f67
const SCHEMA_VERSION = 1
/** How long another process may keep the file busy before that is an error. */
const BUSY_DEADLINE_MS = 30_000
/** Wait between tries: short, since a commit takes milliseconds; longer each time, up to the maximum. */
const BUSY_WAIT_MS = 1
const BUSY_WAIT_MAX_MS = 25

const SCHEMA = `
CREATE TABLE identity (id TEXT NOT NULL) STRICT;
-- AUTOINCREMENT: a topic that is deleted and created again is another one, and its readers see that.
CREATE TABLE topics (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  partitions INTEGER NOT NULL,
  cleanup_policy TEXT NOT NULL,
  retention_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE partitions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic INTEGER NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  start_offset INTEGER NOT NULL DEFAULT 0,
  end_offset INTEGER NOT NULL DEFAULT 0,
  UNIQUE (topic, number)
) STRICT;
-- A record batch (records/batch-header.ts) a row; rows are appended whatever the partition, found by the index.
CREATE TABLE batches (
  partition INTEGER NOT NULL REFERENCES partitions (id) ON DELETE CASCADE,
  next_offset INTEGER NOT NULL,
  appended_at INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX batches_by_offset ON batches (partition, next_offset);
CREATE TABLE writers (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE progress (
  topic INTEGER NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
  writer TEXT NOT NULL,
  progress BLOB NOT NULL,
  PRIMARY KEY (topic, writer)
) STRICT;
`

export class LogDatabase {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  private constructor(file: string, database: DatabaseSync) {
    this.#file = file
    this.#database = database
  }

  /** Opens the log of the directory, creating both when missing. */
  static async open(directory: string): Promise<LogDatabase> {
    const file = join(directory, LOG_FILE)
    let database: DatabaseSync | undefined
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      database = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: true })
      const opened = new LogDatabase(file, database)
      await opened.#waiting(() => opened.#prepare())
      return opened
    } catch (error) {
      if (database?.isOpen) database.close()
      throw error instanceof QuorateError ? error : openFailure(file, error)
    }
  }

  /** Opens the log for reading; somebody in this process has it open for writing. */
  static reading(directory: string): LogDatabase {
    const file = join(directory, LOG_FILE)
    try {
      return new LogDatabase(file, new DatabaseSync(file, { readOnly: true, timeout: 0 }))
    } catch (error) {
      throw openFailure(file, error)
    }
  }

  #prepare(): void {
    const database = this.#database
    // macOS answers fsync before the disk has the bytes; elsewhere `fullfsync` changes nothing.
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
      PRAGMA checkpoint_fullfsync = ON; PRAGMA journal_size_limit = 16777216`)
    this.#transaction(() => {
      const found = Number(this.get('PRAGMA application_id')?.application_id)
      const version = Number(this.get('PRAGMA user_version')?.user_version)
      const tables = Number(this.get('SELECT count(*) AS count FROM sqlite_schema')?.count)
      if (tables === 0) {
        database.exec(`${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`)
        this.run('INSERT INTO identity (id) VALUES (?)', randomUUID())
      } else if (found !== APPLICATION_ID || version !== SCHEMA_VERSION) {
        throw new QuorateError(
          'QRT_LOG_UNSUPPORTED',
          `expected an embedded log of format ${SCHEMA_VERSION} in ${this.#file}, found ` +
            `${found === APPLICATION_ID ? `format ${version}` : 'something else'}; use a directory of its own, or the version of Quorate that wrote it`,
        )
      }
    })
  }

  /** Runs `work` in one write transaction, when it is this process's turn. All of it is there afterwards, or nothing. */
  write<T>(work: () => T): Promise<T> {
    return this.#waiting(() => this.#transaction(work))
  }

  /** Runs `work` on one snapshot. */
  snapshot<T>(work: () => T): T {
    this.#database.exec('BEGIN')
    try {
      return work()
    } finally {
      this.#database.exec('COMMIT')
    }
  }

  get(sql: string, ...values: readonly (string | number | Uint8Array)[]): Record<string, unknown> | undefined {
    return this.#prepared(sql).get(...values)
  }

  all(sql: string, ...values: readonly (string | number | Uint8Array)[]): Record<string, unknown>[] {
    return this.#prepared(sql).all(...values)
  }

  iterate(sql: string, ...values: readonly (string | number | Uint8Array)[]): Iterable<Record<string, unknown>> {
    return this.#prepared(sql).iterate(...values)
  }

  run(sql: string, ...values: readonly (string | number | Uint8Array)[]): void {
    this.#prepared(sql).run(...values)
  }

  /** Changes whenever another connection, of whatever process, has committed something. */
  dataVersion(): number {
    return Number(this.get('PRAGMA data_version')?.data_version)
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE')
    let result: T
    try {
      result = work()
    } catch (error) {
      this.#rollback()
      throw error
    }
    try {
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      this.#rollback()
      // What the disk has after a failed sync nobody knows.
      throw this.unreachable('could not be written', error, true)
    }
  }

  #rollback(): void {
    if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK')
  }

  async #waiting<T>(attempt: () => T): Promise<T> {
    const deadline = performance.now() + BUSY_DEADLINE_MS
    for (let wait = BUSY_WAIT_MS; ; wait = Math.min(wait * 2, BUSY_WAIT_MAX_MS)) {
      try {
        return attempt()
      } catch (error) {
        if (error instanceof QuorateError) throw error
        if (!isBusy(error)) throw this.unreachable('could not be read or written', error)
        if (performance.now() > deadline) {
          throw this.unreachable(`was kept busy by another process for ${BUSY_DEADLINE_MS / 1000} s`, error)
        }
      }
      await delay(wait)
    }
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  /** What SQLite said, as an error of the log; what it did not say is a bug of ours and is thrown on. */
  unreachable(what: string, cause: unknown, indefinite = false): QuorateError {
    if (!isSqlite(cause)) throw cause
    const message = `the embedded log ${this.#file} ${what}: ${cause.message}`
    return new QuorateError('QRT_LOG_UNREACHABLE', message, { cause, indefinite })
  }
}

function openFailure(file: string, cause: unknown): QuorateError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new QuorateError('QRT_LOG_UNREACHABLE', `the embedded log ${file} cannot be opened: ${why}`, { cause })
}

const isSqlite = (error: unknown): error is Error & { readonly errcode: number } =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'

/** SQLITE_BUSY and SQLITE_LOCKED with their extended forms: the low byte is the kind (sqlite.org/rescode.html). */
export const isBusy = (error: unknown): boolean =>
  isSqlite(error) && ((error.errcode & 0xff) === 5 || (error.errcode & 0xff) === 6)
