/**
 * Paths into records, as types: `'price'`, `'user.id'`. A path that the record type does not have does not compile, and what is
 * at a path has the type that it has in the record.
 */

/** A record whose type nobody wrote down: any path is taken, and what is there is anything. */
export interface Untyped {
  readonly [field: string]: unknown
}

type IsUnknown<Value> = unknown extends Value ? true : false

/** As deep as types are looked into; deeper fields are reached with `cel`. */
type Deeper = readonly [never, 0, 1, 2, 3, 4]

/** Every path to a field of `Value`, however deep; lists are not walked into. Of records of several types, fields of all. */
export type Path<Value, Depth extends number = 5> = Depth extends 0
  ? never
  : [Value] extends [readonly unknown[]]
    ? never
    : [Value] extends [object]
      ? { [Name in keyof Value & string]: Below<Value[Name], Name, Deeper[Depth]> }[keyof Value & string]
      : never

/** A name with a dot in it is no path: it would mean two. */
type Below<Field, Name extends string, Depth extends number> = string extends Name
  ? Name
  : Name extends `${string}.${string}`
    ? never
    : Name | `${Name}.${Path<NonNullable<Field>, Depth>}`

/** What is at a path. A record without the field is a dead letter, so `undefined` is never seen. */
export type At<Value, To extends string> = To extends keyof Value
  ? Exclude<Value[To], undefined>
  : To extends `${infer Head}.${infer Rest}`
    ? Head extends keyof Value
      ? At<NonNullable<Value[Head]>, Rest>
      : unknown
    : unknown

/** Paths to values that may be one of these; a field of unknown type may be anything. */
export type PathTo<Value, Kind> = {
  [To in Path<Value>]: IsUnknown<At<Value, To>> extends true
    ? To
    : Extract<At<Value, To>, Kind> extends never
      ? never
      : To
}[Path<Value>]

/** Names of fields at the top of a record. */
export type Name<Value> = keyof Value & string

/** As an editor shows it: one object instead of a chain of operations. */
export type Plain<Value> = { [Field in keyof Value]: Value[Field] }
