/** Job documents and expressions that are malformed, or made to hurt: none of them may be taken, and none may cost more than a wrong name. */
import type { JobFormat } from '../../src/job/document.ts'
import { LIMITS } from '../../src/limits.ts'

export interface HostileDocument {
  readonly what: string
  readonly format: JobFormat
  readonly text: string
}

/** As much as fits into a document. */
const fill = (piece: string, bytes = LIMITS.documentBytes - 1_000): string =>
  piece.repeat(Math.floor(bytes / piece.length))
const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n')

const good = () => ({
  name: 'delays',
  source: { topic: 'flights', time: { field: 'date' }, outOfOrderness: '5s', idleAfter: '10s', bounded: false },
  pipeline: [
    { filter: 'distance > 100' },
    { keyBy: 'origin' },
    { window: { tumbling: '1d', allowedLateness: '1h' } },
    { aggregate: { n: 'count()', worst: 'max(delay)' } },
  ] as object[],
  sinks: [{ kafka: { topic: 'results' } }] as object[],
  quorum: { replicas: 3, write: 2, read: 2 },
  maxCutAge: '1s',
  retention: '7d',
})

/** The good job as YAML text with one of its expressions in place of the first. */
export const withExpression = (expression: string): string => {
  const job = good()
  job.pipeline[0] = { filter: expression }
  return JSON.stringify(job)
}

const YAML_TEXTS: Readonly<Record<string, string>> = {
  'nothing at all': '',
  'an alias bomb': `a: &a [x, x]\n${lines(20, (i) => `b${i}: &b${i} [${i === 0 ? '*a, *a' : `*b${i - 1}, *b${i - 1}`}]`)}`,
  'an anchor': 'name: &n delays\n',
  'an alias of nothing': 'name: *n\n',
  'an alias of itself': '&a [*a]',
  'a merge key': '<<: { name: delays }\n',
  'a tag that makes code': 'name: !!js/function "() => 1"\n',
  'a tag of another kind': 'name: !!binary aGk=\n',
  'a tag of its own': 'name: !secret x\n',
  'a directive': '%YAML 1.1\n---\nname: a\n',
  'two documents': 'name: a\n---\nname: b\n',
  'a name twice': 'name: a\nname: b\n',
  'a list': '- name: a\n',
  'a text': 'just a text',
  'a number': '9e999',
  'a NUL': 'name: "a\u0000b"\n\u0000',
  'an escape that is none': 'name: "\\q"\n',
  'half a surrogate': 'name: "\ud800"\n',
  'another encoding, read as UTF-8': Buffer.from('name: delays\n', 'utf16le').toString('utf8'),
  'bytes that are no text': Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x80, 0xc0]).toString('utf8'),
  'lists within lists': fill('- '),
  'brackets within brackets': fill('['),
  'braces within braces': fill('{a: '),
  'keys of keys': fill('? '),
  'steps to the right': lines(700, (i) => `${' '.repeat(i)}a:`),
  'names without end': fill('a:\n'),
  'a name without end': `${fill('a')}: 1`,
  quotes: fill('"'),
  'one word': fill('a'),
  'words on lines': fill('a\n'),
  colons: fill(':'),
  documents: fill('---\n'),
  commas: `[${fill(',')}`,
  escapes: `"${fill('\\n')}"`,
  blocks: fill('- |\n'),
  'carriage returns': fill('\r'),
  tabs: fill('\t'),
  'a quote that is not closed': `"${fill('a\n')}`,
  'more than a document may have': 'a'.repeat(LIMITS.documentBytes + 1),
}

const JSON_TEXTS: Readonly<Record<string, string>> = {
  nothing: '',
  'half an object': '{"name": "a"',
  'a comma too many': '{"name": "a",}',
  comments: '{"name": "a" /* x */}',
  'single quotes': "{'name': 'a'}",
  NaN: '{"name": NaN}',
  'a number beyond all': '{"quorum": {"replicas": 1e999}}',
  'digits without end': fill('9'),
  'a name twice': '{"name": "a", "name": "b"}',
  'a prototype': '{"__proto__": {"polluted": true}}',
  'a constructor': '{"constructor": {"prototype": {"polluted": true}}}',
  'brackets within brackets': fill('['),
  'braces within braces': fill('{"a":'),
  'a byte order mark inside': '{"name": \ufeff"a"}',
  'a control character in a text': '{"name": "a\u0001"}',
  'an escape that is none': '{"name": "\\x41"}',
  numbers: `[${fill('1,')}1]`,
}

