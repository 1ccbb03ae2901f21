/** The operator that a plan asks for. */
import type { StagePlan } from '../plan.ts'
import { Changes } from './changes.ts'
import { CountWindows } from './count-windows.ts'
import { Dedupe } from './dedupe.ts'
import { JoinRows } from './join/rows.ts'
import { StreamJoin } from './join/stream-join.ts'
import { TableJoin } from './join/table-join.ts'
import type { OrderedOperator } from './operator.ts'
import { Pattern } from './pattern/pattern.ts'
import type { OrderedPlan } from './plan.ts'
import { RecordWindows } from './record-windows.ts'
import { Rolling } from './rolling.ts'
import { SlidingWindows } from './sliding-windows.ts'

/** @param inputs index of each aggregate's value among a record's values */
export function createOperator(plan: StagePlan, ordered: OrderedPlan, inputs: readonly number[]): OrderedOperator {
  switch (ordered.kind) {
    case 'count':
      return new RecordWindows(plan, inputs, {
        create: (groups) => new CountWindows(ordered, groups),
        showsOpen: ordered.emitPartial,
      })
    case 'sliding':
      return new RecordWindows(plan, inputs, {
        create: (groups) => new SlidingWindows(ordered, groups),
        showsOpen: true,
      })
    case 'rolling':
      return new Rolling(plan, ordered, inputs)
    case 'dedupe':
      return new Dedupe(ordered)
    case 'changes':
      return new Changes()
    case 'pattern':
      return new Pattern(ordered)
    case 'join': {
      const { match } = ordered
      const rows = new JoinRows(ordered, plan.aggregates)
      return match.kind === 'table' ? new TableJoin(ordered, match, rows) : new StreamJoin(ordered, match, rows)
    }
  }
}
