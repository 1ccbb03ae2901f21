/** Who may ask a real peer: roles of tokens, and no address of the network without them. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runCli } from '../cli/run-cli.ts'
import { Peers } from './peers.ts'

describe('a peer with tokens', () => {
  const TOKENS = { read: 'read-token-0123456789', submit: 'submit-token-0123456789', admin: 'admin-token-0123456789' }
  let folder: string
  let alone: Peers
  const call = (method: string, path: string, token: string | undefined, body?: string) =>
    fetch(`${alone.all[0]!.httpAddress}${path}`, {
      method,
      headers: {
        'content-type': 'application/yaml',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body }),
    })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quorate-tokens-'))
    const tokens = join(folder, 'tokens')
    writeFileSync(
      tokens,
      Object.entries(TOKENS)
        .map((pair) => pair.join(' '))
        .join('\n'),
      { mode: 0o600 },
    )
    const log = { kind: 'embedded', directory: join(folder, 'log') } as const
    alone = new Peers({ directory: folder, log, names: ['solo'], args: ['--tokens-file', tokens] })
    await alone.start()
  })
  after(async () => {
    await alone?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('answers each role what it may ask, and a probe in any case', async () => {
    const nothing = 'name: nothing\n'
    const cases: [method: string, path: string, body: string | undefined, statuses: number[]][] = [
      //                                                    none  read submit admin
      ['GET', '/v1/members', undefined, [401, 200, 200, 200]],
      ['GET', '/v1/status', undefined, [401, 200, 200, 200]],
      ['GET', '/metrics', undefined, [401, 200, 200, 200]],
      ['POST', '/v1/jobs', nothing, [401, 403, 422, 422]],
      ['DELETE', '/v1/jobs/nothing', undefined, [401, 403, 403, 404]],
      ['GET', '/v1/leave', undefined, [401, 200, 200, 200]],
      // The only one: refused, but asked for.
      ['POST', '/v1/leave', undefined, [401, 403, 403, 409]],
      ['POST', '/v1/jobs/nothing/pause', undefined, [401, 403, 403, 404]],
      ['POST', '/v1/jobs/nothing/resume', undefined, [401, 403, 403, 404]],
      ['POST', '/v1/jobs/nothing/units/0/resolve?order=retry', undefined, [401, 403, 403, 404]],
      ['DELETE', '/v1/members/nobody', undefined, [401, 403, 403, 404]],
      ['GET', '/readyz', undefined, [200, 200, 200, 200]],
    ]
    for (const [method, path, body, statuses] of cases) {
      for (const [index, token] of [undefined, TOKENS.read, TOKENS.submit, TOKENS.admin].entries()) {
        const response = await call(method, path, token, body)
        assert.equal(response.status, statuses[index], `${method} ${path} with ${token}`)
        await response.body?.cancel()
      }
    }
  })

  it('streams events to whoever may read, and to nobody else', async () => {
    assert.equal((await call('GET', '/v1/events', undefined)).status, 401)
    const response = await call('GET', '/v1/events', TOKENS.read)
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    await response.body?.cancel()
  })
})

describe('a peer without tokens', () => {
  it('does not listen on an address of the network', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quorate-open-'))
    try {
      const places = ['--data', join(folder, 'peer'), '--log', `embedded:${join(folder, 'log')}`]
      const args = ['join', '--bootstrap', '--listen', '127.0.0.1:0', '--http', '0.0.0.0:0', ...places]
      const { code, stderr, stdout } = await runCli(args, {
        onStderr: (text, kill) => {
          if (text.includes('dashboard at')) kill('SIGKILL')
        },
      })
      assert.equal(code, 3, stderr)
      assert.equal(stdout, '')
      assert.match(stderr, /open to everyone who reaches 0\.0\.0\.0.*--insecure/)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
