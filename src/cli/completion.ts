/** `quorate completion`: the script by which a shell completes verbs, options and their values. */
import { QuorateError } from '../errors.ts'
import { suggest } from '../suggest.ts'
import type { CompletedVerb } from './completion/table.ts'
import { EXIT } from './exit.ts'
import type { Verb } from './verb.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

type Shell = (typeof SHELLS)[number]

const WRITERS: Readonly<Record<Shell, () => Promise<(verbs: readonly CompletedVerb[]) => string>>> = {
  bash: async () => (await import('./completion/bash.ts')).bashCompletion,
  zsh: async () => (await import('./completion/zsh.ts')).zshCompletion,
  fish: async () => (await import('./completion/fish.ts')).fishCompletion,
}

export const verb: Verb = {
  summary: 'A script by which a shell completes verbs and options',
  description: 'It holds all it needs, and starts nothing while you type. Make it anew after an update.',
  args: [{ name: SHELLS.join('|'), required: true, help: 'the shell' }],
  options: {},
  examples: [
    { command: 'source <(quorate completion bash)', what: 'in ~/.bashrc' },
    { command: 'source <(quorate completion zsh)', what: 'in ~/.zshrc, behind compinit' },
    { command: 'quorate completion fish > ~/.config/fish/completions/quorate.fish', what: 'once' },
  ],
  run: async ({ args: [name = ''], output }) => {
    const shell = shellOf(name)
    const { completionTable } = await import('./completion/table.ts')
    const script = (await WRITERS[shell]())(await completionTable())
    output.line(script.trimEnd())
    return EXIT.ok
  },
}

function shellOf(name: string): Shell {
  const shell = SHELLS.find((known) => known === name)
  if (shell !== undefined) return shell
  const near = suggest(name, SHELLS)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  throw new QuorateError('QRT_USAGE', `expected a shell, one of ${SHELLS.join(', ')}; found "${name}"${hint}`)
}
