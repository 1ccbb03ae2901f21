/**
 * `FROM a JOIN b ON …`: rows of the records of two topics. The condition has equal columns, and says how far apart in time the
 * records may be; a table that is `versioned` has for each record of the other the version of its time.
 */
import type { A_Expr, ColumnRef, JoinExpr, Node } from 'libpg-query'
import { formatDuration } from '../../operators/index.ts'
import { fieldValue, type Scope, valueAt } from './expression.ts'
import { kindOf, SqlFault } from './fault.ts'
import { millisecondsOf } from './interval.ts'
import { type Table, tableNamed } from './table.ts'
import { type SqlValue, whole } from './value.ts'

export interface Side {
  readonly table: Table
  readonly alias: string
  /** A row may be without a record of it. */
  readonly optional: boolean
}

export interface Join {
  /** In the order in which they are joined. */
  readonly sides: readonly Side[]
  /** One join, or several in their order. */
  readonly documents: readonly object[]
  readonly byte: number
  /** Of rows, in which each side is under its name. */
  readonly scope: Scope
  /** The side whose time all rows have; undefined: it may be that of another. */
  readonly time: Side | undefined
}

const TYPES: Readonly<Record<string, readonly [type: string, left: boolean, right: boolean]>> = {
  JOIN_INNER: ['inner', false, false],
  JOIN_LEFT: ['left', false, true],
  JOIN_RIGHT: ['right', true, false],
  JOIN_FULL: ['outer', true, true],
}

export function joinOf(expression: JoinExpr, tables: ReadonlyMap<string, Table>): Join {
  const { jointype = 'JOIN_INNER', larg, rarg, quals, isNatural, usingClause } = expression
  const [type, leftMissing, rightMissing] = TYPES[jointype] ?? ['inner', false, false]
  const before = larg !== undefined && 'JoinExpr' in larg ? joinOf(larg.JoinExpr, tables) : undefined
  const first = before === undefined ? sideOf(larg, tables, leftMissing) : undefined
  const lefts: readonly Side[] = before?.sides ?? (first === undefined ? [] : [first])
  const right = sideOf(rarg, tables, rightMissing)
  const byte = before?.byte ?? first?.byte ?? 0
  if (isNatural === true || usingClause !== undefined || quals === undefined) {
    throw new SqlFault(
      byte,
      'expected a join with ON',
      'write ON with what is equal, and a time: a.t BETWEEN b.t AND b.t + INTERVAL …',
    )
  }
  if (lefts.some(({ alias }) => alias === right.alias))
    throw new SqlFault(right.byte, `there are two tables "${right.alias}"`, 'give one another name: AS …')
  if (before !== undefined && leftMissing)
    throw new SqlFault(right.byte, 'expected JOIN or LEFT JOIN for every table behind the second')
  const sides = [...lefts, right]
  const leftTime = before === undefined ? first : before.time
  const on: { left: string[]; right: string[] } = { left: [], right: [] }
  let within: { before: string; after: string } | undefined
  for (const condition of conditionsIn(quals)) {
    const time = timeOf(condition, leftTime, right, sides)
    if (time !== undefined) {
      if (within !== undefined)
        throw new SqlFault(kindOf(condition).byte, 'expected one condition on time; this is the second')
      within = time
      continue
    }
    const [first, second] = equalityOf(condition, lefts, right)
    on.left.push(first)
    on.right.push(second)
  }
  if (on.left.length === 0)
    throw new SqlFault(kindOf(quals).byte, 'expected equal columns in ON, such as a.id = b.id; found none')
  const versioned = right.table.options.get('versioned')?.value === true
  if (versioned === (within !== undefined)) {
    const what = versioned ? 'no condition on time with a table that is versioned' : 'a condition on time in ON'
    const named = leftTime?.alias ?? lefts[0]?.alias ?? ''
    const help = `write ${named}.t BETWEEN ${right.alias}.t AND ${right.alias}.t + INTERVAL '1' HOUR, with the times of the tables, or make ${right.table.name} versioned`
    throw new SqlFault(kindOf(quals).byte, `expected ${what}`, versioned ? 'leave it out' : help)
  }
  const together = within === undefined ? { table: 'right' } : { within }
  const own = { right: right.alias, type, on, ...together }
  const documents = [...(before?.documents ?? []), first === undefined ? own : { left: first.alias, ...own }]
  const time = timeSide(type, within, leftTime, right)
  const scope = { ...scopeOf(sides), isTime: (column: ColumnRef) => isTimeOf(column, time, sides) }
  return { sides, documents, byte, time, scope }
}

