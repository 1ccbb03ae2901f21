/**
 * Expressions over records: CEL text, parsed once, becomes closures over the slots of a record. Nothing is allocated per
 * record but what a result needs. Numbers differ from CEL's on purpose (arithmetic.ts): JSON has only one kind.
 *
 * A name is a field of the record; a missing field is an error unless `has(a.b)` guards it, and null is a value.
 */
import type { ASTNode, BinaryOperator } from '@marcbachmann/cel-js'
import { EvaluationError, ExpressionError, MISSING_FIELD, WRONG_TYPE } from '../errors.ts'
import type { FieldSet } from '../fields.ts'
import { narrow, type Value } from '../json.ts'
import type { ExpressionPlan } from '../plan.ts'
import { add, divide, multiply, negate, remainder, subtract } from './arithmetic.ts'
import { contained, equal, order } from './compare.ts'
import { type Cell, type Form, FUNCTION_FORMS, METHOD_FORMS } from './forms.ts'
import { type CelFunction, FUNCTIONS, METHODS, REFUSED } from './functions.ts'
import { and, choose, type Evaluate, not, or } from './logic.ts'
import { parseExpression } from './parse.ts'
import { type HeadOf, member, pathOf } from './path.ts'
import { callFunction, type FoundFunction, findFunction, hasFunctions, knownFunctions } from './user-functions.ts'
import { beginWork } from './work.ts'

/** `a + b + c + …` leans to the left: as deep a tree, and as deep a call stack per record, as it has terms. */
const MAX_DEPTH = 128

const BINARY: Readonly<Record<BinaryOperator, (a: Value, b: Value) => Value>> = {
  '+': add,
  '-': subtract,
  '*': multiply,
  '/': divide,
  '%': remainder,
  '==': equal,
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => (typeof a === 'number' && typeof b === 'number' ? a < b : order(a, b) < 0),
  '<=': (a, b) => (typeof a === 'number' && typeof b === 'number' ? a <= b : order(a, b) <= 0),
  '>': (a, b) => (typeof a === 'number' && typeof b === 'number' ? a > b : order(a, b) > 0),
  '>=': (a, b) => (typeof a === 'number' && typeof b === 'number' ? a >= b : order(a, b) >= 0),
  in: contained,
}

/**
 * The closure throws an EvaluationError (one object per code, without a stack) for a record it has no value for.
 * @param headOf what else than a name fields may be read of
 * @throws ExpressionError QRT_EXPR_SYNTAX, QRT_EXPR_UNSUPPORTED, QRT_EXPR_TOO_LARGE, QRT_EXPR_FUNCTIONS
 */
export function compileExpression(plan: ExpressionPlan, fields: FieldSet, headOf?: HeadOf): Evaluate {
  if (plan.functions !== undefined && !hasFunctions(plan.functions)) {
    const what = `"${plan.source}" calls functions of the module ${plan.functions}, which this process does not have; start it with --functions and that very file`
    throw new ExpressionError('QRT_EXPR_FUNCTIONS', what, 0)
  }
  const compiler = new Compiler(plan.source, fields, plan.functions, headOf)
  const { run } = compiler.compile(parseExpression(plan.source), 1)
  if (!compiler.works) return run
  return (slots) => {
    beginWork()
    return run(slots)
  }
}

/** The module whose functions an expression calls, as it is found by their names; undefined: it calls none. */
export function functionsOf(source: string): string | undefined {
  for (const name of callsIn(parseExpression(source))) {
    const hash = builtinNames.has(name) ? undefined : findFunction(name, undefined)?.hash
    if (hash !== undefined) return hash
  }
  return undefined
}

/** Names of what is called anywhere below. */
function callsIn(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(callsIn)
  if (typeof part !== 'object' || part === null || !('op' in part) || !('args' in part)) return []
  const { op, args } = part as { op: string; args: unknown }
  const own = op === 'call' && Array.isArray(args) && typeof args[0] === 'string' ? [args[0]] : []
  return [...own, ...callsIn(args)]
}

/** What can be called: by itself, or on a receiver, which is the first argument. */
interface Calls {
  readonly receivers: 0 | 1
  readonly functions: ReadonlyMap<string, CelFunction>
  readonly forms: ReadonlyMap<string, Form>
}

const FUNCTION_CALLS: Calls = { receivers: 0, functions: FUNCTIONS, forms: FUNCTION_FORMS }
const METHOD_CALLS: Calls = { receivers: 1, functions: METHODS, forms: METHOD_FORMS }

/** Names that no function of a module may have. */
export const builtinNames: ReadonlySet<string> = new Set([
  'has',
  ...FUNCTIONS.keys(),
  ...FUNCTION_FORMS.keys(),
  ...REFUSED.keys(),
])

