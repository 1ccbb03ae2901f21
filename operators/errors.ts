/** The closed list of what can be wrong with an expression or a record, by code. Codes are part of certified bytes. */
export type OperatorErrorCode =
  | 'QRT_EXPR_SYNTAX'
  | 'QRT_EXPR_UNSUPPORTED'
  | 'QRT_EXPR_TOO_LARGE'
  | 'QRT_EXPR_MISSING_FIELD'
  | 'QRT_EXPR_TYPE'
  | 'QRT_EXPR_DIVISION_BY_ZERO'
  | 'QRT_EXPR_OVERFLOW'
  | 'QRT_EXPR_WORK'
  /** The module that an expression means is not here. */
  | 'QRT_EXPR_FUNCTIONS'
  /** A function of the module has thrown. */
  | 'QRT_EXPR_FUNCTION'
  | 'QRT_TIME_PATTERN'
  | 'QRT_DURATION'
  | 'QRT_SCHEMA'
  | 'QRT_RECORD_SYNTAX'
  | 'QRT_RECORD_ENCODING'
  | 'QRT_RECORD_NUMBER'
  | 'QRT_RECORD_DEPTH'
  | 'QRT_RECORD_EMPTY'
  | 'QRT_RECORD_REFUSED'
  | 'QRT_RECORD_SIZE'
  | 'QRT_RECORD_SCHEMA'
  | 'QRT_RECORD_ENVELOPE'
  | 'QRT_RECORD_TIME'
  | 'QRT_RECORD_KEY'
  | 'QRT_RECORD_CAST'
  | 'QRT_RECORD_ITEMS'
  | 'QRT_RECORD_MATCHES'
  | 'QRT_RECORD_LATE'
  | 'QRT_ROW_EARLIER'
  | 'QRT_PATTERN_SIZE'
  | 'QRT_RECORD_LOST'
  | 'QRT_RECORD_QUARANTINED'
  | 'QRT_STATE_CORRUPT'

/** Why the bytes of a record are none of its format that operators take. */
export type ScanErrorCode = Extract<
  OperatorErrorCode,
  | 'QRT_RECORD_SYNTAX'
  | 'QRT_RECORD_ENCODING'
  | 'QRT_RECORD_NUMBER'
  | 'QRT_RECORD_DEPTH'
  | 'QRT_RECORD_EMPTY'
  | 'QRT_RECORD_REFUSED'
  | 'QRT_RECORD_SIZE'
  | 'QRT_RECORD_SCHEMA'
  | 'QRT_RECORD_ENVELOPE'
>

/** What is wrong with a job's own text, found before the first record; or with the bytes of a state. */
export class OperatorError extends Error {
  readonly code: OperatorErrorCode

  constructor(code: OperatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OperatorError'
    this.code = code
  }
}

/** An expression, time pattern or duration that cannot be compiled. */
export class ExpressionError extends OperatorError {
  /** Where it is wrong: index of the character in the source. */
  readonly position: number

  constructor(code: OperatorErrorCode, message: string, position: number, options?: ErrorOptions) {
    super(code, message, options)
    this.name = 'ExpressionError'
    this.position = position
  }
}

/**
 * What an expression throws on a record: a code and nothing else. One object per code, made once and without a stack,
 * because a bad field in every record must not be slower than a good one.
 */
export class EvaluationError {
  readonly code: OperatorErrorCode

  constructor(code: OperatorErrorCode) {
    this.code = code
  }
}

export const MISSING_FIELD = new EvaluationError('QRT_EXPR_MISSING_FIELD')
export const WRONG_TYPE = new EvaluationError('QRT_EXPR_TYPE')
export const DIVISION_BY_ZERO = new EvaluationError('QRT_EXPR_DIVISION_BY_ZERO')
export const BAD_CAST = new EvaluationError('QRT_RECORD_CAST')
export const OVERFLOW = new EvaluationError('QRT_EXPR_OVERFLOW')
export const TOO_MUCH_WORK = new EvaluationError('QRT_EXPR_WORK')
