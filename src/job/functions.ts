/**
 * Which module an expression means. People write the name of a function; the job says the hash of the module that has it, so
 * that every replica computes with the same code or does not compute.
 */
import { type ExpressionPlan, functionsOf } from '../../operators/index.ts'

/** The same document, with the module in each expression that calls a function of one. */
export function withFunctions<Part>(part: Part): Part {
  return changed(part) as Part
}

function changed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(changed)
  if (typeof part !== 'object' || part === null) return part
  if (isExpression(part)) {
    const functions = functionsOf(part.source)
    return functions === undefined ? part : { ...part, functions }
  }
  return Object.fromEntries(Object.entries(part).map(([name, below]) => [name, changed(below)]))
}

const isExpression = (part: object): part is ExpressionPlan =>
  'source' in part && typeof part.source === 'string' && 'pointer' in part && typeof part.pointer === 'string'
