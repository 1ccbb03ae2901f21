/** What `import … from 'quorate'` gives: jobs written in TypeScript. */
export type { Aggregate } from './aggregate.ts'
export { type Cel, type Condition, cel, type Operand } from './expression.ts'
export type { Functions, FunctionType, OwnAggregate, OwnFunction } from './functions.ts'
export { type DocumentValue, Job } from './job.ts'
export type {
  Duration,
  Emit,
  Format,
  JobOptions,
  Pattern,
  PatternGroup,
  PatternStage,
  Quorum,
  RowFormat,
  Sink,
  SourceOptions,
  Window,
} from './options.ts'
export type { At, Path, Untyped } from './path.ts'
export type { Aggregated, Finished, RecordRow, RollingRow, RowKind, Rows, WindowRow } from './rows.ts'
export { join, joins, union } from './sources.ts'
export { type Keyed, type Stream, stream } from './stream.ts'
