/** Evaluates an expression on a record in JSON, as a stage does. */
import assert from 'node:assert/strict'
import { EvaluationError } from '../../operators/errors.ts'
import { compileExpression } from '../../operators/expression/compile.ts'
import { FieldSet } from '../../operators/fields.ts'
import type { Value } from '../../operators/json.ts'
import { compileScanner } from '../../operators/scan.ts'

/** The value for a JSON record, or the code of the error. */
export function evaluate(source: string, record = '{}'): Value {
  const fields = new FieldSet()
  const run = compileExpression({ source, pointer: '/pipeline/0/filter' }, fields)
  const slots: Value[] = []
  assert.equal(compileScanner(fields).scan(Buffer.from(record), slots), undefined)
  try {
    return run(slots)
  } catch (error) {
    assert.ok(error instanceof EvaluationError, String(error))
    return error.code
  }
}

export function check(record: string, cases: Readonly<Record<string, Value>>) {
  for (const [source, value] of Object.entries(cases)) assert.deepEqual(evaluate(source, record), value, source)
}
