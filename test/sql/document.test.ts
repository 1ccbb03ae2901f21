/** Statements become documents; what cannot is told at its place. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { noteFaults } from '../../src/cli/faults.ts'
import { Output } from '../../src/cli/output.ts'
import { JobInvalidError } from '../../src/job/errors.ts'
import { parseJob } from '../../src/job/parse.ts'
import { loadBeside } from '../../src/job/reference.ts'
import { compileSql } from '../../src/sql/index.ts'
import { SETTINGS } from './run.ts'

const TABLE = `CREATE TABLE bids (price integer NOT NULL, channel text NOT NULL, note text, extra jsonb, at timestamp NOT NULL) WITH (topic = 'bids', time = 'at');\n`

const yamlOf = async (text: string) => (await compileSql(SETTINGS + TABLE + text, 'bids.sql', 'bids')).yaml
const pipelineOf = async (query: string) => parseJob(await yamlOf(query), 'yaml', 'bids.sql').pipeline

/** The same of a pipeline in YAML. */
const pipelineIn = (pipeline: string) =>
  parseJob(
    `{ name: bids, source: { topic: bids, time: { field: at } }, pipeline: ${pipeline}, quorum: { replicas: 1, write: 1, read: 1 } }`,
    'yaml',
    'bids.yaml',
  ).pipeline

