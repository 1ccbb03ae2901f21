/** From flags, environment and file to what a peer is started with. */
import { readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { ConfigFile } from '../config.ts'
import { QuorateError } from '../errors.ts'
import { readFunctions } from '../functions/module.ts'
import { loadTokens } from '../http/auth.ts'
import type { LogSettings } from '../log/log.ts'
import type { LogLevel } from '../logger.ts'
import type { PeerSettings } from '../peer/start.ts'
import { PEER_DEFINITIONS } from './peer-definitions.ts'
import { nonEmpty, parseDuration, picker, type SettingInputs, type SettingSource, wrong } from './settings.ts'

const MAX_WORKERS = 64
const DEFAULT_WORKERS = 8
const SECRET_BYTES = 16

/** @throws QuorateError QRT_CONFIG_INVALID or QRT_USAGE, naming the setting and where it came from */
export function peerSettings(inputs: SettingInputs, file: ConfigFile): PeerSettings {
  const pick = picker(inputs, file)
  const { name, data, seeds, bootstrap, bootstrapExpect, listen, advertise, http, insecure } = PEER_DEFINITIONS
  const secretFile = nonEmpty(pick(PEER_DEFINITIONS.secretFile).value)
  const tokensFile = nonEmpty(pick(PEER_DEFINITIONS.tokensFile).value)
  const secret = secretFile === undefined ? undefined : readSecret(secretFile)
  const tokens = tokensFile === undefined ? [] : loadTokens(tokensFile)
  const expected = parseExpect(pick(bootstrapExpect))
  const alone = parseFlag(pick(bootstrap))
  if (alone && expected !== undefined && expected !== 1) {
    throw new QuorateError('QRT_USAGE', '--bootstrap starts a cluster of one; leave it out with --bootstrap-expect')
  }
  return {
    name: pick(name).value,
    dataDirectory: pick(data).value,
    seeds: pick(seeds)
      .value.split(',')
      .filter((seed) => seed !== ''),
    bootstrapExpect: alone ? 1 : expected,
    listen: parseAddress(pick(listen)),
    advertise: nonEmpty(pick(advertise).value),
    http: parseAddress(pick(http)),
    secret,
    tokens,
    insecure: parseFlag(pick(insecure)),
    log: logOf(pick(PEER_DEFINITIONS.logAddress), file),
    connections: file.connections,
    checkpoints: file.checkpoints,
    restore: restoreOf(pick(PEER_DEFINITIONS.restore), file),
    view: {
      admitAfterMs: parseDuration(pick(PEER_DEFINITIONS.admitAfter)),
      removeAfterMs: parseRemoveAfter(pick(PEER_DEFINITIONS.removeAfter)),
    },
    functions: pick(PEER_DEFINITIONS.functions)
      .value.split(',')
      .filter((file) => file !== '')
      .map(readFunctions),
    workers: parseWorkers(pick(PEER_DEFINITIONS.workers)),
    logLevel: parseLevel(pick(PEER_DEFINITIONS.logLevel)),
    logFormat: parseFormat(pick(PEER_DEFINITIONS.logFormat)),
    secrets: [...file.secrets, ...tokens.map(({ token }) => token)],
  }
}

/** How the log is reached, alone. */
export function logSettings(inputs: SettingInputs, file: ConfigFile): LogSettings {
  return logOf(picker(inputs, file)(PEER_DEFINITIONS.logAddress), file)
}

/** All settings of a peer, each with where it came from; the contents of files are not read. */
export function peerSources(inputs: SettingInputs, file: ConfigFile): SettingSource[] {
  const pick = picker(inputs, file)
  const sources = Object.values(PEER_DEFINITIONS).map(pick)
  const from = file.path ?? ''
  const structured: SettingSource[] = Object.keys(file.connections).map((kind) => ({
    name: `connections.${kind}`,
    value: 'configured',
    from,
  }))
  if (file.checkpoints !== undefined) structured.push({ name: 'checkpoints', value: file.checkpoints.kind, from })
  if (file.log !== undefined) structured.push({ name: 'log', value: file.log.kind, from })
  return [...sources, ...structured]
}

/** The structured `log` of the file wins over the default address, and an address given in any way over it. */
function logOf(source: SettingSource, file: ConfigFile): LogSettings {
  if (source.from === 'default' && file.log !== undefined) return file.log
  const [, directory] = /^embedded:(.+)$/.exec(source.value) ?? []
  if (directory !== undefined) return { kind: 'embedded', directory }
  const [, brokers] = /^kafka:\/\/([^/]+)\/?$/.exec(source.value) ?? []
  if (brokers !== undefined) return { kind: 'kafka', brokers: brokers.split(','), clientId: 'quorate' }
  throw wrong(source.from, source.value, 'embedded:DIRECTORY or kafka://host:port,host:port')
}

function restoreOf({ value, from }: SettingSource, file: ConfigFile): string | undefined {
  if (value === '') return undefined
  // A part of paths and of names of objects.
  if (!/^[0-9a-f]{16}$/.test(value)) throw wrong(from, value, 'the id of a cluster, 16 digits and letters from a to f')
  if (file.checkpoints !== undefined) return value
  const what = `${from}: expected "checkpoints" in the configuration file, where those of ${value} are; found none`
  throw new QuorateError('QRT_CONFIG_INVALID', what)
}

function parseAddress({ value, from }: SettingSource): { readonly host: string; readonly port: number } {
  const [, host, bare, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value) ?? []
  const name = host ?? bare
  if (name === undefined || Number(port) > 65_535) throw wrong(from, value, 'an address such as 127.0.0.1:7400')
  return { host: name, port: Number(port) }
}

function parseExpect({ value, from }: SettingSource): number | undefined {
  if (value === '') return undefined
  if (!/^[1-9]\d?$/.test(value) || Number(value) > 64) throw wrong(from, value, 'a number of peers from 1 to 64')
  return Number(value)
}

function parseWorkers({ value, from }: SettingSource): number {
  if (value === '') return Math.min(availableParallelism(), DEFAULT_WORKERS)
  if (!/^[1-9]\d?$/.test(value) || Number(value) > MAX_WORKERS) {
    throw wrong(from, value, `a number of threads from 1 to ${MAX_WORKERS}`)
  }
  return Number(value)
}

function parseRemoveAfter(source: SettingSource): number | undefined {
  return source.value === 'never' ? undefined : parseDuration(source, 'a duration such as 10m or 1h, or never')
}

function parseFlag({ value, from }: SettingSource): boolean {
  if (value === 'true') return true
  if (value === 'false') return false
  throw wrong(from, value, 'true or false')
}

function parseLevel({ value, from }: SettingSource): LogLevel {
  if (value === 'debug' || value === 'info' || value === 'warn' || value === 'error') return value
  throw wrong(from, value, 'debug, info, warn or error')
}

function parseFormat({ value, from }: SettingSource): 'text' | 'json' {
  if (value === 'text' || value === 'json') return value
  throw wrong(from, value, 'text or json')
}

/** The secret as bytes, without the newline that editors add. */
function readSecret(file: string): Uint8Array {
  let bytes: Buffer
  try {
    const mode = statSync(file).mode & 0o777
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const what = `${file} has mode 0${mode.toString(8)}, so others may read the secret; run: chmod 600 ${file}`
      throw new QuorateError('QRT_CONFIG_INVALID', what)
    }
    bytes = readFileSync(file)
  } catch (cause) {
    if (cause instanceof QuorateError) throw cause
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new QuorateError('QRT_CONFIG_INVALID', `the secret file ${file} cannot be read (${reason})`, { cause })
  }
  const secret = Buffer.from(bytes.toString('latin1').replace(/\r?\n$/, ''), 'latin1')
  if (secret.length >= SECRET_BYTES) return new Uint8Array(secret)
  const what = `the secret in ${file} has ${secret.length} bytes, expected at least ${SECRET_BYTES}; make one with: openssl rand -hex 32`
  throw new QuorateError('QRT_CONFIG_INVALID', what)
}
