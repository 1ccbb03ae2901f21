/** Conditions of SQL in CEL, with its logic of three values: what is neither true nor false lets no record pass. */
import type { A_Expr, BoolExpr, BooleanTest, Node, NullTest } from 'libpg-query'
import { type Scope, valueAt } from './expression.ts'
import { kindOf, SqlFault } from './fault.ts'
import {
  all,
  any,
  both,
  either,
  grouped,
  literal,
  negated,
  not,
  present,
  type SqlValue,
  type Truth,
  truthOf,
  whole,
} from './value.ts'

/** Comparisons with what is true when they are false. */
const OPPOSITE: Readonly<Record<string, readonly [cel: string, opposite: string]>> = {
  '=': ['==', '!='],
  '<>': ['!=', '=='],
  '<': ['<', '>='],
  '<=': ['<=', '>'],
  '>': ['>', '<='],
  '>=': ['>=', '<'],
}

export function isCondition(node: Node): boolean {
  if ('BoolExpr' in node || 'NullTest' in node || 'BooleanTest' in node) return true
  if (!('A_Expr' in node)) return false
  const { kind } = node.A_Expr
  return kind === 'AEXPR_OP' ? operatorOf(node.A_Expr) in OPPOSITE : kind !== 'AEXPR_NULLIF'
}

export function truth(node: Node, scope: Scope): Truth {
  if ('BoolExpr' in node) return connected(node.BoolExpr, scope)
  if ('NullTest' in node) return nullTest(node.NullTest, scope)
  if ('BooleanTest' in node) return booleanTest(node.BooleanTest, scope)
  if ('A_Expr' in node && isCondition(node)) return comparison(node.A_Expr, scope)
  const value = valueAt(node, scope)
  if (value.type === 'boolean' || value.type === 'any' || value.type === 'null') return truthOf(value)
  throw new SqlFault(kindOf(node).byte, `expected a condition; found a value of type ${value.type}`)
}

function operatorOf({ name = [] }: A_Expr): string {
  const [symbol] = name
  return symbol !== undefined && 'String' in symbol ? (symbol.String.sval ?? '') : ''
}

function connected({ boolop, args = [] }: BoolExpr, scope: Scope): Truth {
  const parts = args.map((arg) => truth(arg, scope))
  switch (boolop) {
    case 'AND_EXPR':
      return both(...parts)
    case 'OR_EXPR':
      return either(...parts)
    default:
      return negated(both(...parts))
  }
}

function nullTest({ arg, nulltesttype, location }: NullTest, scope: Scope): Truth {
  if (arg === undefined) throw new SqlFault(location, 'expected a value before IS NULL')
  const value = valueAt(arg, scope)
  const test = { yes: value.missing ?? 'false', no: present(value), total: true }
  return nulltesttype === 'IS_NULL' ? test : negated(test)
}

function booleanTest({ arg, booltesttype, location }: BooleanTest, scope: Scope): Truth {
  if (arg === undefined) throw new SqlFault(location, 'expected a condition before IS')
  const { yes, no } = truth(arg, scope)
  const total = (text: string): Truth => ({ yes: text, no: not(text), total: true })
  switch (booltesttype) {
    case 'IS_TRUE':
      return total(yes)
    case 'IS_NOT_TRUE':
      return negated(total(yes))
    case 'IS_FALSE':
      return total(no)
    case 'IS_NOT_FALSE':
      return negated(total(no))
    case 'IS_UNKNOWN':
      return negated(total(any(yes, no)))
    default:
      return total(any(yes, no))
  }
}

function comparison(expression: A_Expr, scope: Scope): Truth {
  const { kind, lexpr, rexpr, location } = expression
  const operator = operatorOf(expression)
  if (lexpr === undefined || rexpr === undefined)
    throw new SqlFault(location, `expected a value on both sides of ${operator}`)
  const left = valueAt(lexpr, scope)
  const items = 'List' in rexpr ? (rexpr.List.items ?? []) : []
  const [low, high] = items
  switch (kind) {
    case 'AEXPR_OP':
      return compared(left, operator, valueAt(rexpr, scope), location)
    case 'AEXPR_IN': {
      const found = either(...items.map((item) => compared(left, '=', valueAt(item, scope), location)))
      return operator === '=' ? found : negated(found)
    }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      if (low === undefined || high === undefined) break
      const within = both(
        compared(left, '>=', valueAt(low, scope), location),
        compared(left, '<=', valueAt(high, scope), location),
      )
      return kind === 'AEXPR_BETWEEN' ? within : negated(within)
    }
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const right = valueAt(rexpr, scope)
      const other = {
        total: true,
        yes: `${grouped(whole(left))} != ${grouped(whole(right))}`,
        no: `${grouped(whole(left))} == ${grouped(whole(right))}`,
      }
      return kind === 'AEXPR_DISTINCT' ? other : negated(other)
    }
    case 'AEXPR_LIKE': {
      const like = likeness(left, rexpr, location)
      return operator === '~~' ? like : negated(like)
    }
    default:
  }
  throw new SqlFault(location, `this comparison (${operator}) is not known here`)
}

function compared(left: SqlValue, operator: string, right: SqlValue, byte: number | undefined): Truth {
  const [cel, opposite] = OPPOSITE[operator] ?? ['==', '!=']
  if (left.type === 'null' || right.type === 'null') return { yes: 'false', no: 'false' }
  const [a, b] = [familyOf(left), familyOf(right)]
  if (a !== 'any' && b !== 'any' && a !== b) {
    throw new SqlFault(
      byte,
      `${left.type} ${operator} ${right.type}: values of these types are not compared`,
      'cast one of them',
    )
  }
  const guards = [present(left), present(right)]
  const [x, y] = [grouped(left.text), grouped(right.text)]
  const total = left.missing === undefined && right.missing === undefined
  return { yes: all(...guards, `${x} ${cel} ${y}`), no: all(...guards, `${x} ${opposite} ${y}`), total }
}

const familyOf = ({ type }: SqlValue): string => (type === 'integer' ? 'number' : type)

/** LIKE, where `%` stands at the ends or once between them; a pattern of another form would need an expression of its own. */
function likeness(value: SqlValue, pattern: Node, byte: number | undefined): Truth {
  const text = 'A_Const' in pattern ? pattern.A_Const.sval?.sval : undefined
  const help = "there are 'text', 'start%', '%end', '%part%' and 'start%end'"
  if (text === undefined || /[_\\]/.test(text))
    throw new SqlFault(byte, 'expected a pattern in quotes without _ and \\', help)
  if (value.type === 'null') return { yes: 'false', no: 'false' }
  if (value.type !== 'text' && value.type !== 'any')
    throw new SqlFault(byte, `expected a text before LIKE; found a value of type ${value.type}`)
  const parts = text.replace(/%+/g, '%').split('%')
  const [start = '', middle = '', end] = parts
  const subject = grouped(value.text)
  const call = (method: string, part: string) => (part === '' ? 'true' : `${subject}.${method}(${literal(part)})`)
  let test: string
  if (parts.length === 1) test = `${subject} == ${literal(text)}`
  else if (parts.length === 2) {
    // Start and end may not share characters.
    const long = start === '' || middle === '' ? 'true' : `size(${value.text}) >= ${[...start, ...middle].length}`
    test = all(call('startsWith', start), call('endsWith', middle), long)
  } else if (parts.length === 3 && start === '' && end === '') test = call('contains', middle)
  else throw new SqlFault(byte, 'expected a pattern with % at its ends or once between them', help)
  return { yes: all(present(value), test), no: all(present(value), not(test)), total: value.missing === undefined }
}