const TOML_TEXTS: Readonly<Record<string, string>> = {
  nothing: '',
  'no value': 'name =',
  'a bare word': 'name = delays',
  'a name twice': 'name = "a"\nname = "b"',
  'a table twice': '[source]\n[source]',
  'a prototype': '[__proto__]\npolluted = 1',
  'a constructor': 'constructor.prototype.polluted = 1',
  'brackets within brackets': `a = ${fill('[')}`,
  'braces within braces': `a = ${fill('{a=')}`,
  'dotted names': `${fill('a.', 9_000)}b = 1`,
  digits: `a = ${fill('1')}`,
  'a date that is none': 'a = 2020-13-45',
  'infinity as replicas': '[quorum]\nreplicas = inf',
  'tables without end': lines(9_000, (i) => `[k${i}]`),
  'a text that is not closed': 'a = "x',
}

/** What is put in place of each value of the good job. */
const WRONG: readonly (readonly [what: string, value: unknown])[] = [
  ['nothing', null],
  ['a list in a list', [[]]],
  ['an empty object', {}],
  ['a negative number', -1],
  ['a huge number', 1e308],
  ['a prototype', JSON.parse('{"__proto__": 1}')],
  ['a text of many characters', 'x'.repeat(5_000)],
]

/** Every place of a value, and the job with something else there. */
function* replaced(): Generator<readonly [path: string, job: unknown]> {
  const paths: (readonly PropertyKey[])[] = []
  const walk = (value: unknown, path: readonly PropertyKey[]): void => {
    if (path.length > 0) paths.push(path)
    if (typeof value !== 'object' || value === null) return
    for (const [name, inner] of Object.entries(value)) walk(inner, [...path, name])
  }
  walk(good(), [])
  for (const path of paths) {
    for (const [what, value] of WRONG) {
      const job = good()
      let at = job as unknown as Record<PropertyKey, unknown>
      for (const name of path.slice(0, -1)) at = at[name] as Record<PropertyKey, unknown>
      at[path.at(-1) as PropertyKey] = value
      yield [`${what} as ${path.join('/')}`, job]
    }
  }
}

/** Patterns that only an engine which backtracks can take, or none. */
const PATTERNS = [
  '(?=a)b',
  '(?<!a)b',
  '(a)\\\\1',
  '[',
  '(a',
  'a**',
  '\\\\p{X}',
  '((a{100}){100}){100}',
  'a'.repeat(300),
]

/** Expressions that are no expressions of this language. */
export const EXPRESSIONS: readonly string[] = [
  ...PATTERNS.map((pattern) => `name.matches("${pattern}")`),
  ...['(', ')', '[', '{', '}', '"', "'", '"""', '\\', '`', '#', '$', '@', '\u0000', '\ud800', '❤'],
  ...[
    'a =',
    '= a',
    'a === b',
    'a = b',
    'a <> b',
    'a and b',
    'not a',
    'a ?? b',
    'a?.b',
    'a => b',
    'a; b',
    'a ? b',
    '++a',
    'a b',
  ],
  ...[
    'f(x)',
    'size()',
    'size(a, b)',
    'a.size(b)',
    'has(1)',
    'has(a, b)',
    'string()',
    'int(a, b)',
    'eval("1")',
    'a.constructor()',
  ],
  ...[
    'list.all(x)',
    'list.exists(1, x)',
    'list.map()',
    'list.filter(x, true, x)',
    'timestamp()',
    'duration(1, 2)',
    'a.matches(b)',
  ],
  ...['b"bytes"', '1u', '0x', '1e', '1e999', '"\\q"', '"\\u12"', 'if', 'package', 'for', 'null null'],
  '('.repeat(4_000),
  `${'('.repeat(500)}a${')'.repeat(500)}`,
  `${'!'.repeat(4_000)}a`,
  `${'-'.repeat(3_000)}a`,
  Array.from({ length: 2_000 }, () => 'a').join('+'),
  Array.from({ length: 200 }, () => 'a').join('?b:'),
  `a${'.b'.repeat(2_000)}`,
  `a${'[0]'.repeat(1_300)}`,
  `${'['.repeat(300)}${']'.repeat(300)}`,
  `{${'"a":{'.repeat(300)}`,
  `"${'x'.repeat(5_000)}"`,
  `${'f'.repeat(4_000)}(x)`,
]

export const DOCUMENTS: readonly HostileDocument[] = [
  ...Object.entries(YAML_TEXTS).map(([what, text]) => ({ what, format: 'yaml' as const, text })),
  ...Object.entries(JSON_TEXTS).map(([what, text]) => ({ what, format: 'json' as const, text })),
  ...Object.entries(TOML_TEXTS).map(([what, text]) => ({ what, format: 'toml' as const, text })),
  ...[...replaced()].map(([what, job]) => ({ what, format: 'json' as const, text: JSON.stringify(job) })),
]
