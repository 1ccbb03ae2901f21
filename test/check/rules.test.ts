/** Each rule reports what it is about, and nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importDirection, importRules, importsOf } from './imports.ts'
import { blind, lineRule, type Rule } from './rule.ts'
import { tidyRules } from './tidy.ts'

const ALL = [...importRules, ...tidyRules]

const ruleNamed = (name: string): Rule => {
  const rule = ALL.find((each) => each.name === name)
  assert.ok(rule, `no rule is named "${name}"`)
  return rule
}
const lines = (name: string, path: string, text: string): number[] =>
  ruleNamed(name)
    .find({ path, text })
    .map(({ line }) => line)

test('every rule reports its planted violation, at one place', () => {
  assert.deepEqual(blind(ALL), [])
  for (const rule of ALL) {
    const findings = rule.find(rule.planted)
    assert.equal(findings.length, 1, rule.name)
    assert.equal(findings[0]?.path, rule.planted.path)
  }
})

test('a rule that sees nothing is called blind', () => {
  const planted = { path: 'src/planted.ts', text: 'bad\n' }
  const applies = () => false
  const rule = lineRule({ name: 'blind one', applies, pattern: /bad/, message: 'bad', planted })
  assert.deepEqual(blind([rule]), ['blind one'])
})

test('imports are found in all their forms, with their line', () => {
  const text = [
    "import { a } from './a.ts'",
    'import {',
    '  b,',
    "} from './b.ts'",
    "import './c.ts'",
    "export * from './d.ts'",
    "export type { E } from './e.ts'",
    "const f = await import('./f.ts')",
    "const g = require('./g.cjs')",
    "new Worker(new URL('./h.ts', import.meta.url))",
    "type I = import('./i.ts').I",
    "const text = 'from ./j.ts'",
    'import k from \'k\'; import l from "l"',
  ].join('\n')
  assert.deepEqual(
    importsOf(text).map(({ specifier, line }) => `${line} ${specifier}`),
    [
      '1 ./a.ts',
      '4 ./b.ts',
      '5 ./c.ts',
      '6 ./d.ts',
      '7 ./e.ts',
      '8 ./f.ts',
      '9 ./g.cjs',
      '10 ./h.ts',
      '11 ./i.ts',
      '13 k',
      '13 l',
    ],
  )
})

test('imports go one way', () => {
  const allowed = (path: string, specifier: string) =>
    importDirection.find({ path, text: `import { x } from '${specifier}'\n` }).length === 0
  assert.ok(allowed('operators/window/a.ts', '../time.ts'))
  assert.ok(allowed('operators/a.ts', 'node:crypto'))
  assert.ok(!allowed('operators/a.ts', 'node:fs'))
  assert.ok(!allowed('operators/a.ts', '../mesh/index.ts'))
  assert.ok(!allowed('operators/a.ts', 'zod'))
  assert.ok(allowed('mesh/ring/a.ts', '../ids.ts'))
  assert.ok(allowed('mesh/ring/a.ts', 'hashring'))
  assert.ok(!allowed('mesh/ring/a.ts', 'zod'))
  assert.ok(!allowed('mesh/ring/a.ts', '../../operators/index.ts'))
  assert.ok(!allowed('mesh/ring/a.ts', '../../src/errors.ts'))
  assert.ok(allowed('src/http/a.ts', '../../mesh/index.ts'))
  assert.ok(allowed('src/http/a.ts', 'zod'))
  assert.ok(!allowed('src/http/a.ts', '../../mesh/node.ts'))
  assert.ok(!allowed('src/http/a.ts', '../../operators/plan.ts'))
  assert.ok(allowed('bin/quorate.js', '../src/cli/main.ts'))
  assert.ok(!allowed('bin/quorate.js', '../mesh/index.ts'))
  assert.ok(allowed('test/mesh/a.test.ts', '../../mesh/node.ts'))
})

test('a bug is asked for anywhere, and set in the simulator only', () => {
  const rule = 'only the simulator plants bugs'
  const asks = "import { planted } from '../planted.ts'\n"
  assert.deepEqual(lines(rule, 'mesh/agreement/a.ts', asks), [])
  assert.deepEqual(lines(rule, 'mesh/index.ts', "export { planted } from './planted.ts'\n"), [])
  assert.deepEqual(lines(rule, 'test/sim/a.ts', "import { plant } from '../../mesh/planted.ts'\n"), [])
  for (const text of [
    "import { plant } from './planted.ts'",
    "import { plant as planted } from './planted.ts'",
    "import * as bugs from './planted.ts'",
    "export * from './planted.ts'",
    "const { plant } = await import('./planted.ts')",
    "import {\n  plant,\n  planted\n} from './planted.ts'",
  ]) {
    assert.equal(lines(rule, 'mesh/a.ts', text).length, 1, text)
  }
  assert.deepEqual(lines(rule, 'test/mesh/a.test.ts', "import { plant } from '../../mesh/planted.ts'"), [1])
})

test('a folder for odds and ends is reported wherever it is, a word that only contains one is not', () => {
  const rule = 'no folder or file for odds and ends'
  for (const path of ['src/common/a.ts', 'mesh/helpers/a.ts', 'src/log/utils.ts']) {
    assert.deepEqual(lines(rule, path, ''), [1], path)
  }
  for (const path of ['src/cli/common-options.ts', 'src/commonplace/a.ts']) assert.deepEqual(lines(rule, path, ''), [])
})

test('a sleep is a finding unless a loop looks for a condition around it', () => {
  const rule = 'no test sleeps'
  const waits = ['while (!ready()) {', '  if (late()) throw new Error()', '  await delay(10)', '}'].join('\n')
  assert.deepEqual(lines(rule, 'test/a.test.ts', waits), [])
  const after = ['while (busy()) {', '  step()', '}', 'if (done) {', '  await delay(10)', '}'].join('\n')
  assert.deepEqual(lines(rule, 'test/a.test.ts', after), [5])
  assert.deepEqual(lines(rule, 'test/a.ts', 'await new Promise((resolve) => setTimeout(resolve, 5))\n'), [1])
  assert.deepEqual(lines(rule, 'src/a.ts', 'await delay(10)\n'), [])
})

test('clocks and chance are found in cores, and nowhere else', () => {
  const rule = 'cores see no clock, chance or process'
  for (const text of [
    'const id = Math.random()',
    'setTimeout(run, 5)',
    'const at = new Date()',
    'async function x() {}',
  ]) {
    assert.deepEqual(lines(rule, 'mesh/agreement/a.ts', text), [1], text)
    assert.deepEqual(lines(rule, 'operators/a.ts', text), [1], text)
    assert.deepEqual(lines(rule, 'src/a.ts', text), [], text)
    assert.deepEqual(lines(rule, 'mesh/agreement/a.ts', ` * ${text}`), [], 'a comment')
  }
  assert.deepEqual(lines(rule, 'operators/a.ts', 'const day = new Date(ms)'), [])
})

test('paths of one machine are found, routes and paths in images are not', () => {
  const rule = 'no paths of one machine'
  for (const text of ["'/home/me/x'", 'cd /work/', 'see /root', '`/tmp/x`']) {
    assert.deepEqual(lines(rule, 'src/a.ts', text), [1], text)
  }
  for (const text of ['https://example.com/home', './tmp/x', '/usr/bin/chromium', '/v1/work', 'and/or/home']) {
    assert.deepEqual(lines(rule, 'src/a.ts', text), [], text)
  }
  assert.deepEqual(lines(rule, 'docker/Dockerfile', 'WORKDIR /home/node'), [])
})

test('registry hosts are found in every kind of file, namespaces are not', () => {
  const rule = 'no registry hosts'
  assert.deepEqual(lines(rule, 'README.md', 'see https://www.npmjs.com/package/ws'), [1])
  assert.deepEqual(lines(rule, 'package-lock.json', '  "resolved": "http://mirror/ws.tgz",'), [1])
  assert.deepEqual(lines(rule, 'docker/Dockerfile', 'FROM ghcr.io/x/y'), [1])
  assert.deepEqual(lines(rule, 'test/a.ts', 'xmlns="http://maven.apache.org/POM/4.0.0"'), [])
})

test('tests that do not run are found, those that the service harness skips with a reason are not', () => {
  const rule = 'no test is left out'
  for (const text of [
    "test.only('x')",
    "describe.skip('x')",
    '{ skip: true }',
    "{ skip: 'later' }",
    '{ only: true }',
  ]) {
    assert.deepEqual(lines(rule, 'test/a.test.ts', text), [1], text)
  }
  assert.deepEqual(lines(rule, 'test/a.test.ts', 'describe(name, { skip: skipReason(broker) }, run)'), [])
})

test('sizes, headers, trailing spaces and unfinished work', () => {
  assert.deepEqual(lines('no file over 500 lines', 'src/a.ts', '// x\n'.repeat(500)), [])
  assert.deepEqual(lines('a file says at its top what it is', 'bin/a.js', '#!/usr/bin/env node\n/** What. */\n'), [])
  assert.deepEqual(lines('a file says at its top what it is', 'test/a.test.ts', 'import x\n'), [])
  assert.deepEqual(lines('no trailing whitespace', 'README.md', 'a\nb\t\n'), [2])
  assert.deepEqual(lines('nothing left to do', 'test/a.test.ts', '// FIXME\n'), [1])
})
