/** What `import … from 'quorate'` gives: jobs written in TypeScript. */
export type { Aggregate, WindowRow } from './aggregate.ts'
export { type Cel, type Condition, cel, type Operand } from './expression.ts'
export type { Functions, FunctionType, OwnFunction } from './functions.ts'
export { type DocumentValue, Job } from './job.ts'
export type { Duration, Emit, Format, JobOptions, Quorum, Sink, SourceOptions, Window } from './options.ts'
export type { At, Path, Untyped } from './path.ts'
export { type Finished, type Keyed, type RecordRow, type Stream, stream, type Windowed } from './stream.ts'
