/** bin/quorate.js: from a checkout, and as installed, where Node does not run TypeScript itself. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const launch = (root: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'bin/quorate.js'), ...args], { encoding: 'utf8' })

describe('the launcher', () => {
  it('runs the sources of a checkout', () => {
    const { status, stdout } = launch(ROOT, 'version')
    assert.equal(status, 0)
    assert.match(stdout, /^quorate \d+\.\d+\.\d+/)
  })

  it('runs below node_modules, and passes arguments and the exit code on', () => {
    const directory = mkdtempSync(join(tmpdir(), 'quorate-installed-'))
    try {
      const installed = join(directory, 'node_modules', 'quorate')
      mkdirSync(installed, { recursive: true })
      for (const part of ['bin', 'src', 'mesh', 'operators', 'package.json']) {
        cpSync(join(ROOT, part), join(installed, part), { recursive: true })
      }
      symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'))
      assert.match(launch(installed, 'version', '--json').stdout, /"node"/)
      const { status, stderr } = launch(installed, 'qurey')
      assert.match(stderr, /Did you mean/)
      assert.equal(status, 2)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