describe('a query', () => {
  const same: readonly (readonly [what: string, query: string, pipeline: string])[] = [
    ['of everything', 'SELECT * FROM bids', '[]'],
    [
      'of fields',
      "SELECT price, price / 2 AS half FROM bids WHERE channel = 'a'",
      `[{ filter: 'channel == "a"' }, { map: { price: price, half: int(price / 2) } }]`,
    ],
    ['of all fields and another', 'SELECT *, price * 2.5 AS more FROM bids', '[{ compute: { more: price * 2.5 } }]'],
    [
      'of tumbling windows',
      "SELECT count(*) AS n, max(price) AS top FROM bids b GROUP BY b.channel, TUMBLE(b.at, INTERVAL '90' SECOND, INTERVAL '5 s')",
      '[{ keyBy: channel }, { window: { tumbling: 1m30s, offset: 5s } }, { aggregate: { n: count(), top: { max: price } } }]',
    ],
    [
      'of hopping windows',
      "SELECT count(*) FILTER (WHERE price > 3) AS n FROM bids GROUP BY HOP(at, INTERVAL '1' MINUTE, INTERVAL '1 hour')",
      '[{ window: { hopping: 1h, every: 1m } }, { aggregate: { n: { count: price > 3 } } }]',
    ],
    [
      'of sessions',
      "SELECT quantile(price, 0.5) AS q, topk(price, 3) AS best FROM bids GROUP BY SESSION(at, INTERVAL '00:30:00')",
      '[{ window: { session: 30m } }, { aggregate: { q: { quantile: price, at: 0.5 }, best: { topK: price, limit: 3 } } }]',
    ],
    [
      'of months',
      "SELECT sum(price) AS total FROM bids GROUP BY CALENDAR(at, 'month', 'Europe/Berlin')",
      '[{ window: { calendar: month, zone: Europe/Berlin } }, { aggregate: { total: { sum: price } } }]',
    ],
    [
      'of the time of the log',
      "CREATE TABLE logged (price integer NOT NULL) WITH (topic = 'logged'); SELECT count(*) AS n FROM logged GROUP BY TUMBLE(log_time(), INTERVAL '10' SECOND)",
      '[{ window: { tumbling: 10s } }, { aggregate: { n: count() } }]',
    ],
    [
      'without a window',
      'SELECT channel, count(*) AS n FROM bids GROUP BY channel',
      '[{ keyBy: channel }, { window: { global: true, emit: onUpdate } }, { aggregate: { n: count() } }, { map: { channel: key, n: n } }]',
    ],
    [
      'grouped by the name of a column',
      "SELECT upper(channel) AS shop, count(*) AS n FROM bids GROUP BY shop, TUMBLE(at, INTERVAL '1' DAY)",
      '[{ keyBy: channel.upperAscii() }, { window: { tumbling: 1d } }, { aggregate: { n: count() } }, { map: { shop: key, n: n } }]',
    ],
  ]
  it('has HAVING and expressions over aggregates as steps on the rows', async () => {
    const query =
      "SELECT sum(price) / count(*) AS mean, TUMBLE_START(at, INTERVAL '1' DAY) AS day, channel AS shop FROM bids GROUP BY TUMBLE(at, INTERVAL '1' DAY), channel, note HAVING count(*) > 3 AND max(price) > 10"
    const pipeline = `[{ keyBy: [channel, '(!has(note) || note == null) ? null : note'] }, { window: { tumbling: 1d } },
      { aggregate: { column1: count(), column2: { sum: price }, column3: { max: price } } },
      { filter: '(column1 > 3) && ((column3 != null) && (column3 > 10))' },
      { map: { mean: int(column2 / column1), day: window.start, shop: 'key[0]' } }]`
    assert.deepEqual(await pipelineOf(query), pipelineIn(pipeline))
  })

  for (const [what, query, pipeline] of same) {
    it(`${what} is a pipeline`, async () => {
      assert.deepEqual(await pipelineOf(query), pipelineIn(pipeline))
    })
  }

  it('has tables, settings and a name of its own', async () => {
    const text = `
      CREATE TABLE dead () WITH (connector = 'file', directory = 'dead', format = 'yaml');
      CREATE TABLE archive () WITH (connector = s3, bucket = 'bids-archive', prefix = 'all/', format = 'protobuf', schema = 'syntax = "proto3"; message A {} message B {}', message = 'B');
      CREATE TABLE flights (origin text, at text) WITH (topic = 'flights', format = 'avro', schema_file = '../../configs/schemas/flight.avsc', bounded = true, idle_after = '1m', on_idle = 'wait', dead_letters = 'dead');
      SET job.name = 'other'; SET retention = 'forever'; SET max_cut_age = '2s'; SET quorum.allow_forks = true;
      INSERT INTO archive SELECT origin FROM flights;`
    const { yaml } = await compileSql(SETTINGS + text, 'bids.sql', 'bids')
    const file = new URL(import.meta.url).pathname
    const { name, sources, sinks, deadLetters, quorum, retentionMs, maxCutAgeMs } = parseJob(
      yaml,
      'yaml',
      file,
      loadBeside(file),
    )
    const source = sources[0]!
    assert.equal(name, 'other')
    assert.equal(typeof source.format === 'object' && source.format.kind, 'avro')
    assert.deepEqual([source.bounded, source.idleAfterMs, source.onIdle], [true, 60_000, 'wait'])
    const { format, ...archive } = sinks[0] as Extract<(typeof sinks)[number], { kind: 's3' }>
    assert.deepEqual(archive, { kind: 's3', bucket: 'bids-archive', prefix: 'all/' })
    assert.ok(typeof format === 'object' && format.kind === 'protobuf' && format.message === 'B')
    assert.deepEqual(deadLetters, { kind: 'file', directory: 'dead', format: 'yaml' })
    assert.deepEqual([quorum.allowForks, retentionMs, maxCutAgeMs], [true, -1, 2_000])
  })

  it('says what flight-delays.yaml says', async () => {
    const path = (name: string) => new URL(`../../configs/${name}`, import.meta.url).pathname
    const sql = path('sql/flight-delays.sql')
    const yaml = path('jobs/flight-delays.yaml')
    const compiled = await compileSql(readFileSync(sql, 'utf8'), sql, 'flight-delays')
    const mine = parseJob(compiled.yaml, 'yaml', sql, loadBeside(sql))
    const other = parseJob(readFileSync(yaml, 'utf8'), 'yaml', yaml, loadBeside(yaml))
    const plain = ({ pipeline: { aggregates, ...pipeline }, ...rest }: typeof mine) => ({
      ...rest,
      pipeline,
      aggregates: aggregates.map(({ of, ...each }) => ({ ...each, of: of?.source })),
    })
    assert.deepEqual(plain(mine), plain(other))
  })
})

