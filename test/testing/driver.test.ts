/** A job driven record by record: in virtual time, over several partitions, with rows and dead letters as they come. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cel, stream } from '../../src/builder/index.ts'
import { parseJob } from '../../src/job/parse.ts'
import { runCase } from '../../src/job/testing/run.ts'
import { readSuite } from '../../src/job/testing/suite.ts'
import { TestDriver } from '../../src/testing/index.ts'

interface Click {
  readonly user: string
  readonly at: string
  readonly ms: number
}

const clicks = stream<Click>('clicks', { time: { field: 'at' }, idleAfter: '10s' })
  .filter('ms', '>', 50)
  .keyBy('user')
  .window({ tumbling: '1m' })
  .aggregate({ clicks: 'count()', slowest: { max: 'ms' } })
  .job('clicks', { quorum: { replicas: 1, write: 1, read: 1 } })

const click = (user: string, at: string, ms: number): Click => ({ user, at: `2026-01-01T10:${at}Z`, ms })

describe('a test driver', () => {
  // time  10:00:01 ada  10:00:40 bo  │ 10:01:10 ada, which closes the minute
  it('gives the rows of a window when a record closes it', () => {
    const driver = new TestDriver(clicks)
    driver.send(click('ada', '00:01', 120))
    driver.send(click('bo', '00:40', 80))
    driver.send(click('bo', '00:41', 10))
    assert.deepEqual(driver.rows, [])
    driver.send(click('ada', '01:10', 200))
    const [ada, bo, ...others] = driver.takeRows()
    assert.deepEqual([ada?.key, ada?.clicks, ada?.slowest, ada?.final], ['ada', 1, 120, true])
    assert.deepEqual([bo?.key, bo?.clicks, bo?.window.start], ['bo', 1, '2026-01-01T10:00:00.000Z'])
    assert.deepEqual(others, [])
    driver.end()
    assert.deepEqual(
      driver.takeRows().map(({ key, slowest }) => [key, slowest]),
      [['ada', 200]],
    )
    assert.equal(driver.rows.length, 3)
    assert.equal(driver.rowTexts.length, 3)
  })

  it('lets time pass: what falls silent is shown before it is final', () => {
    const driver = new TestDriver(clicks, { start: '2026-01-01T10:00:00Z' })
    driver.send(click('ada', '00:01', 120))
    driver.advance('9s')
    assert.deepEqual(driver.takeRows(), [])
    driver.advance('1s')
    assert.deepEqual(
      driver.takeRows().map(({ final, revision }) => [final, revision]),
      [[false, 0]],
    )
    assert.equal(driver.now.toISOString(), '2026-01-01T10:00:10.000Z')
  })

  it('goes through a shuffle where the source has several partitions', () => {
    const driver = new TestDriver(clicks, { partitions: 2 })
    driver.send(click('ada', '00:01', 120), { partition: 0 })
    driver.send(click('ada', '00:02', 90), { partition: 1 })
    driver.send(click('bo', '02:00', 90), { partition: 0 })
    assert.deepEqual(driver.rows, [], 'the other partition may still have records of the first minute')
    driver.send(click('bo', '02:00', 90), { partition: 1 })
    assert.deepEqual(
      driver.rows.map(({ key, clicks }) => [key, clicks]),
      [['ada', 2]],
    )
  })

  it('has the time of the log where a record says none', () => {
    const job = stream<{ readonly n: number }>('ticks')
      .window({ tumbling: '1m' })
      .aggregate({ total: { sum: 'n' } })
      .job('ticks', { quorum: { replicas: 1, write: 1, read: 1 } })
    const driver = new TestDriver(job, { start: '2026-01-01T00:00:00Z' })
    driver.send({ n: 1 }, { at: '2026-01-01T00:00:30Z' })
    driver.send({ n: 2 }, { at: Date.UTC(2026, 0, 1, 0, 1, 5) })
    driver.end()
    assert.deepEqual(
      driver.rows.filter(({ final }) => final).map(({ window, total }) => [window.start.slice(11, 16), total]),
      [
        ['00:00', 1],
        ['00:01', 2],
      ],
    )
  })

  it('has dead letters of what is late or has no value', () => {
    const driver = new TestDriver(clicks)
    driver.send(click('ada', '05:00', 120))
    driver.send(click('ada', '00:00', 120))
    driver.send({ user: 'ada' } as Click)
    driver.advance('1s')
    assert.deepEqual(
      driver
        .takeDeadLetters()
        .map(({ error }) => error)
        .sort(),
      ['QRT_RECORD_LATE', 'QRT_RECORD_TIME'],
    )
    assert.deepEqual(driver.takeDeadLetters(), [])
    assert.equal(driver.deadLetters.length, 2)
  })

  it('takes records as bytes in the format of the source', () => {
    const job = stream<{ readonly n: number }>('readings', { format: 'yaml' })
      .compute({ twice: cel<number>('n * 2') })
      .job('readings', { quorum: { replicas: 1, write: 1, read: 1 } })
    const driver = new TestDriver(job, { bytes: true })
    driver.send(Buffer.from('n: 21\n'))
    driver.advance('1s')
    assert.deepEqual(driver.rows, [{ key: null, value: { n: 21, twice: 42 } }])
  })

  it('reads a document, and says what quorate test says of it', () => {
    const path = fileURLToPath(new URL('../../configs/jobs/all-flights.yaml', import.meta.url))
    const driver = new TestDriver<object, { readonly flights: number }>(path)
    driver.send({ date: '2001/01/10 08:00', delay: 20, origin: 'SFO', destination: 'LAX', distance: 337 })
    driver.end()
    assert.equal(driver.rows.at(-1)?.flights, 1)
    const given = '{ record: { user: a, at: "2026-01-01T10:00:00Z", ms: 60 }, partition: 1 }'
    const { suite } = readSuite(
      `job: x.yaml\ncases: [ { name: a, partitions: 3, given: [ ${given}, { wait: 1h } ], rows: [] } ]`,
      'yaml',
    )
    const mine = new TestDriver(clicks, { partitions: 3 })
    mine.send({ user: 'a', at: '2026-01-01T10:00:00Z', ms: 60 }, { partition: 1 })
    mine.advance('1h')
    mine.end()
    assert.deepEqual(mine.rowTexts, runCase(parseJob(clicks.toYaml(), 'yaml', 'x.yaml'), suite!.cases[0]!).rows)
    assert.ok(mine.peakStateBytes > 0)
  })

  it('says what it was used wrongly for', () => {
    const driver = new TestDriver(clicks, { start: '2026-01-01T00:00:00Z' })
    const record = click('ada', '00:00', 1)
    assert.throws(() => driver.send(record, { partition: 1 }), /one of the 1 that the driver has.*found 1/)
    assert.throws(() => driver.send(record, { at: 0 }), /from 2026-01-01T00:00:00.000Z on/)
    assert.throws(() => driver.send(Buffer.from('{}')), /bytes: true/)
    assert.throws(() => new TestDriver(clicks, { partitions: 0 }), /from 1 to 64, found 0/)
    assert.throws(() => new TestDriver('clicks.ts'), /import a module/)
    assert.throws(() => new TestDriver({} as typeof clicks), /expected a job/)
    driver.end()
    assert.throws(() => driver.send(record), /has ended/)
    // @ts-expect-error a record of another type
    const wrong = () => driver.send({ user: 'ada' })
    // @ts-expect-error rows have no such aggregate
    const none = () => driver.rows[0]?.fastest
    assert.ok(wrong !== undefined && none !== undefined)
  })
})
