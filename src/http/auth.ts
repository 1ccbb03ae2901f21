/**
 * Who may call the API. Bearer tokens carry one of three roles, each including the one before; without tokens the API is
 * open, which is refused on any address but loopback unless asked for. Requests that a web page of another origin could
 * make a browser send are refused in either case.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { QuorateError } from '../errors.ts'
import { HTTP_LIMITS } from './limits.ts'

const ROLES = ['read', 'submit', 'admin'] as const
export type Role = (typeof ROLES)[number]

export interface ApiToken {
  readonly role: Role
  readonly token: string
}

const MIN_TOKEN_LENGTH = 16

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const family = isIP(host)
  return family !== 0 && LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * Reads a tokens file: one `role token` a line, `#` starts a comment line.
 * @throws QuorateError QRT_CONFIG_INVALID when others may read the file, or a line is not understood; the message names
 * the line and never quotes it.
 */
export function loadTokens(file: string): ApiToken[] {
  let text: string
  try {
    const mode = statSync(file).mode & 0o777
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw invalid(`${file} has mode 0${mode.toString(8)}, so others may read the tokens; run: chmod 600 ${file}`)
    }
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof QuorateError) throw error
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw invalid(`the tokens file ${file} cannot be read (${reason})`, error)
  }
  const tokens = parseTokens(text, file)
  if (tokens.length === 0) throw invalid(`${file} holds no token; expected lines such as "read <token>"`)
  return tokens
}

export function parseTokens(text: string, file: string): ApiToken[] {
  const tokens: ApiToken[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const fields = line.trim().split(/\s+/)
    const [role, token] = fields
    if (role === undefined || role === '' || role.startsWith('#')) continue
    const where = `${file}:${index + 1}`
    if (!isRole(role)) throw invalid(`${where}: expected a role first, one of ${ROLES.join(', ')}`)
    if (token === undefined || fields.length !== 2) throw invalid(`${where}: expected "${role} <token>"`)
    if (token.length < MIN_TOKEN_LENGTH) {
      throw invalid(`${where}: the token has ${token.length} characters, expected at least ${MIN_TOKEN_LENGTH}`)
    }
    tokens.push({ role, token })
  }
  if (tokens.length > HTTP_LIMITS.tokens) {
    throw invalid(`${file} holds ${tokens.length} tokens; at most ${HTTP_LIMITS.tokens} are taken`)
  }
  return tokens
}

/** Refuses to serve an open API to a network. */
export function checkExposure(host: string, protectedByTokens: boolean, insecure: boolean): void {
  if (protectedByTokens || insecure || isLoopback(host)) return
  throw invalid(
    `the API would be open to everyone who reaches ${host}: give a tokens file, listen on 127.0.0.1, or say --insecure`,
  )
}

/** Decides about requests. All tokens are compared in constant time, so timing tells nothing about any. */
export class Authenticator {
  readonly #tokens: readonly { role: Role; digest: Buffer }[]
  readonly #host: string

  constructor(tokens: readonly ApiToken[], host: string) {
    this.#tokens = tokens.map(({ role, token }) => ({ role, digest: sha256(token) }))
    this.#host = host
  }

  /**
   * @throws QuorateError QRT_UNAUTHORIZED without a known token, QRT_FORBIDDEN when its role is too low
   */
  authorize(headers: Headers, needed: Role): void {
    if (this.#tokens.length === 0) return
    const [, presented] = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '') ?? []
    if (presented === undefined) {
      throw new QuorateError('QRT_UNAUTHORIZED', 'this peer asks for a token: send "Authorization: Bearer <token>"')
    }
    const role = this.#roleOf(presented)
    if (role === undefined) throw new QuorateError('QRT_UNAUTHORIZED', 'the token is not one of this peer')
    if (ROLES.indexOf(role) < ROLES.indexOf(needed)) {
      throw new QuorateError('QRT_FORBIDDEN', `the token's role is "${role}"; this needs "${needed}"`)
    }
  }

  /**
   * Refuses what only a browser on behalf of another site would send: a foreign Origin, or, on an open loopback API, a
   * Host that is not loopback (a DNS name pointed here by its owner).
   */
  checkOrigin(headers: Headers): void {
    const host = headers.get('host') ?? ''
    const origin = headers.get('origin')
    if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) {
      throw new QuorateError('QRT_FORBIDDEN', `requests from pages of another origin (${origin}) are refused`)
    }
    if (this.#tokens.length === 0 && isLoopback(this.#host) && !isLoopback(hostName(host))) {
      throw new QuorateError('QRT_FORBIDDEN', `this peer serves loopback only, and the Host header says "${host}"`)
    }
  }

  #roleOf(presented: string): Role | undefined {
    const digest = sha256(presented)
    let role: Role | undefined
    for (const known of this.#tokens) if (timingSafeEqual(known.digest, digest)) role = known.role
    return role
  }
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text)

const hostName = (host: string): string => host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')

function invalid(message: string, cause?: unknown): QuorateError {
  return new QuorateError('QRT_CONFIG_INVALID', message, cause === undefined ? {} : { cause })
}