describe('a fault', () => {
  /** Each with the text under the caret. */
  const faults: readonly (readonly [query: string, at: string, message: RegExp])[] = [
    ['SELECT prise FROM bids', 'prise', /no column "prise"/],
    ['SELECT é, prise FROM bids', 'é', /no column "é"/],
    ["SELECT 'é' AS a, prise FROM bids", 'prise', /no column "prise"/],
    ["SELECT 'é' AS a, FROM bids", 'FROM', /syntax error at or near "FROM"/],
    ['SELECT price FROM bid', 'bid', /no table "bid"/],
    ['SELECT price + channel AS x FROM bids', 'channel', /expected a number beside \+/],
    ["SELECT price FROM bids WHERE price = 'a'", "= 'a'", /integer = text/],
    ['SELECT price FROM bids WHERE price', 'price', /expected a condition/],
    ["SELECT price FROM bids WHERE channel LIKE 'a_b'", 'LIKE', /without _/],
    ['SELECT price FROM bids ORDER BY price', 'price', /ORDER BY cannot be part/],
    ['SELECT price FROM bids LIMIT 3', 'price', /LIMIT cannot be part/],
    ['SELECT DISTINCT price FROM bids', 'price', /DISTINCT cannot be part/],
    ['SELECT sum(price) OVER () AS s FROM bids', 'sum', /OVER cannot be part/],
    ['SELECT price + 1 FROM bids', 'price', /no name/],
    ['SELECT price, channel AS price FROM bids', 'channel', /two columns "price"/],
    ['SELECT price FROM bids, bids c', 'bids c', /one table after FROM; found two/],
    [
      'SELECT a.bids FROM (SELECT auction, count(*) AS bids FROM bids GROUP BY auction) AS a JOIN bids b ON a.auction = b.auction',
      'auction, count(*)',
      /the rows of a query in brackets go to the query around it and nowhere else/,
    ],
    [
      "SELECT channel, count(*) AS bids FROM bids GROUP BY channel, TUMBLE(PROCTIME(), INTERVAL '10' SECOND)",
      'PROCTIME()',
      /there is no time of processing/,
    ],
    [
      "SELECT count(*) AS n FROM bids GROUP BY TUMBLE(log_time(), INTERVAL '10' SECOND)",
      'log_time()',
      /expected the column with the time of the table/,
    ],
    [
      "SELECT count(*) AS n FROM (SELECT price FROM bids) AS q GROUP BY TUMBLE(log_time(), INTERVAL '10' SECOND)",
      'log_time()',
      /expected the column with the time of the table/,
    ],
    ['SELECT log_time() AS t FROM bids', 'log_time', /no function log_time/],
    ['SELECT (SELECT 1) AS x FROM bids', '(SELECT 1)', /a query in brackets/],
    ['SELECT now() AS x FROM bids', 'now', /no function now/],
    ['SELECT sum(price) + 1 AS x FROM bids', 'sum', /stands alone in a column/],
    ['SELECT sum(channel) AS x FROM bids', 'sum', /is of numbers; found a value of type text/],
    ['SELECT topk(price) AS x FROM bids', 'topk', /needs a number/],
    [
      "SELECT price FROM bids GROUP BY TUMBLE(at, INTERVAL '1' DAY)",
      'price',
      /neither in GROUP BY nor in an aggregate/,
    ],
    ["SELECT count(*) FROM bids GROUP BY TUMBLE(at, INTERVAL '1' MONTH)", "INTERVAL '1' MONTH", /expected an interval/],
    ["SELECT count(*) FROM bids GROUP BY TUMBLE(price, INTERVAL '1' DAY)", 'price, INT', /the time of the table/],
    ['SELECT count(*) FROM bids GROUP BY TUMBLE(at)', 'TUMBLE', /expected TUMBLE\(time, size\)/],
    ['SELECT bids.extra.site FROM bids', 'bids.extra', /expected a column of bids/],
    ['UPDATE bids SET price = 1', 'UPDATE', /found another statement/],
    ['SET quorum.replica = 3', 'SET quorum.replica ', /unknown setting "quorum.replica"/],
    ["CREATE TABLE more (a box) WITH (topic = 'x')", 'box', /expected one of the types/],
    [
      "CREATE TABLE more () WITH (topik = 'x'); INSERT INTO more SELECT price FROM bids",
      'topik',
      /unknown option "topik"/,
    ],
    ["CREATE TABLE more () WITH (topic = '__x'); INSERT INTO more SELECT price FROM bids", "topic = '__x'", /internal/],
    ['SET retention = 7; SELECT price FROM bids', '7; SELECT', /"forever", or a duration/],
    ["SELECT count(*) AS final FROM bids GROUP BY TUMBLE(at, INTERVAL '1' DAY)", 'count', /a field "final" of its own/],
  ]
  for (const [query, at, message] of faults) {
    it(`in ${query} is told there`, async () => {
      const text = SETTINGS + TABLE + query
      const { line = 0, column = 0, message: told } = await faultIn(text)
      const offset =
        text
          .split('\n')
          .slice(0, line - 1)
          .join('\n').length +
        (line === 1 ? 0 : 1) +
        column -
        1
      assert.match(told, message)
      const shown = text.slice(offset, offset + 30)
      assert.ok(shown.startsWith(at), `${shown} stands there`)
    })
  }

  async function faultIn(text: string) {
    try {
      const { yaml, relocate } = await compileSql(text, 'bids.sql', 'bids')
      try {
        parseJob(yaml, 'yaml', 'bids.sql')
      } catch (error) {
        assert.ok(error instanceof JobInvalidError)
        return relocate(error.errors)[0]!
      }
    } catch (error) {
      assert.ok(error instanceof JobInvalidError, String(error))
      return error.errors[0]!
    }
    assert.fail('there is no fault')
  }

  it('refuses a query of two, and none', async () => {
    assert.match((await faultIn(`${TABLE}SELECT price FROM bids UNION SELECT price FROM bids`)).message, /UNION/)
    assert.match((await faultIn(TABLE)).message, /expected a query/)
    assert.match(
      (await faultIn(`${TABLE}SELECT price FROM bids; SELECT price FROM bids`)).message,
      /this is the second/,
    )
  })
})

