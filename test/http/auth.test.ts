/** Who may call what: roles, the tokens file, exposure, and what a browser would send for another site. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { QuorateError } from '../../src/errors.ts'
import { isLoopback, loadTokens, parseTokens } from '../../src/http/auth.ts'
import { ROUTES } from '../../src/http/routes.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { FakePeer } from './fake-peer.ts'

const TOKENS = {
  read: 'read-token-0123456789',
  submit: 'submit-token-0123456789',
  admin: 'admin-token-0123456789',
} as const
type Role = keyof typeof TOKENS
const ORDER: readonly Role[] = ['read', 'submit', 'admin']

const code = (expected: string, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof QuorateError)
  assert.equal(error.code, expected)
  if (message !== undefined) assert.match(error.message, message)
  return true
}

describe('with tokens', () => {
  let server: HttpServer
  before(async () => {
    const tokens = ORDER.map((role) => ({ role, token: TOKENS[role] }))
    server = await startHttp(new FakePeer(), { listen: { host: '127.0.0.1', port: 0 }, tokens })
  })
  after(() => server.close())

  const call = (method: string, path: string, token?: string, headers: Record<string, string> = {}) =>
    fetch(`${server.address}${path}`, {
      method,
      headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(method === 'POST' ? { body: 'name: x' } : {}),
    })

  const guarded: { method: string; path: string; role: Role }[] = [
    ...ROUTES.flatMap((route) =>
      route.role === undefined ? [] : [{ method: route.method.toUpperCase(), path: route.path, role: route.role }],
    ),
    { method: 'GET', path: '/v1/events', role: 'read' },
    { method: 'GET', path: '/metrics', role: 'read' },
  ]
  for (const { method, path, role } of guarded) {
    it(`${method} ${path} needs ${role}`, async () => {
      const target = path.replace('{name}', 'flight-delays')
      const unknown = await call(method, target)
      assert.equal(unknown.status, 401)
      assert.match(unknown.headers.get('www-authenticate') ?? '', /^Bearer/)
      assert.equal((await call(method, target, 'not-a-token-0123456789')).status, 401)
      for (const held of ORDER) {
        const response = await call(method, `${target}${method === 'POST' ? '?format=yaml' : ''}`, TOKENS[held])
        await response.body?.cancel()
        const allowed = ORDER.indexOf(held) >= ORDER.indexOf(role)
        // A job deleted by the first who may is not found by the next: only 401 and 403 matter here.
        assert.equal(response.status === 403, !allowed, `${held}: ${response.status}`)
        assert.notEqual(response.status, 401)
      }
    })
  }

  it('leaves probes, the dashboard and the API description open', async () => {
    for (const path of ['/livez', '/readyz', '/', '/v1/openapi.json']) {
      assert.equal((await call('GET', path)).status, 200, path)
    }
  })

  it('refuses a page of another origin even with a token', async () => {
    const refused = await call('GET', '/v1/members', TOKENS.admin, { origin: 'https://example.org' })
    assert.equal(refused.status, 403)
    assert.equal((await call('GET', '/v1/members', TOKENS.read, { origin: server.address })).status, 200)
  })
})

describe('without tokens', () => {
  it('loopback is open, to loopback names only', async () => {
    const server = await startHttp(new FakePeer(), { listen: { host: '127.0.0.1', port: 0 } })
    const { port } = new URL(server.address)
    try {
      assert.equal(await statusFor(port, `localhost:${port}`), 200)
      assert.equal(await statusFor(port, `[::1]:${port}`), 200)
      assert.equal(await statusFor(port, 'rebound.example.org'), 403)
    } finally {
      await server.close()
    }
  })

  it('any other address is refused, unless asked for', async () => {
    const listen = { host: '0.0.0.0', port: 0 }
    await assert.rejects(startHttp(new FakePeer(), { listen }), code('QRT_CONFIG_INVALID', /--insecure/))
    const server = await startHttp(new FakePeer(), { listen, insecure: true })
    await server.close()
  })

  it('an address in use is a clear error', async () => {
    const server = await startHttp(new FakePeer(), { listen: { host: '127.0.0.1', port: 0 } })
    const listen = { host: '127.0.0.1', port: Number(new URL(server.address).port) }
    const peer = new FakePeer()
    await assert.rejects(startHttp(peer, { listen }), code('QRT_CONFIG_INVALID', /another port/))
    assert.equal(peer.listeners.size, 0, 'and nothing of the server stays')
    await server.close()
  })

  it('knows loopback by address', () => {
    const cases: [string, boolean][] = [
      ['127.0.0.1', true],
      ['127.8.8.8', true],
      ['::1', true],
      ['localhost', true],
      ['0.0.0.0', false],
      ['::', false],
      ['10.0.0.1', false],
      ['localhost.example.org', false],
      ['127.0.0.1.example.org', false],
    ]
    for (const [host, expected] of cases) assert.equal(isLoopback(host), expected, host)
  })
})

describe('the tokens file', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'quorate-tokens-'))
  })
  after(() => rmSync(directory, { recursive: true }))

  const write = (text: string, mode = 0o600) => {
    const file = join(directory, 'tokens')
    writeFileSync(file, text)
    chmodSync(file, mode)
    return file
  }

  it('is one role and token a line, with comments', () => {
    const file = write(`# for the dashboard\nread ${TOKENS.read}\n\n  admin   ${TOKENS.admin}  \n`)
    assert.deepEqual(loadTokens(file), [
      { role: 'read', token: TOKENS.read },
      { role: 'admin', token: TOKENS.admin },
    ])
  })

  it('is refused when others may read it, when it is missing, and when it is empty', () => {
    assert.throws(() => loadTokens(write(`read ${TOKENS.read}`, 0o640)), code('QRT_CONFIG_INVALID', /chmod 600/))
    assert.throws(() => loadTokens(join(directory, 'none')), code('QRT_CONFIG_INVALID', /ENOENT/))
    assert.throws(() => loadTokens(write('# nothing\n')), code('QRT_CONFIG_INVALID', /no token/))
  })

  it('names the line that is wrong and never quotes it', () => {
    for (const line of [`root ${TOKENS.read}`, 'read', 'read short', `read ${TOKENS.read} more`]) {
      assert.throws(
        () => parseTokens(`# one\n${line}\n`, 'tokens'),
        (error: unknown) => {
          assert.ok(error instanceof QuorateError)
          assert.match(error.message, /^tokens:2: /)
          assert.doesNotMatch(error.message, /0123456789|short|more|root/)
          return true
        },
      )
    }
  })
})

/** fetch does not let a caller choose the Host header. */
function statusFor(port: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/v1/members', headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
