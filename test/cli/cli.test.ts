/** The command line as a process against a peer in memory: exit codes, what goes where, help and suggestions. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { VERBS } from '../../src/cli/verbs.ts'
import { QuorateError } from '../../src/errors.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { createLogger } from '../../src/logger.ts'
import { certifiedEvent, FakePeer, jobNamed } from '../http/fake-peer.ts'
import { type CliOptions, runCli } from './run-cli.ts'

const TOKEN = 'submit-token-0123456789'

let peer: FakePeer
let server: HttpServer
let directory: string

before(async () => {
  peer = new FakePeer()
  server = await startHttp(peer, { listen: { host: '127.0.0.1', port: 0 }, logger: createLogger({ write: () => {} }) })
  directory = mkdtempSync(join(tmpdir(), 'quorate-cli-'))
})
after(async () => {
  await server.close()
  rmSync(directory, { recursive: true })
})
afterEach(() => {
  peer.failure = undefined
  peer.jobList = [jobNamed('flight-delays')]
})

const ask = (args: readonly string[], options: CliOptions = {}) =>
  runCli(args, { ...options, env: { QUORATE_URL: server.address, ...options.env } })

function file(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name)
  writeFileSync(path, text, { mode })
  return path
}

describe('help', { concurrency: 4 }, () => {
  it('is there without a verb, on stdout, with examples', async () => {
    for (const args of [[], ['help'], ['--help'], ['-h']]) {
      const { code, stdout, stderr } = await runCli(args)
      assert.equal(code, 0)
      assert.equal(stderr, '')
      for (const verb of Object.keys(VERBS)) assert.match(stdout, new RegExp(`^  ${verb} `, 'm'))
      assert.match(stdout, /Examples:\n {2}quorate demo/)
    }
  })

  for (const name of [
    'leave',
    'members',
    'remove',
    'pause',
    'resume',
    'resolve',
    'ring',
    'submit',
    'jobs',
    'query',
    'watch',
    'status',
    'delete',
    'certificates',
    'verify',
    'config',
  ]) {
    it(`of ${name} has usage, options and examples`, async () => {
      const { code, stdout } = await runCli([name, '--help'])
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`^Usage: quorate ${name}`, 'm'))
      assert.match(stdout, /--token-file FILE/)
      assert.match(stdout, new RegExp(`Examples:\n {2}# .+\n {2}(.*\n)*.*quorate ${name}`))
    })
  }
})

describe('usage errors exit with 2 and leave stdout empty', { concurrency: 4 }, () => {
  const cases: [what: string, args: string[], message: RegExp][] = [
    ['an unknown verb', ['qurey', 'x'], /no verb "qurey".*Did you mean "quorate query"/],
    ['a verb like nothing known', ['xyzzy'], /no verb "xyzzy".*quorate --help/],
    ['a name of every object', ['constructor'], /no verb "constructor"/],
    ['an option before the verb', ['--url', 'x', 'members'], /the verb comes before options/],
    ['an unknown option', ['query', 'x', '--kye', 'ORD'], /unknown option --kye; did you mean --key\?/],
    ['a missing argument', ['query'], /JOB is missing/],
    ['an argument too many', ['members', 'all'], /unexpected argument "all"/],
    ['an option without its value', ['query', 'x', '--key'], /key/],
    ['a wrong format', ['members', '-o', 'xml'], /expected text, json or jsonl, found "xml"/],
    ['formats that contradict', ['members', '--json', '-o', 'jsonl'], /contradict/],
    ['a wrong duration', ['members', '--timeout', '10'], /expected a duration such as/],
    ['a wrong address', ['members', '--url', 'localhost:7401'], /expected an address such as/],
    ['a limit that is no number', ['query', 'x', '--limit', 'all'], /--limit: expected a number/],
    ['a document of unknown format', ['submit', 'job.txt'], /--format/],
    ['verify without members', ['verify', 'rows.json'], /--members FILE is missing/],
    ['delete without a terminal to ask at', ['delete', 'flight-delays'], /give --yes/],
  ]
  for (const [what, args, message] of cases) {
    it(what, async () => {
      if (args[1] === 'job.txt') args[1] = file('job.txt', 'name: x')
      const { code, stdout, stderr } = await ask(args)
      assert.match(stderr, message)
      assert.match(stderr, /\[QRT_USAGE\]/)
      assert.equal(code, 2)
      assert.equal(stdout, '')
    })
  }
})

describe('reading', () => {
  it('members as a table, and as JSON with public keys', async () => {
    const text = await ask(['members'])
    assert.equal(text.code, 0)
    assert.match(text.stdout, /^NAME +ID +STATE/)
    assert.match(text.stdout, /^cy +[0-9a-f]{8} +suspect/m)
    const { members } = JSON.parse((await ask(['members', '--json'])).stdout)
    assert.deepEqual(members, JSON.parse(JSON.stringify(peer.members())))
  })

  it('jobs, one job, and none', async () => {
    assert.match((await ask(['jobs'])).stdout, /^flight-delays +running +N=3 W=2 R=2/m)
    assert.equal(JSON.parse((await ask(['jobs', 'flight-delays', '--json'])).stdout).name, 'flight-delays')
    peer.jobList = []
    const none = await ask(['jobs'])
    assert.deepEqual([none.code, none.stdout], [0, ''])
    assert.match(none.stderr, /no jobs/)
  })

  it('windows with their signers', async () => {
    const { code, stdout } = await ask(['query', 'flight-delays', '--key', 'ORD'])
    assert.equal(code, 0)
    assert.match(stdout, /^START +END +KEY +flights +meanDelay +REVISION +STATE +SIGNERS/)
    assert.match(stdout, /ORD +12 +7.5 +0 +final +ada, bo$/m)
    assert.equal(peer.queries.at(-1)?.key, 'ORD')
  })

  it('takes a key as JSON where it is JSON', async () => {
    await ask(['query', 'flight-delays', '--key', '{"a":9007199254740993}'])
    assert.deepEqual(peer.queries.at(-1)?.key, { a: 9_007_199_254_740_993n })
  })

  it('every page in one document, rows still pointing at their certificates', async () => {
    const { stdout } = await ask(['query', 'flight-delays', '--all', '--limit', '1', '--json'])
    const page = JSON.parse(stdout)
    assert.deepEqual(
      page.rows.map((row: { key: string; certificate: number }) => [row.key, row.certificate]),
      [
        ['ORD', 0],
        ['SFO', 1],
      ],
    )
    assert.equal(page.certificates.length, 2)
  })

  it('one page, and on stderr how to get the next', async () => {
    const { stdout, stderr } = await ask(['query', 'flight-delays', '--limit', '1', '-o', 'jsonl'])
    assert.equal(stdout.trimEnd().split('\n').length, 1)
    assert.deepEqual(JSON.parse(stdout).signers, ['ada', 'bo'])
    assert.match(stderr, /--cursor page-2/)
  })

  it('the ring with names', async () => {
    assert.match(
      (await ask(['ring'])).stdout,
      /^flight-delays-0123456789ab-1:0:0 +flight-delays +0 +flights\[0\] +ada, bo, cy$/m,
    )
    assert.deepEqual(JSON.parse((await ask(['ring', '--json'])).stdout), peer.ring())
  })

  it('certificates, with who signed', async () => {
    const text = await ask(['certificates', 'flight-delays'])
    assert.match(text.stdout, /^flight-delays-0123456789ab-1:0:0 +2\.0 +1 +200 .* ada, bo$/m)
    const { certificates } = JSON.parse((await ask(['certificates', 'flight-delays', '--json'])).stdout)
    assert.deepEqual(certificates, JSON.parse(JSON.stringify(peer.certified)))
  })

  it('status tells why', async () => {
    const { stdout } = await ask(['status'])
    assert.match(stdout, /1 of 2 votes, peer cy unreachable for 9 s/)
    assert.match(stdout, /diverged: cy at .* \(computation\).* repaired/)
    assert.match(stdout, /cy \(down\)/)
    const told = peer.status.bind(peer)
    peer.status = async (job) => ({ ...(await told(job)), notices: ['bo (01234567) is leaving the cluster'] })
    assert.match((await ask(['status'])).stdout, /^bo \(01234567\) is leaving the cluster$/m)
    peer.status = told
  })
})

describe('changing', () => {
  it('submits a file by its extension, with its name', async () => {
    const path = file('job.toml', 'name = "submitted"')
    const { code, stdout } = await ask(['submit', path])
    assert.equal(code, 0)
    assert.match(stdout, /^submitted /m)
    assert.deepEqual(peer.submitted.at(-1), { text: 'name = "submitted"', format: 'toml', file: path })
  })

  it('upgrades a job by a file', async () => {
    const path = file('later.yaml', 'name: flight-delays')
    const { code, stderr } = await ask(['upgrade', 'flight-delays', path])
    assert.equal(code, 0)
    assert.match(stderr, /Revision 1\./)
    assert.deepEqual(peer.submitted.at(-1), { text: 'name: flight-delays', format: 'yaml', file: path })
  })

  it('submits standard input', async () => {
    assert.equal((await ask(['submit', '-', '--format', 'json'], { stdin: '{}' })).code, 0)
    assert.deepEqual(peer.submitted.at(-1), { text: '{}', format: 'json', file: '<stdin>' })
  })

  it('shows the faults of a refused document as a compiler does and exits with 3', async () => {
    const errors = [{ pointer: '/quorum/write', line: 2, column: 11, message: 'W > N', suggestion: 'at most 3' }]
    peer.failure = Object.assign(new QuorateError('QRT_JOB_INVALID', 'the document has 1 error'), { errors })
    const path = file('job.yaml', 'name: x\nquorum: { write: 4 }\n')
    const text = await ask(['submit', path])
    assert.equal(text.code, 3)
    assert.equal(text.stdout, '')
    assert.deepEqual(text.stderr.trimEnd().split('\n'), [
      'error: the document has 1 error [QRT_JOB_INVALID]',
      `${path}:2:11: error: W > N (/quorum/write)`,
      '  2 | quorum: { write: 4 }',
      '    |           ^',
      '  help: at most 3',
    ])
    const json = await ask(['submit', path, '--json'])
    assert.deepEqual(JSON.parse(json.stderr), { code: 'QRT_JOB_INVALID', detail: 'the document has 1 error', errors })
  })

  it('deletes with --yes', async () => {
    assert.equal((await ask(['delete', 'flight-delays', '--yes'])).code, 0)
    assert.deepEqual(peer.jobList, [])
  })
})

describe('exit codes', () => {
  it('1 for a job that is not there', async () => {
    const { code, stderr } = await ask(['jobs', 'nothing'])
    assert.match(stderr, /no job "nothing"; there is flight-delays.*\[QRT_JOB_UNKNOWN\]/)
    assert.equal(code, 1)
  })

  it('3 for a file that is not there, and one over the bound', async () => {
    assert.equal((await ask(['submit', join(directory, 'none.yaml')])).code, 3)
    const large = await ask(['submit', file('large.yaml', 'x'.repeat(256 * 1024 + 1))])
    assert.equal(large.code, 3)
    assert.match(large.stderr, /QRT_BODY_TOO_LARGE/)
  })

  it('4 where nobody listens, saying how to start a peer', async () => {
    const { code, stderr } = await runCli(['members', '--url', 'http://127.0.0.1:9'])
    assert.match(stderr, /no peer answers at http:\/\/127\.0\.0\.1:9.*quorate join/)
    assert.equal(code, 4)
  })

  it('4 where no answer comes in time', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const { code, stderr } = await runCli(['members', '--url', url, '--timeout', '200ms'])
    silent.closeAllConnections()
    silent.close()
    assert.match(stderr, /did not answer within 200 ms/)
    assert.equal(code, 4)
  })

  it('4 where another server listens', async () => {
    const other = createServer((_, response) => response.end('<html>'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { code, stderr } = await runCli([
      'members',
      '--url',
      `http://127.0.0.1:${(other.address() as AddressInfo).port}`,
    ])
    other.close()
    assert.match(stderr, /no Quorate peer/)
    assert.equal(code, 4)
  })

  it('5 where the quorum is not met', async () => {
    peer.failure = new QuorateError('QRT_QUORUM_NOT_MET', '1 of 2 replicas answered')
    assert.equal((await ask(['query', 'flight-delays'])).code, 5)
  })

  it('130 after Ctrl-C', async () => {
    const ticking = setInterval(() => peer.emit(certifiedEvent(1)), 20)
    const { code } = await ask(['watch'], { onStdout: (_, kill) => kill('SIGINT') })
    clearInterval(ticking)
    assert.equal(code, 130)
  })
})

describe('watch', () => {
  it('shows events of one job until it has seen enough', async () => {
    const ticking = setInterval(() => {
      peer.emit({ kind: 'job', at: '2001-01-14T00:00:00.000Z', job: 'other', change: 'submitted' })
      peer.emit(certifiedEvent(7))
    }, 20)
    const { code, stdout } = await ask(['watch', 'flight-delays', '-n', '2', '-o', 'jsonl'])
    clearInterval(ticking)
    assert.equal(code, 0)
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      events.map(({ job, kind, position }) => [job, kind, position.seq]),
      [
        ['flight-delays', 'certified', 7],
        ['flight-delays', 'certified', 7],
      ],
    )
    assert.match(events[0].id, /^[0-9a-f]{8}-\d+$/)
  })
})

describe('watch across a restart of the peer', () => {
  it('goes on with the new one and tells that events may be missing', async () => {
    const own = new FakePeer()
    let current = await startHttp(own, { listen: { host: '127.0.0.1', port: 0 } })
    const port = Number(new URL(current.address).port)
    const ticking = setInterval(() => own.emit(certifiedEvent(1)), 20)
    let restarted: Promise<void> | undefined
    const restart = async () => {
      await current.close()
      current = await startHttp(own, { listen: { host: '127.0.0.1', port } })
    }
    const { code, stderr } = await runCli(['watch', '--url', current.address], {
      onStdout: () => {
        restarted ??= restart()
      },
      onStderr: (text, kill) => {
        if (text.includes('missed')) kill('SIGINT')
      },
    })
    clearInterval(ticking)
    await restarted
    await current.close()
    assert.match(stderr, /connection was lost/)
    assert.match(stderr, /events were missed.*restarted/)
    assert.equal(code, 130)
  })
})

describe('settings', () => {
  const settingsOf = async (args: string[], env: Record<string, string> = {}) => {
    const { stdout } = await runCli(['config', '--json', ...args], { env })
    const { settings } = JSON.parse(stdout) as { settings: { name: string; value: string; from: string }[] }
    return settings.find(({ name }) => name === 'url')
  }

  it('come from flag, environment, file and default, in that order', async () => {
    const path = file('settings.yaml', 'url: http://file:1\n')
    const env = { QUORATE_URL: 'http://environment:1' }
    assert.equal((await settingsOf([]))?.from, 'default')
    assert.deepEqual(await settingsOf(['--config', path]), { name: 'url', value: 'http://file:1', from: path })
    assert.equal((await settingsOf(['--config', path], env))?.from, 'QUORATE_URL')
    assert.equal((await settingsOf(['--config', path, '--url', 'http://flag:1'], env))?.from, '--url')
  })

  it('of the view are durations, or never', async () => {
    const path = file('view.yaml', 'admitAfter: 1s\nremoveAfter: never\n')
    const env = { QUORATE_ADMIT_AFTER: '2s' }
    const { stdout } = await runCli(['config', '--json', '--config', path], { env })
    const { settings } = JSON.parse(stdout) as { settings: { name: string; value: string; from: string }[] }
    const found = settings.filter(({ name }) => name === 'admitAfter' || name === 'removeAfter')
    assert.deepEqual(found, [
      { name: 'admitAfter', value: '2s', from: 'QUORATE_ADMIT_AFTER' },
      { name: 'removeAfter', value: 'never', from: path },
    ])
    for (const [flag, expected] of [
      ['--admit-after', /--admit-after: expected a duration such as 500ms, 10s or 2m, found "never"/],
      ['--remove-after', /--remove-after: expected a duration such as 10m or 1h, or never, found "soon"/],
    ] as const) {
      const { code, stderr } = await runCli(['join', flag, flag === '--admit-after' ? 'never' : 'soon'])
      assert.match(stderr, expected)
      assert.equal(code, 2)
    }
  })

  it('that are not known are errors', async () => {
    const { code, stderr } = await runCli(['config', '--config', file('wrong.yaml', 'urls: x\n')])
    assert.match(stderr, /unknown setting "urls"; did you mean "url"/)
    assert.equal(code, 3)
  })

  it('of the environment that are wrong are named', async () => {
    const { code, stderr } = await runCli(['members'], { env: { QUORATE_TIMEOUT: 'long' } })
    assert.match(stderr, /QUORATE_TIMEOUT: expected a duration/)
    assert.equal(code, 3)
  })

  it('of checkpoints are shown, and are one place', async () => {
    const shown = async (text: string) => {
      const { stdout } = await runCli(['config', '--json', '--config', file('kept.yaml', text)])
      const { settings } = JSON.parse(stdout) as { settings: { name: string; value: string }[] }
      return settings.find(({ name }) => name === 'checkpoints')?.value
    }
    assert.equal(await shown('checkpoints: { s3: { bucket: kept } }\n'), 's3')
    assert.equal(await shown('checkpoints: { directory: /srv/kept }\n'), 'directory')
    const both = file('both.yaml', 'checkpoints: { directory: /srv/kept, s3: { bucket: kept } }\n')
    assert.equal((await runCli(['config', '--config', both])).code, 3)
  })

  it('to restore a cluster need its id, and a place where its checkpoints are', async () => {
    const wrong = await runCli(['join', '--bootstrap', '--restore', '../elsewhere'])
    assert.match(wrong.stderr, /--restore: expected the id of a cluster/)
    assert.equal(wrong.code, 2)
    const nowhere = await runCli(['join', '--bootstrap', '--restore', '4f1c2a9be07d6358'])
    assert.match(nowhere.stderr, /expected "checkpoints" in the configuration file/)
    assert.equal(nowhere.code, 3)
  })

  it('no colours without a terminal', async () => {
    const colored = async (args: string[], env: Record<string, string> = {}) =>
      (await ask(args, { env })).stdout.includes('\u001b[1m')
    assert.equal(await colored(['members']), false)
    assert.equal(await colored(['members'], { QUORATE_COLOR: 'always' }), true)
    assert.equal(await colored(['members', '--no-color'], { QUORATE_COLOR: 'always' }), false)
  })
})

describe('tokens', () => {
  let guarded: HttpServer
  before(async () => {
    const tokens = [{ role: 'submit', token: TOKEN }] as const
    guarded = await startHttp(peer, { listen: { host: '127.0.0.1', port: 0 }, tokens })
  })
  after(() => guarded.close())
  const call = (args: string[]) => runCli([...args, '--url', guarded.address])

  it('are read from a file, alone or with a role', async () => {
    for (const text of [`${TOKEN}\n`, `# mine\nsubmit ${TOKEN}\n`]) {
      assert.equal((await call(['members', '--token-file', file('token', text)])).code, 0)
    }
  })

  it('never appear in what is written', async () => {
    const path = file('token', TOKEN)
    const refused = await call(['delete', 'flight-delays', '--yes', '--token-file', path])
    assert.match(refused.stderr, /role is "submit"; this needs "admin".*QRT_FORBIDDEN/)
    const config = await call(['config', '--token-file', path])
    assert.doesNotMatch(refused.stderr + refused.stdout + config.stdout, new RegExp(TOKEN))
  })

  it('are asked for', async () => {
    const { code, stderr } = await call(['members'])
    assert.match(stderr, /QRT_UNAUTHORIZED/)
    assert.equal(code, 1)
  })
})