describe('docs/sql.md', () => {
  const docs = readFileSync(new URL('../../docs/sql.md', import.meta.url), 'utf8')
  const [example = '', nested = '', logged = '', join = ''] = [...docs.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map(
    ([, text = '']) => text,
  )

  it('has an example that is a job', async () => {
    const { yaml } = await compileSql(example, 'top-bids.sql', 'top-bids')
    const { name, pipeline } = parseJob(yaml, 'yaml', 'top-bids.sql')
    assert.equal(name, 'top-bids')
    assert.equal(pipeline.aggregates.length, 4)
    assert.equal(pipeline.after?.length, 1)
  })

  it('has a query over a query that is a job of two stages behind the first', async () => {
    const { yaml } = await compileSql(nested, 'hot.sql', 'hot')
    const { pipeline } = parseJob(yaml, 'yaml', 'hot.sql')
    assert.deepEqual(
      pipeline.next?.keyBy?.map(({ source }) => source),
      ['window.start', 'window.end'],
    )
  })

  it('has windows over the time of the log that are a job', async () => {
    const { yaml } = await compileSql(logged, 'arrivals.sql', 'arrivals')
    const { sources, pipeline } = parseJob(yaml, 'yaml', 'arrivals.sql')
    assert.deepEqual([sources[0]?.time, pipeline.window?.kind], [{ kind: 'log' }, 'aligned'])
  })

  it('has a join that is a job', async () => {
    const { yaml } = await compileSql(join, 'prices.sql', 'prices')
    assert.equal(parseJob(yaml, 'yaml', 'prices.sql').sources.length, 2)
  })

  it('shows a fault as lint does', async () => {
    const [, shown] = /^```text\n([\s\S]*?)^```$/m.exec(docs) ?? []
    const text = example.replace('WHERE price >', 'WHERE prise >')
    const notes: string[] = []
    const output = new Output('text', false, {
      stdout: { write: () => {} },
      stderr: { write: (note) => notes.push(note) },
    })
    await assert.rejects(compileSql(text, 'top-bids.sql', 'top-bids'), (error) => {
      assert.ok(error instanceof JobInvalidError)
      noteFaults(output, error.errors, 'top-bids.sql', text)
      return true
    })
    assert.equal(notes.join(''), shown)
  })
})