/** The side whose records are the later ones of all rows, and so have their time; undefined: it may be either. */
function timeSide(
  type: string,
  within: { before: string; after: string } | undefined,
  left: Side | undefined,
  right: Side,
): Side | undefined {
  if (type === 'outer') return undefined
  if (type !== 'right' && (within === undefined || within.after === NO_TIME)) return left
  return type !== 'left' && within?.before === NO_TIME ? right : undefined
}

const NO_TIME = formatDuration(0)

function isTimeOf(column: ColumnRef, time: Side | undefined, sides: readonly Side[]): boolean {
  const { side, name } = resolved(column, sides)
  return side === time && side.table.options.get('time')?.value === name
}

function sideOf(
  node: Node | undefined,
  tables: ReadonlyMap<string, Table>,
  optional: boolean,
): Side & { readonly byte: number } {
  if (node === undefined || !('RangeVar' in node)) {
    throw new SqlFault(
      byteOf(node),
      'expected a join of tables; the rows of a query in brackets go to the query around it and nowhere else',
      'group them again by the edges of their window, and keep what is greatest with max and collect, or write them to a topic that another job joins',
    )
  }
  const { relname = '', alias, location: byte = 0 } = node.RangeVar
  const name = alias?.aliasname ?? relname
  return { table: tableNamed(tables, relname, byte), alias: name, optional, byte }
}

/** Of a query in brackets: that of its first column, since brackets have no place of their own. */
function byteOf(node: Node | undefined): number {
  if (node === undefined) return 0
  const { subquery } = 'RangeSubselect' in node ? node.RangeSubselect : {}
  const [column] = subquery !== undefined && 'SelectStmt' in subquery ? (subquery.SelectStmt.targetList ?? []) : []
  return kindOf(column ?? node).byte ?? 0
}

/** Columns of both sides, in rows. */
function scopeOf(sides: readonly Side[]): Scope {
  const [left] = sides
  if (left === undefined) throw new RangeError('a join without sides')
  return {
    table: left.table,
    alias: left.alias,
    inRow: (node) => ('ColumnRef' in node ? columnIn(node.ColumnRef, sides) : undefined),
  }
}

function columnIn(reference: ColumnRef, sides: readonly Side[]): SqlValue {
  const { side, name } = resolved(reference, sides)
  const column = side.table.columns.get(name)
  return fieldValue(`${side.alias}.${name}`, column?.type ?? 'any', side.optional || (column?.nullable ?? true))
}

function resolved(
  { fields = [], location }: ColumnRef,
  sides: readonly Side[],
): { readonly side: Side; readonly name: string } {
  const names = fields.map((field) => ('String' in field ? (field.String.sval ?? '') : '*'))
  const [first = '', second] = names
  const name = second ?? first
  const aliases = sides.map(({ alias }) => alias).join(' and ')
  const named = second === undefined ? sides : sides.filter(({ alias }) => alias === first)
  const having = named.filter(({ table }) => table.columns.has(name))
  const [side] = having
  if (side === undefined || names.length > 2)
    throw new SqlFault(location, `there is no column "${names.join('.')}" in ${aliases}`)
  if (having.length > 1)
    throw new SqlFault(location, `both ${aliases} have a column "${name}"`, `write ${side.alias}.${name}`)
  return { side, name }
}

const conditionsIn = (node: Node): readonly Node[] =>
  'BoolExpr' in node && node.BoolExpr.boolop === 'AND_EXPR' ? (node.BoolExpr.args ?? []).flatMap(conditionsIn) : [node]

/** An expression over each side, as keys of their records; over rows of joins before, of the records in them. */
function equalityOf(node: Node, lefts: readonly Side[], right: Side): readonly [string, string] {
  const { kind, name = [], lexpr, rexpr }: Partial<A_Expr> = 'A_Expr' in node ? node.A_Expr : {}
  const [symbol] = name
  const equals = kind === 'AEXPR_OP' && symbol !== undefined && 'String' in symbol && symbol.String.sval === '='
  if (!equals || lexpr === undefined || rexpr === undefined) {
    throw new SqlFault(
      kindOf(node).byte,
      'expected equal columns or a condition on time in ON',
      'put other conditions into WHERE',
    )
  }
  const found = [lexpr, rexpr].map((part) => keyIn(part, lefts, right))
  const [left, other] = [false, true].map((isRight) => found.find((each) => each.isRight === isRight)?.text)
  if (left === undefined || other === undefined) {
    const names = lefts.map(({ alias }) => alias).join(' or ')
    throw new SqlFault(
      kindOf(node).byte,
      `expected a column of ${names} on one side and of ${right.alias} on the other`,
    )
  }
  return [left, other]
}

