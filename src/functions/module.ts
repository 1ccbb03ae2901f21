/**
 * A module of functions and aggregates: its text is read once, hashed, and run as just that text. It can import nothing, since what it
 * imported would not be in the hash. What functions must not look at (clocks, chance, the network) is hidden from it by name; that is
 * a fence against slips and no prison, since whoever starts a peer can run what they like anyway.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import process from 'node:process'
import { type FunctionModule, provideFunctions } from '../../operators/index.ts'
import { QuorateError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { checkModule } from './check.ts'

/** Crosses threads: each runs the same text. */
export interface FunctionSource {
  readonly file: string
  readonly text: string
}

/** @throws QuorateError QRT_CONFIG_INVALID when the file cannot be read */
export function readFunctions(file: string): FunctionSource {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new QuorateError('QRT_CONFIG_INVALID', `the functions in ${file} cannot be read (${reason})`, { cause })
  }
  if (Buffer.byteLength(text) <= LIMITS.functionBytes) return { file, text }
  throw new QuorateError(
    'QRT_CONFIG_INVALID',
    `expected functions of at most ${LIMITS.functionBytes} bytes in ${file}; found more`,
  )
}

/** What is there of Math in every engine and on every machine alike. */
const EXACT = [
  'E',
  'LN2',
  'LN10',
  'LOG2E',
  'LOG10E',
  'PI',
  'SQRT1_2',
  'SQRT2',
  'abs',
  'ceil',
  'clz32',
  'floor',
  'fround',
  'imul',
  'max',
  'min',
  'round',
  'sign',
  'sqrt',
  'trunc',
] as const
const HIDDEN = [
  'Date',
  'Intl',
  'Temporal',
  'crypto',
  'performance',
  'process',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'Worker',
  'WebSocket',
] as const

const FENCE = Symbol.for('quorate.functions.fence')

/** In front of the first line, so that lines stay what they are. */
const PRELUDE = `const { Math, ${HIDDEN.join(', ')} } = globalThis[Symbol.for('quorate.functions.fence')]; `

function setFence(): void {
  const exact = Object.freeze(Object.fromEntries(EXACT.map((name) => [name, Math[name]])))
  Object.defineProperty(globalThis, FENCE, { value: Object.freeze({ Math: exact }), configurable: true })
}

/**
 * Runs the module, checks its functions by their samples, and lets expressions call them.
 * @throws QuorateError QRT_CONFIG_INVALID with what is wrong
 */
export async function loadFunctions({ file, text }: FunctionSource): Promise<FunctionModule> {
  setFence()
  let exported: unknown
  try {
    const script = `${PRELUDE}${/\.[cm]?js$/.test(file) ? text : stripped(text)}`
    const url = `data:text/javascript;base64,${Buffer.from(script).toString('base64')}`
    exported = ((await import(url)) as { default?: unknown }).default
  } catch (cause) {
    throw invalid(file, `the module cannot be run: ${reasonOf(cause)}`, cause)
  }
  const checked = checkModule(exported, (what) => invalid(file, what))
  const module: FunctionModule = { hash: createHash('sha256').update(text).digest('hex'), ...checked }
  provideFunctions(module)
  return module
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if (!('code' in cause) || cause.code !== 'ERR_UNSUPPORTED_RESOLVE_REQUEST') return cause.message
  return 'it imports another module, which would not be part of its hash; put what it needs into the module itself'
}

/** Types taken out, each character of them replaced by a blank. */
function stripped(text: string): string {
  const { stripTypeScriptTypes } = nodeModule as { stripTypeScriptTypes?: (text: string) => string }
  if (stripTypeScriptTypes === undefined) throw new Error('functions in TypeScript need Node 22.13 or later')
  const warn = process.emitWarning
  // It is as stable as running TypeScript is, and says at each call that it may change.
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(text)
  } finally {
    process.emitWarning = warn
  }
}

const invalid = (file: string, what: string, cause?: unknown): QuorateError =>
  new QuorateError('QRT_CONFIG_INVALID', `${file}: ${what}`, { cause })
