/**
 * Which module an expression or an aggregate means. People write the name of a function; the job says the hash of the module that has it, so
 * that every replica computes with the same code or does not compute.
 */
import { type ExpressionPlan, findAggregate, functionsOf, type OwnPlan } from '../../operators/index.ts'

/** The same document, with the module in each expression that calls a function of one, and in each aggregate of one. */
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
  if (isOwn(part)) {
    const hash = findAggregate(part.own.aggregate, undefined)?.hash
    const { of, ...rest } = part
    return { ...rest, of: changed(of), own: { ...part.own, ...(hash === undefined ? {} : { functions: hash }) } }
  }
  return Object.fromEntries(Object.entries(part).map(([name, below]) => [name, changed(below)]))
}

const isOwn = (part: object): part is { readonly own: OwnPlan; readonly of?: ExpressionPlan } =>
  'kind' in part && part.kind === 'own' && 'own' in part

const isExpression = (part: object): part is ExpressionPlan =>
  'source' in part && typeof part.source === 'string' && 'pointer' in part && typeof part.pointer === 'string'
