/**
 * The dashboard as a person sees it: in a real browser, served by real peers that replay real flights. Each step leaves the
 * cluster as the next one finds it, as somebody would who looks at it for the first time.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { eventually } from '../eventually.ts'
import { FakePeer } from '../http/fake-peer.ts'
import { skipReason } from '../services/availability.ts'
import { chromium } from '../services/chromium.ts'
import { delayRows, flightRecords } from './flights.ts'
import { FlightsCluster, JOB, jobText } from './flights-cluster.ts'
import { WatchedPage } from './watched-page.ts'

const service = await chromium()
after(() => ('stop' in service ? service.stop() : undefined))
const skip = skipReason(service)

const open = (...[url, options]: [string, Parameters<typeof WatchedPage.open>[2]?]) => {
  if ('unavailable' in service) throw new Error('skipped')
  return WatchedPage.open(service.browser, url, options)
}

const flights = flightRecords().filter(({ date }) => date < '2001/01/06')
const dayOf = (day: string) => flightRecords().filter(({ date }) => date.startsWith(day))

describe('the dashboard of three peers', { skip }, () => {
  let cluster: FlightsCluster
  let page: WatchedPage
  before(async () => {
    cluster = await FlightsCluster.start({ names: ['ada', 'bo', 'cy'], partitions: 3 })
    page = await open(cluster.peers.named('ada').httpAddress)
  })
  after(async () => {
    await page?.close()
    await cluster?.stop()
  })

  it('says that nothing runs yet, and how to change that', async () => {
    await page.sees('jobs', 'No jobs run here yet.')
    await page.sees('jobs', `$ quorate submit FILE --url ${cluster.peers.named('ada').httpAddress}`.slice(2))
    for (const section of ['ring', 'units', 'certificates', 'windows', 'letters'])
      await page.sees(section, /(come with jobs|None yet)/)
    await page.sees('divergences', 'None: every replica has computed what the others did.')
    page.assertNoFaults()
  })

  it('shows who is there, and the way to their pages', async () => {
    const rows = await page.rowsSuchThat(
      'members',
      'three members are alive',
      (all) => all.filter(({ State }) => State === 'alive').length === 3,
    )
    assert.deepEqual(
      rows.map(({ Name }) => Name),
      ['ada this peer', 'bo bo', 'cy cy'].map((name) => name.replace(' ', '')),
    )
    const link = page.section('members').getByRole('link', { name: 'bo' })
    assert.equal(await link.getAttribute('href'), cluster.peers.named('bo').httpAddress)
    await page.sees('connection', 'live')
  })

  it('shows the faults of a document at their place, and submits one without', async () => {
    const form = page.section('submit-form')
    const text = form.getByLabel('Document')
    const faulty = jobText().replace('topic: flights', 'topics: flights')
    await text.fill(faulty)
    await form.getByRole('button', { name: 'Submit', exact: true }).click()
    const place = page.section('submit').getByRole('button', { name: /^line 3:3$/ })
    await place.click()
    assert.equal(await page.ask(`lineAtCursor('#submit-form textarea')`), 'topics: flights')
    page.assertNoFaults(/422/)
    await text.fill(jobText())
    await form.getByRole('button', { name: 'Submit', exact: true }).click()
    await page.sees('jobs', 'N=3 W=2 R=2')
    for (const step of ['distance >= 100', 'tumbling 1d', 'meanDelay: avg(delay)', 'kafka:delays'])
      await page.sees('jobs', step)
    page.assertNoFaults()
  })

  it('shows certificates as they form, each with two signers at least', async () => {
    await cluster.append(flights)
    const rows = await page.rowsSuchThat(
      'certificates',
      'certificates of all units',
      (all) => new Set(all.map(({ Unit }) => Unit)).size === 3,
    )
    assert.deepEqual(
      [...new Set(rows.map(({ Unit }) => Unit))].toSorted(),
      [0, 1, 2].map((unit) => `${JOB}:0:${unit}`),
    )
    const signers = await page
      .section('certificates')
      .locator('tbody tr')
      .evaluateAll((all) => all.map((row) => row.querySelectorAll('.chip.signed').length))
    assert.ok(
      signers.every((number) => number >= 2),
      `${signers}`,
    )
    const top = rows[0]!
    await cluster.append(dayOf('2001/01/06'))
    await page.rowsSuchThat('certificates', 'a newer one is on top', ([first]) => first!.At! > top.At!)
    page.assertNoFaults()
  })

  it('shows where each unit stands', async () => {
    await cluster.settled()
    const rows = await page.rowsSuchThat(
      'units',
      'all is read, certified and committed',
      (all) =>
        all.length === 3 &&
        all.every(
          ({ Lag, Certified, 'At sinks': committed }) => Lag === '0' && Certified === committed && Certified !== '–',
        ),
    )
    for (const row of rows) assert.match(row.Watermark!, /^2001-01-06 \d\d:\d\d$/)
    assert.match((await page.section('ring').locator('svg').getAttribute('aria-label'))!, /3 units on 3 peers/)
    page.assertNoFaults()
  })

  it('shows the windows of a key as an independent computation has them, and who signed', async () => {
    const form = page.section('windows-form')
    await form.getByLabel('Key').fill('ORD')
    await form.getByLabel('Show').selectOption('all')
    const expected = delayRows(flights).filter(({ key }) => key === 'ORD')
    const rows = await page.rowsSuchThat(
      'windows',
      'five days of ORD are closed',
      (all) => all.filter(({ State }) => State === 'closed').length === expected.length,
    )
    for (const [index, { start, flights: number, delayed, worst }] of expected.entries()) {
      const row = rows[index]!
      assert.deepEqual(
        [row.From, row.Key, row.flights, row.delayed, row.worst, row.Revision],
        [start.slice(0, 10), 'ORD', String(number), String(delayed), String(worst), '0'],
      )
      assert.equal(row['Signed by']!.match(/ada|bo|cy/g)?.length, 2)
    }
    // The sixth day goes on.
    assert.equal(rows[expected.length]?.State, 'open')
    await page.sees('windows', /quorate query flight-delays --key .+ORD.+ --open --all/)
    page.assertNoFaults()
  })

  it('shows records that no window took, and why', async () => {
    await cluster.appendText(1, ['{"date":', JSON.stringify({ ...flights[0], origin: 'LAX' })])
    const rows = await page.rowsSuchThat('letters', 'two dead letters', (all) => all.length === 2)
    assert.deepEqual(
      rows.map((row) => row.Error),
      ['QRT_RECORD_SYNTAX', 'QRT_RECORD_LATE'],
    )
    assert.equal(rows[0]!.Record, '{"date":')
    await page.sees('summary', '1 late')
    page.assertNoFaults()
  })

  it('is used with the keyboard', async () => {
    const focused = () => page.ask('focused()')
    await page.page.goto(cluster.peers.named('ada').httpAddress)
    await page.page.keyboard.press('Tab')
    assert.equal(await focused(), 'Skip to content')
    await page.page.keyboard.press('/')
    assert.equal(await focused(), 'key')
    // What is focused stays so while the page renews itself around it.
    const bo = page.section('members').getByRole('link', { name: 'bo' })
    await bo.focus()
    const [newest] = await page.rowsSuchThat('certificates', 'there are certificates', (all) => all.length > 0)
    await cluster.append(dayOf('2001/01/07'))
    await page.rowsSuchThat('certificates', 'the page has renewed itself', ([first]) => first!.At! > newest!.At!)
    assert.equal(await focused(), 'bo')
  })

  it('shows a peer that was killed as down, while results go on', async () => {
    const [newest] = await page.rowsSuchThat('certificates', 'there are certificates', (all) => all.length > 0)
    await cluster.peers.named('cy').kill()
    await cluster.append(dayOf('2001/01/08'))
    await page.rowsSuchThat('certificates', 'certificates form without it', ([first]) => first!.At! > newest!.At!)
    await page.rowsSuchThat('members', 'cy is dead', (all) =>
      all.some(({ Name, State }) => Name === 'cy' && State === 'dead'),
    )
    await page.sees('alarms', /cy is dead/)
    await page.sees('summary', '2 of 3')
    await page.sees('units', /peer cy has been unreachable/)
    await page.sees('timeline', 'cy is dead')
    await cluster.peers.named('cy').start()
    await page.sees('summary', '3 of 3')
    await eventually('the alarm is gone', async () => (await page.section('alarms').locator('li').count()) === 0)
    page.assertNoFaults()
  })

  it('says when its own peer is gone, names the others, and goes on when it is back', async () => {
    const [ada, bo] = [cluster.peers.named('ada'), cluster.peers.named('bo')]
    await page.sees('connection', 'live')
    await ada.kill()
    await page.sees('alarms', /This peer has not answered since/)
    await page.sees('connection', 'connection lost, trying again')
    const link = page.section('alarms').getByRole('link', { name: 'bo' })
    assert.equal(await link.getAttribute('href'), bo.httpAddress)
    await ada.start()
    await page.sees('connection', 'live')
    await eventually(
      'the alarm is gone',
      async () => !/not answered/.test((await page.section('alarms').textContent()) ?? ''),
    )
    await page.sees('timeline', /some events were missed: the peer was restarted/)
    page.assertNoFaults(
      /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_SOCKET_NOT_CONNECTED|503/,
    )

    await page.section('members').getByRole('link', { name: 'bo' }).click()
    await page.sees('peer', /^peer bo,/)
    await page.rowsSuchThat('units', 'another peer shows the same', (all) => all.length === 3)
    page.assertNoFaults()
  })

  it('deletes a job whose name was typed, and shows the command for it', async () => {
    await page.section('jobs').getByRole('button', { name: 'Delete …' }).click()
    const dialog = page.section('delete-dialog')
    await page.sees('delete-dialog', /quorate delete flight-delays --url/)
    await dialog.getByLabel(/type its name/).fill('flight')
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click()
    assert.equal(await dialog.isVisible(), true, 'another name deletes nothing')
    await dialog.getByLabel(/type its name/).fill(JOB)
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.sees('jobs', 'No jobs run here yet.')
    assert.equal(await dialog.isVisible(), false)
    page.assertNoFaults()
  })
})

describe('the dashboard of a cluster with a peer that computes wrongly', { skip }, () => {
  it('names it, where it went wrong, and that it agrees again', async () => {
    const wrong = fileURLToPath(new URL('./wrong-peer.ts', import.meta.url))
    const cluster = await FlightsCluster.start({ names: ['ada', 'bo', 'cy'], partitions: 3, programs: { bo: wrong } })
    try {
      await cluster.submit()
      await cluster.append(flights)
      const page = await open(cluster.peers.named('ada').httpAddress)
      const rows = await page.rowsSuchThat(
        'divergences',
        'bo agrees again everywhere',
        (all) => all.length > 0 && all.every(({ Repair }) => Repair === 'agrees again'),
      )
      for (const row of rows)
        assert.deepEqual([row.Peer, row.Cause], ['bo', 'it computed another result from the same input'])
      await page.sees('timeline', /bo diverged at flight-delays:0:\d cut \d+\.0 \(computation\)/)
      page.assertNoFaults()
      await page.close()
    } finally {
      await cluster.stop()
    }
  })
})

/** States that come and go too quickly in a real cluster, or that no test should need a broken one for. */
describe('the dashboard of a peer in memory', { skip }, () => {
  const TOKEN = 'read-token-0123456789'
  let peer: FakePeer
  let server: HttpServer | undefined

  const serve = async (tokens: { role: 'read'; token: string }[] = []): Promise<string> => {
    peer = new FakePeer()
    server = await startHttp(peer, { listen: { host: '127.0.0.1', port: 0 }, tokens })
    return server.address
  }
  afterEach(() => server?.close())

  it('raises an alarm while a divergence is not repaired, and when the peer is not ready', async () => {
    const address = await serve()
    const status = peer.status.bind(peer)
    peer.status = async (job) => {
      const { divergences, ...rest } = await status(job)
      return {
        ...rest,
        reasons: ['no majority answers'],
        divergences: divergences.map((each) => ({ ...each, repaired: false })),
      }
    }
    const page = await open(address)
    await page.sees('alarms', /^cy computed another result than the others agreed on, and is not repaired yet/)
    await page.sees('alarms', 'This peer is not ready: no majority answers.')
    assert.equal(await page.section('alarms').getAttribute('role'), 'alert')
    assert.match(await page.page.title(), /^\(!\) ada/)
    await page.sees('certificates', /1 of 2 votes needed, for 9 s/)
    page.assertNoFaults()
    await page.close()
  })

  it('pauses a job and lets it go on, and shows the command for both', async () => {
    const page = await open(await serve())
    const jobs = page.section('jobs')
    await page.sees('jobs', /quorate pause flight-delays/)
    await jobs.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.sees('jobs', 'flight-delays is paused.')
    await page.sees('jobs', /quorate resume flight-delays/)
    assert.equal(peer.jobList[0]?.state, 'paused')
    await jobs.getByRole('button', { name: 'Resume', exact: true }).click()
    await page.sees('jobs', 'flight-delays goes on.')
    await jobs.getByRole('button', { name: 'Pause', exact: true }).waitFor()
    assert.equal(peer.jobList[0]?.state, 'running')
    page.assertNoFaults()
    await page.close()
  })

  it('says at once that a unit waits for an operator, with the command, and who is leaving', async () => {
    const address = await serve()
    const status = peer.status.bind(peer)
    peer.status = async (job) => {
      const { units, ...rest } = await status(job)
      const halted = units.map((unit) => ({ ...unit, state: 'halted', resolvable: ['accept-gap'] }) as const)
      return { ...rest, units: halted, notices: ['bo (01234567) is leaving the cluster'] }
    }
    const page = await open(address)
    await page.sees('alarms', /flight-delays:0:0 waits for an operator/)
    await page.sees('alarms', /quorate resolve flight-delays --unit 0:0 accept-gap/)
    await page.sees('alarms', /bo \(01234567\) is leaving the cluster/)
    page.assertNoFaults()
    await page.close()
  })

  it('asks for a token where the peer does, once, and keeps it for the tab', async () => {
    const page = await open(await serve([{ role: 'read', token: TOKEN }]))
    const dialog = page.section('token-dialog')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.sees('alarms', /QRT_UNAUTHORIZED/)
    await page.section('alarms').getByRole('button', { name: 'Give a token' }).click()
    await dialog.getByLabel('Token', { exact: true }).fill(TOKEN)
    await dialog.getByRole('button', { name: 'Use' }).click()
    await page.rowsSuchThat('members', 'the members are shown', (all) => all.length === 3)
    await page.page.reload()
    await page.rowsSuchThat('members', 'the members are shown again', (all) => all.length === 3)
    assert.equal(await dialog.isVisible(), false)
    page.assertNoFaults(/401/)
    await page.close()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`can be read on a small screen and by everybody, ${colorScheme}`, async () => {
      const address = await serve()
      for (const path of ['/', '/reference']) {
        const page = await open(`${address}${path}`, { colorScheme, viewport: { width: 390, height: 844 } })
        if (path === '/reference') await page.page.getByRole('heading', { name: 'GET /v1/members' }).waitFor()
        else await page.rowsSuchThat('units', 'the page is filled', (all) => all.length === 1)
        assert.equal(await page.ask('width()'), 390, 'nothing sticks out')
        assert.deepEqual(await page.ask('faintTexts()'), [])
        assert.deepEqual(await page.ask('nameless()'), [])
        page.assertNoFaults()
        await page.close()
      }
    })
  }
})
