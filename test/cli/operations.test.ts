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

describe('pause and resume', () => {
  it('show the job as it is then, and how to turn it back', async () => {
    const paused = await ask(['pause', 'flight-delays'])
    assert.equal(paused.code, 0, paused.stderr)
    assert.match(paused.stdout, /^flight-delays +paused /m)
    assert.match(paused.stderr, /quorate resume flight-delays/)
    const resumed = await ask(['resume', 'flight-delays', '--json'])
    assert.equal(resumed.code, 0, resumed.stderr)
    assert.equal(JSON.parse(resumed.stdout).state, 'running')
  })

  it('fail for a job that nobody submitted', async () => {
    const { code, stderr } = await ask(['pause', 'fligt-delays'])
    assert.equal(code, 1)
    assert.match(stderr, /QRT_JOB_UNKNOWN/)
  })
})

describe('resolve', () => {
  it('gives an order about a unit', async () => {
    const { code, stdout } = await ask(['resolve', 'flight-delays', '--unit', '0:3', 'accept-gap', '--json'])
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(stdout), { job: 'flight-delays', unit: '0:3', order: 'accept-gap' })
    assert.deepEqual(peer.orders.at(-1), { job: 'flight-delays', unit: '0:3', order: 'accept-gap' })
  })

  it('says in its help what each order gives up', async () => {
    const { stdout } = await ask(['resolve', '--help'])
    assert.match(
      stdout,
      /retry {7}.*Gives up nothing.*accept-gap.*Gives up all records.*settle.*Gives up what protects/s,
    )
  })

  const wrong: [what: string, args: string[], message: RegExp][] = [
    [
      'an order that there is not',
      ['resolve', 'x', '--unit', '0', 'forget'],
      /expected one of retry, accept-gap, settle/,
    ],
    ['no unit', ['resolve', 'x', 'retry'], /--unit N is missing/],
    [
      'a unit that is none',
      ['resolve', 'x', '--unit', 'all', 'retry'],
      /expected STAGE:PARTITION or a partition, found "all"/,
    ],
  ]
  for (const [what, args, message] of wrong) {
    it(`is a usage error with ${what}`, async () => {
      const { code, stderr } = await ask(args)
      assert.equal(code, 2)
      assert.match(stderr, message)
    })
  }

  it('fails where the unit waits for no such order', async () => {
    peer.failure = new QuorateError('QRT_UNIT_REFUSED', 'it does not wait for "settle"')
    const { code, stderr } = await ask(['resolve', 'flight-delays', '--unit', '3', 'settle'])
    assert.equal(code, 1)
    assert.match(stderr, /does not wait for "settle".*QRT_UNIT_REFUSED/)
  })
})

describe('remove', () => {
  it('takes a member out, for good with --ban', async () => {
    assert.match((await ask(['remove', 'cy'])).stderr, /Removed cy: others take/)
    const banned = await ask(['remove', 'cy', '--ban', '--json'])
    assert.deepEqual(JSON.parse(banned.stdout), { removed: 'cy', ban: true })
    assert.deepEqual(peer.removed, [
      { peer: 'cy', ban: false },
      { peer: 'cy', ban: true },
    ])
  })
})

describe('force', () => {
  it('says who was given up, and how', async () => {
    const { code, stderr } = await ask(['force', '--lost', 'bo', '--lost', 'cy', '--yes'])
    assert.equal(code, 0)
    assert.match(stderr, /Given up: bo, cy\. This peer went on alone/)
  })

  it('wants to be told twice', async () => {
    assert.equal((await ask(['force', '--yes'])).code, 2)
    const { code, stderr } = await ask(['force', '--lost', 'bo'])
    assert.equal(code, 2)
    assert.match(stderr, /--yes/)
  })
})
