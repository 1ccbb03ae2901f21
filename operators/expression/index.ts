/** Expressions: what the rest of the operators use of them. */
export { type AggregateCall, parseAggregateCall } from './call.ts'
export { compileExpression } from './compile.ts'
export type { Evaluate } from './logic.ts'
