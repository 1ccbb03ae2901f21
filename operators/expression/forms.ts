/**
 * Calls that are more than functions of their arguments' values: they look at a field that may be missing, compile a pattern, or
 * compute an expression for each item of a list, with a name for the item.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { EvaluationError, ExpressionError, MISSING_FIELD, WRONG_TYPE } from '../errors.ts'
import type { Value } from '../json.ts'
import { instantReader } from '../time.ts'
import { extreme } from './lists.ts'
import { type Evaluate, truth } from './logic.ts'
import { compilePattern, extract, extractAll, matches, type Pattern, replaceMatches } from './patterns.ts'
import { timestampBy } from './times.ts'
import { ITEM_STEPS, spend, spendOnList } from './work.ts'

/** What forms ask of the compiler. */
export interface FormCompiler {
  compile(node: ASTNode): Evaluate
  /** Within `body` the name stands for what the cell holds. */
  compileWith(name: string, cell: Cell, body: ASTNode): Evaluate
  /** Refuses the expression, at the node. */
  fail(what: string, node: ASTNode): never
}

/** An item of a list while an expression is computed for it. */
export interface Cell {
  value: Value
}

export interface Form {
  /** With the receiver, if any, which is the first. */
  readonly least: number
  readonly most: number
  readonly compile: (args: readonly ASTNode[], compiler: FormCompiler) => Evaluate
}

const coalesce: Form['compile'] = (args, { compile }) => {
  const runs = args.map(compile)
  return (slots) => {
    for (const run of runs) {
      const value = orMissing(run, slots)
      if (value !== null && value !== undefined) return value
    }
    return null
  }
}

/** Undefined where a field is missing. */
function orMissing(run: Evaluate, slots: readonly Value[]): Value {
  try {
    return run(slots)
  } catch (error) {
    if (error === MISSING_FIELD) return undefined
    throw error
  }
}

const among =
  (sign: 1 | -1): Form['compile'] =>
  (args, { compile }) => {
    const runs = args.map(compile)
    const of = extreme(sign)
    return (slots) => of(runs.map((run) => run(slots)))
  }

const timestamp: Form['compile'] = ([value, pattern], compiler) => {
  const run = compiler.compile(value as ASTNode)
  const read = timestampBy(readerOf(pattern, compiler))
  return (slots) => read(run(slots))
}

function readerOf(node: ASTNode | undefined, { fail }: FormCompiler): (text: string) => number {
  if (node === undefined) return instantReader(undefined)
  try {
    return instantReader(literalText(node) ?? fail('the pattern must be a text in quotes', node))
  } catch (error) {
    if (error instanceof ExpressionError && error.code === 'QRT_TIME_PATTERN') fail(error.message, node)
    throw error
  }
}

export const FUNCTION_FORMS: ReadonlyMap<string, Form> = new Map<string, Form>([
  ['coalesce', { least: 1, most: 8, compile: coalesce }],
  ['greatest', { least: 1, most: 8, compile: among(1) }],
  ['least', { least: 1, most: 8, compile: among(-1) }],
  ['timestamp', { least: 1, most: 2, compile: timestamp }],
])

const literalText = (node: ASTNode): string | undefined =>
  node.op === 'value' && typeof node.args === 'string' ? node.args : undefined

function patternOf(node: ASTNode | undefined, { fail }: FormCompiler): Pattern {
  const source = node && literalText(node)
  if (node === undefined || source === undefined) return fail('the pattern must be a text in quotes', node as ASTNode)
  const pattern = compilePattern(source)
  return typeof pattern === 'string' ? fail(pattern, node) : pattern
}

/** The whole match without a group in the pattern, else the first group, else the one that is asked for. */
function groupOf(node: ASTNode | undefined, { groups }: Pattern, { fail }: FormCompiler): number {
  if (node === undefined) return Math.min(groups, 1)
  const group = node.op === 'value' ? Number(node.args) : Number.NaN
  if (Number.isInteger(group) && group >= 0 && group <= groups) return group
  return fail(`expected the number of a group, from 0 to ${groups}`, node)
}

const searching =
  (operation: (pattern: Pattern, group: number) => (value: Value) => Value): Form['compile'] =>
  ([receiver, source, group], compiler) => {
    const run = compiler.compile(receiver as ASTNode)
    const pattern = patternOf(source, compiler)
    const search = operation(pattern, groupOf(group, pattern, compiler))
    return (slots) => search(run(slots))
  }

const replacing: Form['compile'] = ([receiver, source, by], compiler) => {
  const run = compiler.compile(receiver as ASTNode)
  const change = replaceMatches(patternOf(source, compiler))
  const replacement = compiler.compile(by as ASTNode)
  return (slots) => change(run(slots), replacement(slots))
}

/** Items of a list, or names of an object. */
function itemsOf(value: Value): readonly Value[] {
  const items = value instanceof Map ? [...value.keys()] : value
  if (!Array.isArray(items)) throw WRONG_TYPE
  spend(items.length * ITEM_STEPS)
  return items
}

type Walk = (items: readonly Value[], each: (item: Value) => Value, filter: (item: Value) => boolean) => Value

/** `list.name(item, expression)`, or with a condition between the two. */
const walking =
  (walk: Walk): Form['compile'] =>
  ([receiver, name, ...bodies], compiler) => {
    const list = compiler.compile(receiver as ASTNode)
    if (name?.op !== 'id')
      return compiler.fail('expected a name for the item, such as items.all(item, item > 0)', name as ASTNode)
    const cell: Cell = { value: undefined }
    const runs = bodies.map((body) => compiler.compileWith(name.args, cell, body))
    const body = runs.at(-1) as Evaluate
    const condition = runs.length > 1 ? runs[0] : undefined
    return (slots) => {
      const compute =
        (run: Evaluate) =>
        (item: Value): Value => {
          const outer = cell.value
          cell.value = item
          try {
            return run(slots)
          } finally {
            cell.value = outer
          }
        }
      const filter = condition === undefined ? () => true : compute(condition)
      return walk(itemsOf(list(slots)), compute(body), (item) => truth(filter(item)))
    }
  }

/** As `||` and `&&` do: an item that decides makes errors of others disappear. */
const deciding =
  (decisive: boolean): Walk =>
  (items, each) => {
    let failed: EvaluationError | undefined
    for (const item of items) {
      try {
        if (truth(each(item)) === decisive) return decisive
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error
        failed ??= error
      }
    }
    if (failed !== undefined) throw failed
    return !decisive
  }

const exactlyOne: Walk = (items, each) => items.filter((item) => truth(each(item))).length === 1

const mapped: Walk = (items, each, filter) => {
  const made = items.filter(filter).map(each)
  spendOnList(made.length)
  return made
}

const filtered: Walk = (items, each) => items.filter((item) => truth(each(item)))

const macro = (walk: Walk, most = 3): Form => ({ least: 3, most, compile: walking(walk) })

export const METHOD_FORMS: ReadonlyMap<string, Form> = new Map<string, Form>([
  ['matches', { least: 2, most: 2, compile: searching(matches) }],
  ['extract', { least: 2, most: 3, compile: searching(extract) }],
  ['extractAll', { least: 2, most: 3, compile: searching(extractAll) }],
  ['replaceMatches', { least: 3, most: 3, compile: replacing }],
  ['all', macro(deciding(false))],
  ['exists', macro(deciding(true))],
  ['exists_one', macro(exactlyOne)],
  ['map', macro(mapped, 4)],
  ['filter', macro(filtered)],
])
