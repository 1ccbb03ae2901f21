/**
 * Imports go one way: `operators` imports itself, `mesh` itself, `src` both of them through their one door, and nothing
 * imports `test`. So the cluster can be read without the product, and the operators without either.
 */
import { posix } from 'node:path'
import type { Finding, Rule, SourceFile } from './rule.ts'

/** Statements, and calls that load a module; `[^;]` lets a list of names span lines. */
const STATEMENTS = [
  /(?:^|;)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /(?:^|;)\s*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g,
  /\bnew URL\(\s*['"](\.[^'"]+\.[cm]?[jt]s)['"]\s*,\s*import\.meta\.url/g,
]

export interface Import {
  readonly specifier: string
  readonly line: number
}

export function importsOf(text: string): Import[] {
  const found: Import[] = []
  for (const statement of STATEMENTS) {
    for (const match of text.matchAll(statement)) {
      const end = match.index + match[0].length
      found.push({ specifier: match[1] as string, line: text.slice(0, end).split('\n').length })
    }
  }
  return found.sort((a, b) => a.line - b.line)
}

interface Area {
  readonly folder: string
  /** Beyond files of its own folder. */
  readonly mayImport: (target: string) => boolean
  readonly rule: string
}

const isPackage = (target: string, ...names: readonly string[]) => names.includes(target)

const AREAS: readonly Area[] = [
  {
    folder: 'operators',
    // What is pure of Node, the parsers of expressions and of the formats that are texts, and regular expressions.
    mayImport: (target) =>
      isPackage(target, 'node:crypto', 'node:buffer', '@marcbachmann/cel-js', 're2js', 'yaml', 'smol-toml'),
    rule: 'operators imports only itself, node:crypto, node:buffer, re2js and the parsers of expressions, YAML and TOML',
  },
  {
    folder: 'mesh',
    mayImport: (target) => target.startsWith('node:') || isPackage(target, 'ws', 'msgpackr', 'hashring'),
    rule: 'mesh imports only itself, node:, ws, msgpackr and hashring',
  },
  {
    folder: 'src',
    mayImport: (target) =>
      isPackage(target, 'mesh/index.ts', 'operators/index.ts', 'package.json') ||
      !/^(?:mesh|operators|test|bin|configs|docker|docs)\//.test(target),
    rule: 'src imports mesh and operators only through mesh/index.ts and operators/index.ts',
  },
  {
    folder: 'bin',
    mayImport: (target) => !/^(?:mesh|operators|test)\//.test(target),
    rule: 'bin starts src and imports nothing else of the repository',
  },
  {
    folder: 'lib',
    mayImport: (target) => !/^(?:mesh|operators|test|bin)\//.test(target),
    rule: 'lib loads src and imports nothing else of the repository',
  },
]

const MODULE = /\.[cm]?[jt]s$/

export const importDirection: Rule = {
  name: 'imports go one way',
  planted: { path: 'mesh/planted.ts', text: "import { metrics } from '../src/metrics.ts'\n" },
  find({ path, text }: SourceFile): Finding[] {
    const area = AREAS.find(({ folder }) => path.startsWith(`${folder}/`))
    if (area === undefined || !MODULE.test(path)) return []
    return importsOf(text).flatMap(({ specifier, line }) => {
      const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
      if (target.startsWith(`${area.folder}/`) || area.mayImport(target)) return []
      return [{ path, line, message: `imports ${target}: ${area.rule}` }]
    })
  },
}

const testsStayOutside: Rule = {
  name: 'nothing imports test',
  planted: { path: 'src/planted.ts', text: "const load = () => import('../test/sim/network.ts')\n" },
  find({ path, text }) {
    if (path.startsWith('test/') || !MODULE.test(path)) return []
    return importsOf(text).flatMap(({ specifier, line }) => {
      const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
      return target.startsWith('test/') ? [{ path, line, message: `imports ${target}: nothing imports test` }] : []
    })
  },
}

const PLANTED = 'mesh/planted.ts'
/** What production may take from it, in one form. */
const ASKS_ONLY = /^(?:import|export) \{ planted \} from '[^']+'$/

const bugsStayInTheSimulator: Rule = {
  name: 'only the simulator plants bugs',
  planted: { path: 'src/planted.ts', text: "import { plant, planted } from '../mesh/planted.ts'\n" },
  find({ path, text }) {
    if (path.startsWith('test/sim/') || !MODULE.test(path)) return []
    const lines = text.split('\n')
    return importsOf(text).flatMap(({ specifier, line }) => {
      const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
      if (target !== PLANTED || ASKS_ONLY.test(lines[line - 1] ?? '')) return []
      return [{ path, line, message: `takes more from ${PLANTED} than \`planted\`: only test/sim sets a bug` }]
    })
  },
}

const explicitExtensions: Rule = {
  name: 'relative imports name the file',
  planted: { path: 'src/planted.ts', text: "import { a } from './a'\n" },
  find({ path, text }) {
    if (!MODULE.test(path)) return []
    return importsOf(text).flatMap(({ specifier, line }) =>
      specifier.startsWith('.') && posix.extname(specifier) === ''
        ? [{ path, line, message: `imports ${specifier} without its extension` }]
        : [],
    )
  },
}

const namedFolders: Rule = {
  name: 'no folder or file for odds and ends',
  planted: { path: 'src/utils/planted.ts', text: '' },
  find({ path }) {
    const odd = path.split('/').find((part) => /^(?:utils?|helpers?|common|misc)(?:\.[cm]?[jt]s)?$/.test(part))
    if (odd === undefined) return []
    return [{ path, line: 1, message: `${odd}: a thing lives with what it is about` }]
  },
}

export const importRules: readonly Rule[] = [
  importDirection,
  testsStayOutside,
  bugsStayInTheSimulator,
  explicitExtensions,
  namedFolders,
]
