/** Whether the daily delays at a sink are exactly those of an independent computation. */
import assert from 'node:assert/strict'
import { type DelayRow, sortRows } from './flights.ts'
import type { Peers } from './peers.ts'
import type { SinkRow } from './sink-readers.ts'

/** What is certified of the job `delays` is at each of its sinks, as far as one peer knows. */
export async function committed(peers: Peers): Promise<boolean> {
  const { units } = await peers.client().status('delays')
  return units.every(({ certified, committed }) => {
    return certified !== undefined && committed?.seq === certified.seq && committed.part === certified.part
  })
}

/** Every row at every sink is final, is there once, and is what the file says. */
export function assertSame(sinks: Readonly<Record<string, readonly SinkRow[]>>, expected: readonly DelayRow[]): void {
  for (const [name, rows] of Object.entries(sinks)) {
    assert.ok(
      rows.every(({ final }) => final),
      `a row at ${name} is not final`,
    )
    assert.deepEqual(sortRows(rows.map(({ value }) => delayRow(value))), expected, name)
  }
}

export function delayRow(value: SinkRow['value']): DelayRow {
  const { window, key, flights, delayed, meanDelay, worst } = value as never as DelayRow & { window: DelayRow }
  return { start: window.start, end: window.end, key, flights, delayed, meanDelay, worst }
}
