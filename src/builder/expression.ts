/**
 * What may stand for a value: a path, which has the type of the field, or an expression in CEL, whose type is said. Types are
 * gone when a job runs, so no expression is computed here: both become the text that a document has.
 */
import type { At, Path } from './path.ts'

declare const valueType: unique symbol

/** An expression in CEL that gives a `Value`. Made by `cel`. */
export interface Cel<Value = unknown> {
  readonly cel: string
  /** Of types alone: nothing has it. */
  readonly [valueType]: Value
}

/**
 * An expression in CEL, such as `cel<number>('price * quantity')`. The job is refused when it is built where the text is no
 * expression; that it gives what the type says is the word of whoever writes it.
 */
export const cel = <Value = unknown>(text: string): Cel<Value> => ({ cel: text }) as Cel<Value>

/** A condition: the text of an expression. */
export type Condition = string | Cel<boolean>

/** A path in a record, or an expression over it. */
export type Operand<Value> = Path<Value> | Cel

/** The type of what an operand gives. */
export type ValueOf<Value, Given> = Given extends string
  ? At<Value, Given>
  : Given extends Cel<infer Said>
    ? Said
    : never

/** How a field is compared; texts and numbers have an order. */
export type Comparison<Field> =
  | '=='
  | '!='
  | ([Extract<Field, string | number | bigint>] extends [never] ? never : Order)
type Order = '<' | '<=' | '>' | '>='

type Literal = string | number | bigint | boolean | null

/** A path as CEL writes it. What is no word stands in brackets, which needs something to its left. */
export function pathText(path: string): string {
  return path
    .split('.')
    .map((name, i) =>
      i === 0 ? name : /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`,
    )
    .join('')
}

export const textOf = (operand: string | Cel): string => (typeof operand === 'string' ? pathText(operand) : operand.cel)

export const conditionText = (condition: string | Cel): string =>
  typeof condition === 'string' ? condition : condition.cel

/** A comparison as CEL writes it. */
export function comparisonText(path: string, comparison: string, value: unknown): string {
  const list = Array.isArray(value) ? `[${value.map(literalText).join(', ')}]` : literalText(value)
  return `${pathText(path)} ${comparison} ${list}`
}

function literalText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  // JSON has no other numbers than CEL, and texts are escaped alike.
  return JSON.stringify(value as Exclude<Literal, bigint>) ?? 'null'
}
