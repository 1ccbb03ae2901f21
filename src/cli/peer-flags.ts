/** The flags of a peer as settings take them: a flag without a value stands for `true`. */
import { PEER_OPTIONS } from './peer-definitions.ts'
import type { VerbOptions } from './verb.ts'

export function peerFlags(options: VerbOptions): Readonly<Record<string, string | readonly string[] | undefined>> {
  const flags: Record<string, string | readonly string[] | undefined> = {}
  for (const [name, { type, multiple }] of Object.entries(PEER_OPTIONS)) {
    if (type === 'boolean') flags[name] = options.flag(name) ? 'true' : undefined
    else if (multiple === true) flags[name] = options.list(name).length > 0 ? options.list(name) : undefined
    else flags[name] = options.string(name)
  }
  return flags
}
