/** `SET name = value`: what a job has besides tables and a query. */
import type { Node } from 'libpg-query'
import { suggest } from '../suggest.ts'
import { SqlFault } from './fault.ts'

export type Settings = Map<string, { readonly value: unknown; readonly byte: number }>

/** Names of settings, with the place in a document. */
export const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'job.name': ['name'],
  'quorum.replicas': ['quorum', 'replicas'],
  'quorum.write': ['quorum', 'write'],
  'quorum.read': ['quorum', 'read'],
  'quorum.allow_forks': ['quorum', 'allowForks'],
  'quorum.file': ['quorum', 'file'],
  'shuffle.partitions': ['shuffle', 'partitions'],
  'window.allowed_lateness': ['window', 'allowedLateness'],
  'window.emit': ['window', 'emit'],
  max_cut_age: ['maxCutAge'],
  retention: ['retention'],
}

export function setting(name: string, args: readonly Node[], byte: number) {
  const [given, second] = args
  if (SETTINGS[name] === undefined) {
    const near = suggest(name, Object.keys(SETTINGS))
    const help = near === undefined ? undefined : `did you mean ${near}?`
    throw new SqlFault(byte, `unknown setting "${name}"; known are ${Object.keys(SETTINGS).join(', ')}`, help)
  }
  const constant = given !== undefined && 'A_Const' in given ? given.A_Const : undefined
  if (constant === undefined || second !== undefined) throw new SqlFault(byte, `expected one value for ${name}`)
  const { ival, sval, boolval, location = byte } = constant
  const text = sval?.sval
  const word = text === 'true' ? true : text === 'false' ? false : text
  return {
    value: ival !== undefined ? (ival.ival ?? 0) : boolval !== undefined ? (boolval.boolval ?? false) : word,
    byte: location,
  }
}
