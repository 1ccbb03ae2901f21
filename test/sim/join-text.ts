/** Joins of a workload, as its document says them: `a` and `b` are the first two sources, `c` is the third. */
import type { JoinShape, Workload } from './workload.ts'

/** Records of a table below it take their key out of the table. */
export const GONE_BELOW = 150
/** Of a join by another key: on which side of it an amount is. */
export const HALF = 500

export const DEFAULT_JOIN: JoinShape = { type: 'inner', match: 'within', deletes: false }

/** A table is the right one, and has the lower numbers. */
export const leftIsFirst = ({ match }: JoinShape): boolean => match === 'within' || match === 'window'

export function joinsText(workload: Workload): string {
  const { join = DEFAULT_JOIN, chain } = workload
  const [left, right] = leftIsFirst(join) ? ['a', 'b'] : ['b', 'a']
  const first = [`left: ${left}`, `right: ${right}`, `type: ${join.type}`, 'on: key', matchText(join, workload)]
  const key = 'coalesce(a.key, b.key)'
  const fields = [`key: "${key}"`, `amount: ${left}.amount`, `other: ${right}.amount`]
  if (chain === undefined) return `join: { ${first.join(', ')}, select: { ${fields.join(', ')} } }`
  const on = chain.rekeys
    ? `{ left: "coalesce(a.amount, b.amount) >= ${HALF}", right: "amount >= ${HALF}" }`
    : `{ left: "${key}", right: key }`
  const match = chain.match === 'table' ? 'table: right' : within(workload)
  const second = ['right: c', `type: ${chain.type}`, `on: ${on}`, match]
  const select = `select: { ${[...fields, 'third: c.amount'].join(', ')} }`
  return `joins: [ { ${first.join(', ')} }, { ${second.join(', ')}, ${select} } ]`
}

function matchText({ match, deletes, type: _ }: JoinShape, workload: Workload): string {
  const gone = `amount < ${GONE_BELOW}`
  switch (match) {
    case 'within':
      return within(workload)
    case 'window':
      return `window: { tumbling: ${workload.windowMs}ms }`
    case 'table':
      return `table: right${deletes ? `, delete: { right: ${gone} }` : ''}`
    case 'tables':
      return `table: both${deletes ? `, delete: { left: ${gone}, right: ${gone} }` : ''}`
  }
}

const within = ({ joinBeforeMs, joinAfterMs }: Workload): string =>
  `within: { before: ${joinBeforeMs}ms, after: ${joinAfterMs}ms }`