/** What a subtree became; `fixed` when it does not depend on the record. */
interface Compiled {
  readonly run: Evaluate
  readonly fixed: boolean
}

class Compiler {
  /** There is something whose work is to be bounded. */
  works = false
  /** Of the functions that it calls. */
  module: string | undefined
  readonly #source: string
  readonly #fields: FieldSet
  readonly #headOf: HeadOf | undefined
  /** Names of items, in front of the fields of these names. */
  readonly #items = new Map<string, Cell>()

  constructor(source: string, fields: FieldSet, module: string | undefined, headOf: HeadOf | undefined) {
    this.#source = source
    this.module = module
    this.#fields = fields
    this.#headOf = headOf
  }

  compile(node: ASTNode, depth: number): Compiled {
    if (depth > MAX_DEPTH) {
      throw new ExpressionError(
        'QRT_EXPR_TOO_LARGE',
        `nested deeper than ${MAX_DEPTH} in "${this.#source}"`,
        node.start,
      )
    }
    const path = pathOf(node, this.#headOf)
    if (path !== undefined && !this.#isItem(path)) return { run: this.#field(path), fixed: false }
    const below = (child: ASTNode): Compiled => this.compile(child, depth + 1)
    switch (node.op) {
      case 'id':
        return { run: this.#item(node.args), fixed: false }
      case 'value':
        return constant(this.#literal(node.args, node))
      case '.':
        return binary(member, below(node.args[0]), constant(node.args[1]))
      case '[]':
        return binary(member, below(node.args[0]), below(node.args[1]))
      case '!_': {
        const operand = below(node.args)
        return fold(not(operand.run), operand)
      }
      case '-_':
        return unary(negate, below(node.args))
      case '&&':
      case '||': {
        const left = below(node.args[0])
        const right = below(node.args[1])
        return fold((node.op === '&&' ? and : or)(left.run, right.run), left, right)
      }
      case '?:': {
        const condition = below(node.args[0])
        const yes = below(node.args[1])
        const no = below(node.args[2])
        return fold(choose(condition.run, yes.run, no.run), condition, yes, no)
      }
      case 'list': {
        const items = node.args.map(below)
        const runs = items.map(({ run }) => run)
        return fold((slots) => runs.map((run) => run(slots)), ...items)
      }
      case 'map':
        return this.#object(node.args, below)
      case 'call':
        if (node.args[0] === 'has') return this.#has(node.args[1], node, below)
        return this.#call(FUNCTION_CALLS, node.args[0], node.args[1], node, depth)
      case 'rcall':
        return this.#call(METHOD_CALLS, node.args[0], [node.args[1], ...node.args[2]], node, depth)
      case '+':
        // Texts and lists add as well.
        this.works = true
        return binary(add, below(node.args[0]), below(node.args[1]))
      case '-':
      case '*':
      case '/':
      case '%':
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
      case 'in':
        return binary(BINARY[node.op], below(node.args[0]), below(node.args[1]))
      default:
        return this.#unsupported(`"${node.op}" is not supported`, node)
    }
  }

  #field(path: readonly string[]): Evaluate {
    const slot = this.#fields.slotOf(path)
    return (slots) => {
      const value = slots[slot]
      if (value === undefined) throw MISSING_FIELD
      return value
    }
  }

  #isItem([head]: readonly string[]): boolean {
    return head !== undefined && this.#items.has(head)
  }

  #item(name: string): Evaluate {
    const cell = this.#items.get(name)
    return cell === undefined ? this.#field([name]) : () => cell.value
  }

  /** `has(a.b)`: the field is there, null or not. */
  #has(args: readonly ASTNode[], node: ASTNode, below: (child: ASTNode) => Compiled): Compiled {
    const [field] = args
    const path = args.length === 1 && field !== undefined ? pathOf(field, this.#headOf) : undefined
    if (field === undefined || path === undefined) {
      return this.#unsupported('has() expects one field, such as has(user.id)', node)
    }
    if (this.#isItem(path)) return { run: isThere(below(field).run), fixed: false }
    const slot = this.#fields.slotOf(path)
    return { run: (slots) => slots[slot] !== undefined, fixed: false }
  }

  #call(
    { functions, forms, receivers }: Calls,
    name: string,
    args: readonly ASTNode[],
    node: ASTNode,
    depth: number,
  ): Compiled {
    this.works = true
    const known = functions.get(name) ?? forms.get(name)
    if (known === undefined) {
      const own = receivers === 0 ? findFunction(name, this.module) : undefined
      if (own !== undefined) return this.#own(own, args, node, name, depth)
      const more = receivers === 0 ? ['has', ...knownFunctions()] : []
      const names = [...functions.keys(), ...forms.keys(), ...more].sort().join(', ')
      return this.#unsupported(
        REFUSED.get(name) ?? `unknown; known ${receivers === 0 ? 'functions' : 'methods'} are ${names}`,
        node,
        name,
      )
    }
    const { least, most } = known
    if (args.length < least || args.length > most) {
      const [from, to] = [least - receivers, most - receivers]
      const expected = from === to ? `${from} argument${from === 1 ? '' : 's'}` : `${from} to ${to} arguments`
      return this.#unsupported(`expected ${expected}, found ${args.length - receivers}`, node, name)
    }
    if ('compile' in known) return { run: this.#form(known, args, name, depth), fixed: false }
    const [a, b, c] = args.map((arg) => this.compile(arg, depth + 1))
    if (a === undefined) throw new RangeError(`${name}() without an argument`)
    if (b === undefined) return unary(known.call, a)
    if (c === undefined) return binary(known.call, a, b)
    return fold((slots) => known.call(a.run(slots), b.run(slots), c.run(slots)), a, b, c)
  }

  #own(
    { hash, function: called }: FoundFunction,
    args: readonly ASTNode[],
    node: ASTNode,
    name: string,
    depth: number,
  ): Compiled {
    this.module = hash
    const expected = called.args.length
    if (args.length !== expected) {
      return this.#unsupported(
        `expected ${expected} argument${expected === 1 ? '' : 's'}, found ${args.length}`,
        node,
        name,
      )
    }
    const parts = args.map((arg) => this.compile(arg, depth + 1))
    const runs = parts.map(({ run }) => run)
    return fold(
      (slots) =>
        callFunction(
          called,
          runs.map((run) => run(slots)),
        ),
      ...parts,
    )
  }

  #form(form: Form, args: readonly ASTNode[], name: string, depth: number): Evaluate {
    const compile = (node: ASTNode): Evaluate => this.compile(node, depth + 1).run
    return form.compile(args, {
      compile,
      compileWith: (item, cell, body) => {
        const outer = this.#items.get(item)
        this.#items.set(item, cell)
        const run = compile(body)
        if (outer === undefined) this.#items.delete(item)
        else this.#items.set(item, outer)
        return run
      },
      fail: (what, node) => this.#unsupported(what, node, name),
    })
  }

  #object(entries: readonly (readonly [ASTNode, ASTNode])[], below: (child: ASTNode) => Compiled): Compiled {
    const fields = entries.map(([key, value]): readonly [string, Compiled] => {
      if (key.op !== 'value' || typeof key.args !== 'string') {
        return this.#unsupported('names of an object must be texts in quotes', key)
      }
      return [key.args, below(value)]
    })
    return fold(
      (slots) => new Map(fields.map(([name, { run }]) => [name, run(slots)])),
      ...fields.map(([, value]) => value),
    )
  }

  #literal(value: unknown, node: ASTNode): Value {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
    if (typeof value === 'number') return value + 0
    if (typeof value === 'bigint') return narrow(value)
    return this.#unsupported('literals of bytes and of unsigned integers are not supported', node)
  }

  #unsupported(what: string, node: ASTNode, name?: string): never {
    const subject = name === undefined ? '' : `${name}(): `
    throw new ExpressionError('QRT_EXPR_UNSUPPORTED', `${subject}${what}, in "${this.#source}"`, node.start)
  }
}

