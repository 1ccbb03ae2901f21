/**
 * What stages ask of what they hold, windows of any kind or an ordered operator with its records: to take records or partials, to say when something is owed, to give it,
 * and to be written down. What windows give is in canonical order: (window end, window start, key bytes).
 */

import type { RecordPlace } from './aggregates/state.ts'
import type { Value } from './json.ts'
import { JoinRows } from './ordered/join/rows.ts'
import { JoinedWindows } from './ordered/join/windows.ts'
import { CutRows, type OrderedOutput } from './ordered/output.ts'
import { OrderedRecords } from './ordered/records.ts'
import type { SourcePlace } from './partial.ts'
import type { CutRule } from './pipeline-cut.ts'
import type { KeyCode } from './pipeline-key.ts'
import type { PartBuilder } from './pipeline-parts.ts'
import type { StagePlan, WindowPlan } from './plan.ts'
import { SessionWindows } from './session-windows.ts'
import type { StateReader, StateWriter } from './snapshot.ts'
import type { OpenRange } from './stage.ts'
import { WindowOutput } from './window-output.ts'
import type { GroupKey } from './window-table.ts'

export interface Windows {
  /** Takes a record whose inputs were checked; false when it is late for every window that it belongs to. */
  add(key: GroupKey, inputs: readonly Value[], place: RecordPlace, watermark: number): boolean
  /** Takes the partial of a window; false, and nothing is read, when its window takes nothing more. */
  merge(start: number, end: number, keyText: string, partial: StateReader, watermark: number): boolean
  /** The least watermark at which a row is owed, counting what is known now. */
  readonly owedFrom: number
  /** Some open window has what an early row needs. */
  readonly ripe: boolean
  /** Adds the rows owed at this watermark, and those of open windows with at least `news` records that no row shows. */
  emitRows(watermark: number, news: number): void
  /** Adds everything as partials, each to the partition of its key, and starts again empty. */
  /** @param read the record of the source up to which they hold everything; a late one is named by it */
  emitPartials(parts: PartBuilder, partitions: number, read: SourcePlace): void
  /** The first rows of a range that open windows would show now. */
  openRows(range: OpenRange): Uint8Array
  /** Open windows hold content that no row shows. */
  unshown(watermark: number): boolean
  /** The watermark that closes every open window, or undefined when none is open. */
  closesAllAt(watermark: number): number | undefined
  /** Goes on as if what this watermark closes had been emitted, and as if each window had been shown so many times more. */
  forget(watermark: number, shown: number): void
  /** Nothing is held. */
  readonly empty: boolean
  /** Windows that are held, one for each key. */
  readonly groups: number
  /** Approximately. */
  readonly bytes: number
  write(writer: StateWriter): void
  read(reader: StateReader, watermark: number): void
}

/**
 * @param inputs index of each aggregate's value among a record's inputs
 * @param rule of the stage: where ordered operators put their rows
 */
export function createWindows(plan: StagePlan, code: KeyCode, inputs: readonly number[], rule: CutRule): Windows {
  const { window, ordered } = plan
  if (ordered !== undefined) {
    const records = (output: OrderedOutput) => new OrderedRecords(plan, ordered, { code, inputs, output })
    const rows = new CutRows(rule)
    if (ordered.kind !== 'join' || window === undefined) return records(rows)
    const { indexes } = new JoinRows(ordered, plan.aggregates)
    return new JoinedWindows(ordered, windowsOf(plan, window, code, indexes, rule), rows, records)
  }
  if (window === undefined) throw new RangeError(`stage ${plan.stage} of "${plan.job}" has nothing to hold`)
  return windowsOf(plan, window, code, inputs, rule)
}

function windowsOf(
  plan: StagePlan,
  window: WindowPlan,
  code: KeyCode,
  inputs: readonly number[],
  rule: CutRule,
): Windows {
  return window.kind === 'session'
    ? new SessionWindows(plan, window, code, inputs, rule.rows)
    : new WindowOutput(plan, window, code, inputs, rule.rows)
}
