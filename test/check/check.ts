/**
 * `npm run check`: types, Biome, import rules, dead code and tidiness, at once; what continuous integration runs before
 * the tests. Prints one line for each, the findings of those that failed, and exits with 1 when there are any.
 */
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importRules } from './imports.ts'
import { blind, type Rule } from './rule.ts'
import { readSources } from './sources.ts'
import { tidyRules } from './tidy.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Result {
  readonly name: string
  readonly ok: boolean
  readonly output: string
  readonly durationMs: number
}

/** A tool of node_modules/.bin; its exit code is the verdict. */
function tool(name: string, command: string, args: readonly string[]): Promise<Result> {
  const started = performance.now()
  const path = `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
  })
  child.stderr.on('data', (data) => {
    output += data
  })
  return new Promise((resolve) => {
    const end = (ok: boolean) => resolve({ name, ok, output, durationMs: performance.now() - started })
    child.on('error', (error) => {
      output += `${command} could not be started: ${error.message}. Run "npm ci" first.\n`
      end(false)
    })
    child.on('close', (code) => end(code === 0))
  })
}

/** Rules over all sources. A rule that misses its planted violation fails the check as much as a finding does. */
function rules(name: string, list: readonly Rule[]): Result {
  const started = performance.now()
  const lines = blind(list).map((rule) => `the rule "${rule}" does not report its own planted violation`)
  const files = readSources(ROOT)
  for (const rule of list) {
    for (const file of files) {
      for (const { path, line, message } of rule.find(file)) lines.push(`${path}:${line}  ${message}`)
    }
  }
  if (files.length === 0) lines.push(`no source files were found below ${ROOT}`)
  const output = lines.map((line) => `${line}\n`).join('')
  return { name, ok: lines.length === 0, output, durationMs: performance.now() - started }
}

const results = await Promise.all([
  tool('types', 'tsc', ['-p', '.']),
  tool('biome', 'biome', ['check', '--error-on-warnings', '--max-diagnostics=100', '.']),
  tool('dead code', 'knip', ['--no-progress']),
  rules('imports', importRules),
  rules('tidy', tidyRules),
])
for (const { name, ok, durationMs } of results) {
  console.log(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(10)} ${(durationMs / 1000).toFixed(1)} s`)
}
for (const { name, ok, output } of results) if (!ok) console.log(`\n== ${name}\n${output.trimEnd()}`)
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1