/** A key that is NULL would equal another in a document, and equals none in SQL. */
function keyIn(node: Node, lefts: readonly Side[], right: Side): { readonly isRight: boolean; readonly text: string } {
  const used = new Set<boolean>()
  const sides = [...lefts, right]
  const value = valueAt(node, {
    table: right.table,
    alias: right.alias,
    inRow: (part) => {
      if (!('ColumnRef' in part)) return undefined
      const { side, name } = resolved(part.ColumnRef, sides)
      used.add(side === right)
      const column = side.table.columns.get(name)
      const inRows = side !== right && lefts.length > 1
      const nullable = (column?.nullable ?? true) || (inRows && side.optional)
      return fieldValue(inRows ? `${side.alias}.${name}` : name, column?.type ?? 'any', nullable)
    },
  })
  const [isRight, second] = used
  const { byte } = kindOf(node)
  if (isRight === undefined || second !== undefined)
    throw new SqlFault(byte, 'expected a value of one table on each side of =')
  if (value.missing !== undefined) {
    throw new SqlFault(
      byte,
      'a key that may be NULL equals nothing in SQL, and another NULL in a job',
      'declare its column NOT NULL; records without it are dead letters then',
    )
  }
  return { isRight, text: whole(value) }
}

/** `x BETWEEN y - INTERVAL … AND y + INTERVAL …` over the times of both sides. */
function timeOf(
  node: Node,
  left: Side | undefined,
  right: Side,
  sides: readonly Side[],
): { before: string; after: string } | undefined {
  const { kind, lexpr, rexpr, location }: Partial<A_Expr> = 'A_Expr' in node ? node.A_Expr : {}
  if (kind !== 'AEXPR_BETWEEN' || lexpr === undefined || rexpr === undefined || !('List' in rexpr)) return undefined
  const [low, high] = (rexpr.List.items ?? []).map((item) => shifted(item, sides))
  const subject = shifted(lexpr, sides)
  const odd = [subject, low, high].find((each) => each !== undefined && each.side !== left && each.side !== right)
  if (odd !== undefined) {
    const help =
      left === undefined ? 'let one join before be within an interval to one side only' : `name that of ${left.alias}`
    throw new SqlFault(location, `expected the time of the rows joined so far; found that of ${odd.side.alias}`, help)
  }
  if (
    low === undefined ||
    high === undefined ||
    subject.ms !== 0 ||
    low.side !== high.side ||
    low.side === subject.side
  ) {
    throw new SqlFault(
      location,
      'expected the time of one table BETWEEN two of the other, such as a.t BETWEEN b.t AND b.t + INTERVAL …',
    )
  }
  // The right one lies in [left - before, left + after].
  const [before, after] = subject.side === right ? [-low.ms, high.ms] : [high.ms, -low.ms]
  if (before < 0 || after < 0) {
    throw new SqlFault(
      location,
      'expected a time that records of the same instant fulfil',
      'let the interval begin at the time of the other table, or before it',
    )
  }
  return { before: formatDuration(before), after: formatDuration(after) }
}

function shifted(node: Node, sides: readonly Side[]): { readonly side: Side; readonly ms: number } {
  if ('ColumnRef' in node) {
    const { side, name } = resolved(node.ColumnRef, sides)
    if (side.table.options.get('time')?.value === name) return { side, ms: 0 }
    throw new SqlFault(
      node.ColumnRef.location,
      `expected the time of ${side.table.name}`,
      "say what it is: WITH (time = '…')",
    )
  }
  const { name = [], lexpr, rexpr, location }: Partial<A_Expr> = 'A_Expr' in node ? node.A_Expr : {}
  const [symbol] = name
  const operator = symbol !== undefined && 'String' in symbol ? symbol.String.sval : undefined
  if (lexpr === undefined || rexpr === undefined || (operator !== '+' && operator !== '-')) {
    throw new SqlFault(location ?? kindOf(node).byte, 'expected a time, or a time + INTERVAL or - INTERVAL')
  }
  const { side, ms } = shifted(lexpr, sides)
  const interval = millisecondsOf(rexpr, location)
  return { side, ms: operator === '+' ? ms + interval : ms - interval }
}
