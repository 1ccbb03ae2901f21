/** A job that is given another document while it runs: each record is computed by the document of its place in the log. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, it } from 'node:test'
import { runCli } from '../cli/run-cli.ts'
import { eventually } from '../eventually.ts'
import { flightRecords } from './flights.ts'
import { FlightsCluster, JOB, jobText } from './flights-cluster.ts'

const WITHIN_MS = 120_000
const january = flightRecords().filter(({ date }) => date < '2001/02/01')
const [early, late] = [
  january.filter(({ date }) => date < '2001/01/15'),
  january.filter(({ date }) => date >= '2001/01/15'),
]

let cluster: FlightsCluster
before(async () => {
  cluster = await FlightsCluster.start({ names: ['ada', 'bo', 'cy'], partitions: 2 })
})
after(() => cluster?.stop())

it('goes on from its windows, and takes what comes later by the new document', async () => {
  await cluster.append(early)
  await cluster.submit()
  await cluster.settled()

  const upgraded = jobText().replace('distance >= 100', 'distance >= 500')
  const summary = await cluster.peers.client().upgrade(JOB, { format: 'yaml', text: upgraded })
  assert.equal(summary.revision, 1)
  for (const peer of cluster.peers.all) {
    await eventually(
      `${peer.name} computes by the new document`,
      async () => (await peer.client().status(JOB)).units.every(({ revision }) => revision === 1),
      WITHIN_MS,
    )
  }
  await cluster.append(late)
  await cluster.closeWindows()
  await cluster.assertRows([...early, ...late.filter(({ distance }) => distance >= 500)])
})

it('refuses a document that needs another state, and says what differs', async () => {
  const path = `${cluster.directory}/other.yaml`
  await writeFile(path, jobText().replace('tumbling: 1d', 'tumbling: 2d'))
  const { code, stderr } = await runCli(['upgrade', JOB, path, '--url', cluster.peers.all[0]!.httpAddress])
  assert.equal(code, 1)
  assert.match(stderr, /the window/)
  assert.equal((await cluster.peers.client().job(JOB)).revision, 1)
})
