/** The pattern of a workload, as its document says it. */
import type { PatternShape } from './workload.ts'

export const LOW_BELOW = 300
export const HIGH_FROM = 600

export function patternText({ several, without, contiguity, afterMatch }: PatternShape, withinMs: number): string {
  const more = several === 'no' ? '' : `, oneOrMore: true, inner: ${several}`
  const stages = [
    `{ name: low, where: amount < ${LOW_BELOW}${more} }`,
    ...(without ? [`{ name: middle, where: amount >= ${LOW_BELOW} && amount < ${HIGH_FROM}, negated: true }`] : []),
    `{ name: high, where: amount >= ${HIGH_FROM}, contiguity: ${contiguity} }`,
  ]
  const select = '{ key: key, amount: high.amount, from: first(low).at, lows: count(low), to: high.at }'
  const after = `within: ${withinMs}ms, afterMatch: ${afterMatch}, select: ${select}`
  return `pattern: { stages: [ ${stages.join(', ')} ], ${after} }`
}
