/** Completion as each shell does it: the shell itself is asked, with the script that quorate prints for it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { VERBS } from '../../src/cli/verbs.ts'
import { obtain, skipReason } from '../services/availability.ts'
import { tool } from '../services/build.ts'
import { runCli } from './run-cli.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

type Shell = (typeof SHELLS)[number]

const found = Object.fromEntries(
  await Promise.all(
    SHELLS.map(async (shell) => [
      shell,
      await obtain(shell, `${shell} (apt-get install ${shell})`, async () => ({
        ran: await tool(shell, ['--version']),
      })),
    ]),
  ),
)

let folder: string
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-completion-'))
  writeFileSync(join(folder, 'job.yaml'), '')
  for (const shell of SHELLS) {
    const { code, stdout } = await runCli(['completion', shell])
    assert.equal(code, 0)
    writeFileSync(join(folder, `script.${shell}`), stdout)
  }
})
after(() => rmSync(folder, { recursive: true }))

function run(shell: Shell, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(shell, args, { cwd: folder, encoding: 'utf8', timeout: 30_000 })
  assert.equal(status, 0, stderr)
  assert.equal(stderr, '')
  return stdout
}

/** What each shell offers for the last word, by itself where it can be asked so. */
const OFFERS: Readonly<Record<Shell, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) => {
    const line = ['quorate', ...words].map((word) => `"${word}"`).join(' ')
    const ask = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _quorate; printf '%s\\n' "\${COMPREPLY[@]}"`
    return lines(run('bash', '--norc', '-c', `source script.bash; ${ask}`))
  },
  fish: (words) =>
    lines(run('fish', '--no-config', '-c', `source script.fish; complete -C "quorate ${words.join(' ')}"`)),
  zsh: (words) => {
    // A shell in a terminal of its own, in which Tab is pressed: quorate is a function there that says what it was given.
    const script = `
      zmodload zsh/zpty
      zpty inner zsh -f -i
      say() { zpty -w inner "$1" }
      say 'PS1= PS2= RPS1=; unsetopt zle_bracketed_paste prompt_cr; autoload -Uz compinit; compinit -u -D; source script.zsh'
      say 'quorate() { print -r -- "given <$*>" }; bindkey "^I" complete-word; zstyle ":completion:*" list false; setopt no_beep'
      say 'print ready-\${:-now}'
      local text
      zpty -r -m inner text '*ready-now*'
      zpty -w -n inner $'quorate ${words.join(' ')}\\t\\n'
      zpty -r -m inner text '*given <*>*'
      print -r -- $text`
    const [, given = ''] = /given <([^>]*)>\s*$/.exec(run('zsh', '-f', '-c', script)) ?? []
    return [given.trim().split(' ').at(-1) ?? '']
  },
}

/** Behind a tab stands what it means. */
const lines = (text: string): readonly string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split('\t')[0] ?? '')

for (const shell of SHELLS) {
  describe(`completion in ${shell}`, { skip: skipReason(found[shell] ?? {}) }, () => {
    const only = (...words: readonly string[]) => {
      const offered = OFFERS[shell](words)
      assert.equal(offered.length, 1, offered.join(' '))
      return offered[0]
    }

    it('completes a verb', () => assert.equal(only('expl'), 'explain'))
    it('completes an option of the verb', () => assert.equal(only('join', '--bootstrap-e'), '--bootstrap-expect'))
    it('completes an option that all verbs have', () => assert.equal(only('jobs', '--tok'), '--token-file'))
    it('completes the value of an option', () => assert.equal(only('jobs', '-o', 'te'), 'text'))
    it('completes the value of an argument', () => assert.equal(only('completion', 'fi'), 'fish'))
  })
}

describe('completion', () => {
  it('knows every verb, and what each does', () => {
    const offered = OFFERS.bash([''])
    for (const name of Object.keys(VERBS)) assert.ok(offered.includes(name), name)
  })

  it('leaves files to the shell', () => {
    assert.deepEqual(OFFERS.bash(['lint', 'jo']), [''])
    assert.deepEqual(OFFERS.bash(['join', '--config', 'jo']), [''])
  })

  it('wants a shell that it knows', async () => {
    const { code, stderr } = await runCli(['completion', 'bsh'])
    assert.equal(code, 2)
    assert.match(stderr, /one of bash, zsh, fish; found "bsh"; did you mean bash\?/)
  })
})
