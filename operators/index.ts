/** The one door of the operators: what `src` may use. */
export type * from './plan.ts'
export type { RecordBatch } from './record.ts'
export * from './rows.ts'
export type { CutCounts, CutOutput, CutPart, StageProcessor } from './stage.ts'
