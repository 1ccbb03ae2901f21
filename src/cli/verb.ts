/**
 * What a verb of the command line is. Each verb's file exports one as `verb`; the parsing, help, settings and exit codes are
 * the same for all and are kept in command-line.ts.
 */
import type { Client } from './client.ts'
import type { Output } from './output.ts'
import type { Settings } from './settings.ts'

export interface VerbOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** May be given several times. */
  readonly multiple?: boolean
  /** Stands for the value in help; for strings. */
  readonly placeholder?: string
  readonly help: string
}

export interface VerbArgument {
  readonly name: string
  readonly required: boolean
  /** Takes all that follow; for the last one. */
  readonly many?: true
  readonly help: string
}

export interface VerbContext {
  /** In the order of the verb's arguments; a missing optional one is undefined, one that takes many goes on to the end. */
  readonly args: readonly (string | undefined)[]
  readonly options: VerbOptions
  readonly settings: Settings
  readonly output: Output
  /** The peer that `--url` names; made at the first call. */
  readonly client: () => Client
  /** Aborted by Ctrl-C, unless the verb handles signals itself. */
  readonly signal: AbortSignal
}

/** The verb's own options as parsed: what the table says is a string is one. */
export interface VerbOptions {
  string(name: string): string | undefined
  flag(name: string): boolean
  /** Of an option that may be given several times. */
  list(name: string): readonly string[]
}

export interface Verb {
  readonly summary: string
  /** Longer text for its help. */
  readonly description?: string
  readonly args: readonly VerbArgument[]
  readonly options: Readonly<Record<string, VerbOption>>
  /** At least one. */
  readonly examples: readonly { readonly command: string; readonly what: string }[]
  /** The verb installs its own handlers for SIGINT and SIGTERM. */
  readonly handlesSignals?: boolean
  /** Resolves to the exit code. */
  readonly run: (context: VerbContext) => Promise<number>
}
