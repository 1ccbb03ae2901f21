/**
 * Expressions over records: CEL text, parsed once, becomes closures over the slots of a record. Nothing is allocated per
 * record but what a result needs. Numbers differ from CEL's on purpose (arithmetic.ts): JSON has only one kind.
 *
 * A name is a field of the record; a missing field is an error unless `has(a.b)` guards it, and null is a value.
 */
import type { ASTNode, BinaryOperator } from '@marcbachmann/cel-js'
import { EvaluationError, ExpressionError, MISSING_FIELD } from '../errors.ts'
import type { FieldSet } from '../fields.ts'
import { narrow, type Value } from '../json.ts'
import type { ExpressionPlan } from '../plan.ts'
import { add, divide, multiply, negate, remainder, subtract } from './arithmetic.ts'
import { contained, equal, order } from './compare.ts'
import { type CelFunction, FUNCTIONS, METHODS, REFUSED } from './functions.ts'
import { and, choose, type Evaluate, not, or } from './logic.ts'
import { parseExpression } from './parse.ts'
import { member, pathOf } from './path.ts'

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
 * @throws ExpressionError QRT_EXPR_SYNTAX, QRT_EXPR_UNSUPPORTED, QRT_EXPR_TOO_LARGE
 */
export function compileExpression(plan: ExpressionPlan, fields: FieldSet): Evaluate {
  return new Compiler(plan.source, fields).compile(parseExpression(plan.source), 1).run
}

/** What a subtree became; `fixed` when it does not depend on the record. */
interface Compiled {
  readonly run: Evaluate
  readonly fixed: boolean
}

class Compiler {
  readonly #source: string
  readonly #fields: FieldSet

  constructor(source: string, fields: FieldSet) {
    this.#source = source
    this.#fields = fields
  }

  compile(node: ASTNode, depth: number): Compiled {
    if (depth > MAX_DEPTH) {
      throw new ExpressionError(
        'QRT_EXPR_TOO_LARGE',
        `nested deeper than ${MAX_DEPTH} in "${this.#source}"`,
        node.start,
      )
    }
    const path = pathOf(node)
    if (path !== undefined) return { run: this.#field(path), fixed: false }
    const below = (child: ASTNode): Compiled => this.compile(child, depth + 1)
    switch (node.op) {
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
        if (node.args[0] === 'has') return this.#has(node.args[1], node)
        return this.#call(FUNCTIONS, node.args[0], node.args[1], node, below)
      case 'rcall':
        return this.#call(METHODS, node.args[0], [node.args[1], ...node.args[2]], node, below)
      case '+':
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

  /** `has(a.b)`: the field is there, null or not. */
  #has(args: readonly ASTNode[], node: ASTNode): Compiled {
    const path = args.length === 1 && args[0] !== undefined ? pathOf(args[0]) : undefined
    if (path === undefined) return this.#unsupported('has() expects one field, such as has(user.id)', node)
    const slot = this.#fields.slotOf(path)
    return { run: (slots) => slots[slot] !== undefined, fixed: false }
  }

  #call(
    functions: ReadonlyMap<string, CelFunction>,
    name: string,
    args: readonly ASTNode[],
    node: ASTNode,
    below: (child: ASTNode) => Compiled,
  ): Compiled {
    const known = functions.get(name)
    if (known === undefined) {
      const names = [...functions.keys()].sort().join(', ')
      return this.#unsupported(
        REFUSED.get(name) ?? `unknown; known ${functions === METHODS ? 'methods' : 'functions'} are ${names}`,
        node,
        name,
      )
    }
    const [first, second] = args
    if (args.length !== known.parameters || first === undefined) {
      const receiver = functions === METHODS ? 1 : 0
      const expected = known.parameters - receiver
      const what = `expected ${expected} argument${expected === 1 ? '' : 's'}, found ${args.length - receiver}`
      return this.#unsupported(what, node, name)
    }
    return second === undefined ? unary(known.call, below(first)) : binary(known.call, below(first), below(second))
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

const constant = (value: Value): Compiled => ({ run: () => value, fixed: true })

const unary = (operation: (a: Value, b: Value) => Value, operand: Compiled): Compiled => {
  const { run } = operand
  return fold((slots) => operation(run(slots), undefined), operand)
}

function binary(operation: (a: Value, b: Value) => Value, left: Compiled, right: Compiled): Compiled {
  const a = left.run
  if (right.fixed && !left.fixed) {
    // The common shape, a field against a literal, saves a call per record.
    const b = right.run([])
    return { run: (slots) => operation(a(slots), b), fixed: false }
  }
  const b = right.run
  return fold((slots) => operation(a(slots), b(slots)), left, right)
}

/** Computes once what no record changes. An error stays one of the record's: another branch may avoid it. */
function fold(run: Evaluate, ...parts: readonly Compiled[]): Compiled {
  if (!parts.every(({ fixed }) => fixed)) return { run, fixed: false }
  try {
    return constant(run([]))
  } catch (error) {
    if (error instanceof EvaluationError) return { run, fixed: false }
    throw error
  }
}
