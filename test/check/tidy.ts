/**
 * What types, linter and import rules do not see: sizes, headers, words that do not belong in a repository, clocks in
 * pure cores, sleeps and skips in tests. The rules' own folder is left out where it has to hold what it forbids.
 */
import { lineRule, type Rule } from './rule.ts'

const MAX_LINES = 500
const MODULE = /\.[cm]?[jt]s$/

const isHere = (path: string) => path.startsWith('test/check/')
const isProduct = (path: string) => /^(?:src|mesh|operators|bin|lib)\//.test(path) && MODULE.test(path)
const isTest = (path: string) => path.startsWith('test/') && MODULE.test(path) && !isHere(path)
const isCore = (path: string) => /^(?:mesh\/(?:agreement|membership|ring)|operators)\//.test(path) && MODULE.test(path)
const anyText = (path: string) => !isHere(path) && path !== 'package-lock.json' && path !== 'LICENSE'

/** True inside a loop, as the formatter's indentation shows it: a wait that looks again is a wait for a condition. */
function insideLoop(lines: readonly string[], index: number): boolean {
  let indent = indentOf(lines[index])
  for (let at = index - 1; at >= 0 && indent > 0; at--) {
    const line = lines[at] ?? ''
    if (line.trim() === '' || indentOf(line) >= indent) continue
    indent = indentOf(line)
    if (/^\s*(?:\} )?(?:while|for|do)\b/.test(line)) return true
  }
  return false
}

const indentOf = (line = ''): number => line.length - line.trimStart().length

const fileSize: Rule = {
  name: `no file over ${MAX_LINES} lines`,
  planted: { path: 'src/planted.ts', text: '// line\n'.repeat(MAX_LINES + 1) },
  find({ path, text }) {
    const lines = text.trimEnd().split('\n').length
    if (!isProduct(path) || lines <= MAX_LINES) return []
    return [{ path, line: MAX_LINES, message: `${lines} lines: it is usually two ideas` }]
  },
}

const header: Rule = {
  name: 'a file says at its top what it is',
  planted: { path: 'mesh/planted.ts', text: "import { join } from 'node:path'\n" },
  find({ path, text }) {
    const needsOne = isProduct(path) || (isTest(path) && !/\.test\.ts$/.test(path))
    const start = text.replace(/^#!.*\n/, '')
    if (!needsOne || start.startsWith('/**') || start.startsWith('//')) return []
    return [{ path, line: 1, message: 'starts without a comment that says what the file is and why it exists' }]
  },
}

export const tidyRules: readonly Rule[] = [
  fileSize,
  header,
  lineRule({
    name: 'no trailing whitespace',
    applies: anyText,
    pattern: /[ \t]+$/,
    message: 'trailing whitespace',
    planted: { path: 'docs/planted.md', text: 'a line \n' },
  }),
  lineRule({
    name: 'nothing left to do',
    applies: (path) => MODULE.test(path) && !isHere(path),
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/,
    message: 'a note about unfinished work: finish it, or say what is so',
    planted: { path: 'src/planted.ts', text: '// TODO: later\n' },
  }),
  lineRule({
    name: 'no paths of one machine',
    // Paths inside an image are the image's own.
    applies: (path) => anyText(path) && !path.startsWith('docker/'),
    pattern: /(?<![\w./~$}-])\/(?:work|tmp|root|home|Users)(?=[/\s'"`,;)]|$)/,
    message: 'an absolute path of one machine: use os.tmpdir(), import.meta.url or a setting',
    planted: { path: 'test/planted.ts', text: "const folder = '/tmp/quorate'\n" },
  }),
  lineRule({
    name: 'no registry hosts',
    applies: (path) => !isHere(path) && path !== 'LICENSE',
    pattern:
      /\b(?:npmjs\.(?:org|com)|yarnpkg\.com|repo1?\.maven(?:\.apache)?\.org|proxy\.golang\.org|sum\.golang\.org|pypi\.org|crates\.io|deb\.debian\.org|docker\.io|ghcr\.io|quay\.io|gcr\.io)\b|"resolved": "https?:/,
    message: 'the address of a package registry: name the package, the machine knows its registry',
    planted: { path: 'package-lock.json', text: '"resolved": "https://registry.npmjs.org/ws/-/ws-8.23.0.tgz"\n' },
  }),
  lineRule({
    name: 'cores see no clock, chance or process',
    applies: isCore,
    pattern:
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bset(?:Timeout|Interval|Immediate)\(|\bperformance\.now\(|\bprocess\.|\bqueueMicrotask\(|\basync\b|\bawait\b/,
    message: 'a core takes time and randomness as arguments and returns effects as data',
    planted: { path: 'mesh/membership/planted.ts', text: 'const now = Date.now()\n' },
    unless: (lines, index) => /^\s*(?:\*|\/\/|\/\*)/.test(lines[index] ?? ''),
  }),
  lineRule({
    name: 'no test sleeps',
    applies: isTest,
    pattern: /\bawait (?:sleep|delay|setTimeout|scheduler\.wait)\(|\bawait new Promise\b.*\bsetTimeout\(/,
    message: 'a sleep: wait for a condition or an event, with a deadline',
    planted: { path: 'test/planted.test.ts', text: 'test(async () => {\n  await sleep(100)\n})\n' },
    unless: insideLoop,
  }),
  lineRule({
    name: 'no test is left out',
    applies: isTest,
    pattern:
      /\b(?:test|it|describe|suite)\.(?:only|skip|todo)\(|\b(?:only|todo): ?(?:true|['"`])|\bskip: ?(?:true|['"`])/,
    message:
      'a test that does not run, or keeps others from running; only the service harness may skip, with its reason',
    planted: { path: 'test/planted.test.ts', text: "test.skip('later', () => {})\n" },
  }),
]
