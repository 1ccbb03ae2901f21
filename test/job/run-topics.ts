/** Runs a job on the operators that peers run, without a broker: topics in, rows out. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { JobDocument } from '../../src/job/document.ts'
import { parseJob } from '../../src/job/parse.ts'
import { loadBeside } from '../../src/job/reference.ts'
import { runCase } from '../../src/job/testing/run.ts'
import type { TestEvent } from '../../src/job/testing/suite.ts'

export type Row = Readonly<Record<string, unknown>>

export interface TopicRecord {
  readonly topic: string
  readonly value: object
}

/** A job document of the repository, by its path in it. */
export function readJob(path: string): JobDocument {
  const file = new URL(`../../${path}`, import.meta.url).pathname
  return parseJob(readFileSync(file, 'utf8'), 'yaml', file, loadBeside(file))
}

/**
 * Gives a job the records of its sources in their order, dealt out over the partitions of each topic, and an end.
 * Of a window's rows only the last of each key is given back.
 */
export function runTopics(document: JobDocument, records: Iterable<TopicRecord>, partitions: number): Row[] {
  const { name } = document
  const given: TestEvent[] = []
  const counts = new Map<string, number>()
  for (const { topic, value } of records) {
    const place = counts.get(topic) ?? 0
    counts.set(topic, place + 1)
    for (const { name: source, topic: read } of document.sources) {
      if (topic !== read) continue
      const partition = place % partitions
      given.push({
        kind: 'record',
        source,
        value: { kind: 'value', value },
        partition,
        key: undefined,
        headers: {},
      })
    }
  }
  const testCase = { name, partitions, startMs: 0, end: true, given, rows: [], deadLetters: [] }
  const { rows, deadLetters } = runCase(document, testCase)
  assert.deepEqual(deadLetters.slice(0, 3), [], `${name} takes every record`)
  return latest(rows.map((text) => JSON.parse(text) as Row))
}

/** Rows without a window are records; of the others each key of each window counts once. */
function latest(rows: readonly Row[]): Row[] {
  const kept = new Map<string, Row>()
  rows.forEach((row, i) => {
    const identity = row.window === undefined ? String(i) : JSON.stringify([row.window, row.key])
    if (row.removed === true) kept.delete(identity)
    else kept.set(identity, row.window === undefined ? (row.value as Row) : row)
  })
  return [...kept.values()]
}

/** By text, so that rows need no order of their own. */
export const inTextOrder = (rows: readonly (readonly unknown[])[]): (readonly unknown[])[] =>
  rows
    .map((row) => [JSON.stringify(row), row] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, row]) => row)
