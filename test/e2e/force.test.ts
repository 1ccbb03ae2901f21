/** Two of three machines burn down, disks and all: an operator goes on with what the third one has, and others take over. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { runCli } from '../cli/run-cli.ts'
import { eventually } from '../eventually.ts'
import { flightRecords } from './flights.ts'
import { FlightsCluster } from './flights-cluster.ts'

const WITHIN_MS = 120_000
const january = flightRecords().filter(({ date }) => date < '2001/02/01')
const early = january.filter(({ date }) => date < '2001/01/15')
const late = january.filter(({ date }) => date >= '2001/01/15')

let cluster: FlightsCluster
before(async () => {
  cluster = await FlightsCluster.start({ names: ['ada', 'bo', 'cy'], partitions: 2 })
})
after(() => cluster?.stop())

const force = (...names: readonly string[]) => {
  const lost = names.flatMap((name) => ['--lost', name])
  return runCli(['force', ...lost, '--yes', '--url', cluster.peers.named('ada').httpAddress])
}

it('refuses to give up a member that is alive', async () => {
  const { code, stderr } = await force('bo')
  assert.equal(code, 1)
  assert.match(stderr, /bo is alive.*QRT_MEMBER_REFUSED/)
})

it('goes on with one of three, and every row is at the sink exactly once', async () => {
  await cluster.append(early)
  await cluster.submit()
  await cluster.settled()
  for (const name of ['bo', 'cy']) {
    await cluster.peers.named(name).kill()
    await rm(join(cluster.directory, name), { recursive: true })
  }
  let forced = await force('bo', 'cy')
  await eventually(
    'ada misses them, and goes on without them',
    async () => {
      if (forced.code !== 0) forced = await force('bo', 'cy')
      return forced.code === 0
    },
    WITHIN_MS,
  )
  assert.match(forced.stderr, /This peer went on alone/)
  await cluster.peers.join('dee')
  await cluster.peers.join('eve')
  await cluster.append(late)
  await cluster.closeWindows()
  await cluster.assertRows(january)
})
