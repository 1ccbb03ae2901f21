/** Which fields an expression reads. */
import { FieldSet } from '../fields.ts'
import { compileExpression } from './compile.ts'

/**
 * Paths such as ["user", "id"], each once.
 * @throws ExpressionError as compileExpression
 */
export function pathsIn(source: string): readonly (readonly string[])[] {
  const fields = new FieldSet()
  compileExpression({ source, pointer: '' }, fields)
  return fields.paths
}
