/** Statements run as a job, and by SQLite, over the same rows. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { parseJob } from '../../src/job/parse.ts'
import { runCase } from '../../src/job/testing/run.ts'
import { compileSql } from '../../src/sql/index.ts'

export type Cell = number | string | null
export type Rows = readonly Readonly<Record<string, Cell>>[]

export const SETTINGS = 'SET quorum.replicas = 1; SET quorum.write = 1; SET quorum.read = 1;\n'

/** What came out, with what went to dead letters. */
export async function asJob(text: string, records: Rows) {
  const { yaml } = await compileSql(SETTINGS + text, 'test.sql', 'test')
  const given = records.map((value) => ({
    kind: 'record' as const,
    // NULL is a field that is null, or none at all.
    value: { kind: 'value' as const, value: value.id === 0 ? withoutNulls(value) : value },
    source: undefined,
    partition: 0,
    key: undefined,
    headers: {},
  }))
  const testCase = { name: 'test', partitions: 1, startMs: 0, end: true, given, rows: [], deadLetters: [] }
  return runCase(parseJob(yaml, 'yaml', 'test.sql'), testCase)
}

const withoutNulls = (record: Readonly<Record<string, Cell>>) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null))

/** The answer of SQLite to a query over tables of these columns and rows. */
export function bySqlite(
  tables: Readonly<Record<string, { readonly columns: string; readonly records: Rows }>>,
  query: string,
): Record<string, unknown>[] {
  const database = new DatabaseSync(':memory:')
  try {
    database.exec('PRAGMA case_sensitive_like = ON')
    for (const [table, { columns, records }] of Object.entries(tables)) {
      database.exec(`CREATE TABLE ${table} (${columns})`)
      for (const record of records) {
        const names = Object.keys(record)
        const insert = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
        database.prepare(insert).run(...names.map((name): SQLInputValue => record[name] ?? null))
      }
    }
    return database
      .prepare(query)
      .all()
      .map((row) => ({ ...row }))
  } finally {
    database.close()
  }
}
