/** Which parts of a tree are record fields: `delay`, `user.id`, `user["id"]`. They are read by slot, not by walking. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { MISSING_FIELD, WRONG_TYPE } from '../errors.ts'
import type { Value } from '../json.ts'

/** What else than a name a path may begin with: the name that stands for a node, or undefined. */
export type HeadOf = (node: ASTNode) => string | undefined

/** The path that a node stands for; undefined when it is something else than a field. */
export function pathOf(node: ASTNode, headOf?: HeadOf): readonly string[] | undefined {
  if (node.op === 'id') return [node.args]
  const head = headOf?.(node)
  if (head !== undefined) return [head]
  if (node.op === '.') {
    const parent = pathOf(node.args[0], headOf)
    return parent === undefined ? undefined : [...parent, node.args[1]]
  }
  if (node.op === '[]') {
    const [parent, key] = node.args
    const path = pathOf(parent, headOf)
    return path === undefined || key.op !== 'value' || typeof key.args !== 'string' ? undefined : [...path, key.args]
  }
  return undefined
}

/** A field of an object or an item of a list that an expression computed. */
export function member(parent: Value, key: Value): Value {
  let found: Value
  if (parent instanceof Map) found = typeof key === 'string' ? parent.get(key) : undefined
  else if (Array.isArray(parent) && typeof key === 'number') found = parent[key]
  else throw WRONG_TYPE
  if (found === undefined) throw MISSING_FIELD
  return found
}