const isThere =
  (run: Evaluate): Evaluate =>
  (slots) => {
    try {
      return run(slots) !== undefined
    } catch (error) {
      if (error === MISSING_FIELD || error === WRONG_TYPE) return false
      throw error
    }
  }

const constant = (value: Value): Compiled => ({ run: () => value, fixed: true })

type Operation = (a: Value, b: Value, c: undefined) => Value

const unary = (operation: Operation | ((a: Value) => Value), operand: Compiled): Compiled => {
  const { run } = operand
  return fold((slots) => operation(run(slots), undefined, undefined), operand)
}

function binary(operation: Operation, left: Compiled, right: Compiled): Compiled {
  const a = left.run
  if (right.fixed && !left.fixed) {
    // The common shape, a field against a literal, saves a call per record.
    const b = right.run([])
    return { run: (slots) => operation(a(slots), b, undefined), fixed: false }
  }
  const b = right.run
  return fold((slots) => operation(a(slots), b(slots), undefined), left, right)
}

/** Computes once what no record changes. An error stays one of the record's: another branch may avoid it. */
function fold(run: Evaluate, ...parts: readonly Compiled[]): Compiled {
  if (!parts.every(({ fixed }) => fixed)) return { run, fixed: false }
  try {
    beginWork()
    return constant(run([]))
  } catch (error) {
    if (error instanceof EvaluationError) return { run, fixed: false }
    throw error
  }
}
