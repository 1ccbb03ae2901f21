/** The one door of the operators: what `src` may use. */
export { isLateLetter } from './dead-letter.ts'
export { ExpressionError, OperatorError, type OperatorErrorCode } from './errors.ts'
export { type AggregateCall, parseAggregateCall } from './expression/call.ts'
export { builtinNames, functionsOf } from './expression/compile.ts'
export { pathsIn } from './expression/reads.ts'
export {
  emptyState,
  findAggregate,
  mergedState,
  type OwnState,
  resultOfState,
  stateOfRecord,
  stateOfValue,
  type UserAggregate,
  valueOfState,
} from './expression/user-aggregates.ts'
export {
  callFunction,
  type FunctionModule,
  type FunctionType,
  findFunction,
  knownAggregates,
  knownFunctions,
  provideFunctions,
  type UserFunction,
  whileChecking,
} from './expression/user-functions.ts'
export { ANY_FIELDS, type FieldNames, fieldNames } from './format/fields.ts'
export { BYTES, VARINT, wireOfValue } from './format/protobuf-wire.ts'
export { boundedTokens, type TokenBounds, YAML_CONTROL } from './format/yaml-tokens.ts'
export type * from './format-plan.ts'
export { PROTOBUF_SCALARS } from './format-plan.ts'
export { canonicalJson, encodeUtf8, type Value } from './json.ts'
export { partitionOf } from './murmur2.ts'
export { joinStrangers } from './ordered/join/rows.ts'
export { crosses, needsRecord, outermostFirst } from './ordered/pattern/groups.ts'
export { sharedBeginning } from './ordered/pattern/shared-beginning.ts'
export { createStage } from './pipeline.ts'
export type * from './plan.ts'
export type { RecordBatch, RecordHeaders } from './record.ts'
export { keyNames, ownMembers } from './row-reader.ts'
export * from './rows.ts'
export type { CutCounts, CutOutput, CutPart, OpenRange, StageProcessor } from './stage.ts'
export { formatDuration, formatInstant, parseDuration } from './time.ts'
export { ALWAYS } from './window.ts'
