/** Runs a Nexmark job of configs/nexmark on the operators that peers run, without a broker: topics in, rows out. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parseJob } from '../../src/job/parse.ts'
import { loadBeside } from '../../src/job/reference.ts'
import { runCase } from '../../src/job/testing/run.ts'
import type { TestEvent } from '../../src/job/testing/suite.ts'
import { PARTITIONS } from './tables.ts'

export type Row = Readonly<Record<string, unknown>>

export interface TopicRecord {
  readonly topic: string
  readonly value: object
}

/**
 * Gives the job the records of its source in their order, dealt out over its partitions, and an end.
 * Of a window's rows only the last of each key is given back.
 */
export function runJob(name: string, records: Iterable<TopicRecord>): Row[] {
  const file = new URL(`../../configs/nexmark/${name}.yaml`, import.meta.url).pathname
  const document = parseJob(readFileSync(file, 'utf8'), 'yaml', file, loadBeside(file))
  const given: TestEvent[] = []
  const counts = new Map<string, number>()
  for (const { topic, value } of records) {
    const place = counts.get(topic) ?? 0
    counts.set(topic, place + 1)
    for (const { name, topic: read } of document.sources) {
      if (topic !== read) continue
      const partition = place % PARTITIONS
      given.push({
        kind: 'record',
        source: name,
        value: { kind: 'value', value },
        partition,
        key: undefined,
        headers: {},
      })
    }
  }
  const testCase = { name, partitions: PARTITIONS, startMs: 0, end: true, given, rows: [], deadLetters: [] }
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
