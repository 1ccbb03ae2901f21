/** Verbs that change a running cluster, as processes against a peer in memory. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { QuorateError } from '../../src/errors.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { FakePeer } from '../http/fake-peer.ts'
import { type CliOptions, runCli } from './run-cli.ts'

let peer: FakePeer
let server: HttpServer

before(async () => {
  peer = new FakePeer()
  server = await startHttp(peer, { listen: { host: '127.0.0.1', port: 0 } })
})
after(() => server.close())
afterEach(() => {
  peer.failure = undefined
})

const ask = (args: readonly string[], options: CliOptions = {}) =>
  runCli(args, { ...options, env: { QUORATE_URL: server.address, ...options.env } })

const leaving = (left: number, ...waitingFor: string[]) =>
  ({ state: 'leaving', waitingFor, units: { total: 4, left } }) as const
const LEFT = { state: 'left', waitingFor: [], units: { total: 4, left: 0 } } as const

describe('leave', () => {
  it('tells on stderr what it waits for, until the peer has left', async () => {
    peer.leaveViews = [
      leaving(4, 'the view still names this peer', 'its successors do not hold all of x:0:1 yet'),
      leaving(1, 'its successors do not hold all of x:0:1 yet'),
      LEFT,
    ]
    const { code, stdout, stderr } = await ask(['leave'])
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, /^0 of 4 units handed over.*waiting: the view still names this peer \(and 1 more\)$/m)
    assert.match(stderr, /^3 of 4 units handed over.*left; waiting: its successors do not hold all of x:0:1 yet$/m)
    assert.match(stderr, /It has left/)
  })

  it('gives the end as data where that is asked for', async () => {
    peer.leaveViews = [leaving(1, 'the view still names this peer'), LEFT]
    const { code, stdout } = await ask(['leave', '--json'])
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(stdout), LEFT)
  })

  it('returns at once with --no-wait', async () => {
    peer.leaveViews = [leaving(4, 'the view still names this peer')]
    const { code, stdout } = await ask(['leave', '--no-wait', '--json'])
    assert.equal(code, 0)
    assert.equal(JSON.parse(stdout).state, 'leaving')
  })

  it('goes on at the peer when Ctrl-C ends the waiting', async () => {
    peer.leaveViews = [leaving(4, 'the view still names this peer')]
    const { code, stderr } = await ask(['leave'], { onStderr: (_, kill) => kill('SIGINT') })
    assert.equal(code, 130)
    assert.match(stderr, /the peer goes on leaving/)
  })

  it('fails where the others could not go on, with what to do first', async () => {
    peer.failure = new QuorateError('QRT_MEMBER_REFUSED', 'let another peer join first')
    const { code, stderr } = await ask(['leave'])
    assert.equal(code, 1)
    assert.match(stderr, /let another peer join first.*QRT_MEMBER_REFUSED/)
  })

  it('says whom to ask when the peer ended before it had left', async () => {
    const own = new FakePeer()
    own.leaveViews = [leaving(4, 'the view still names this peer')]
    const other = await startHttp(own, { listen: { host: '127.0.0.1', port: 0 } })
    let closed: Promise<void> | undefined
    const { code, stderr } = await runCli(['leave', '--url', other.address], {
      onStderr: () => {
        closed ??= other.close()
      },
    })
    await closed
    assert.equal(code, 4)
    assert.match(stderr, /ended before it said that it had left.*quorate members --url http:\/\/127\.0\.0\.1:7402/)
  })
})
