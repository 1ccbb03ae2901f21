/** SQL means what it means elsewhere: the same statements over the same rows, as a job and by SQLite. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '../operators/property-runs.ts'
import { asJob, bySqlite, type Rows } from './run.ts'

const SEED = 20_260_101
const COLUMNS = 'id integer NOT NULL, a integer, b integer, x double precision, s text, t text'
const TABLE = `CREATE TABLE rows (${COLUMNS}) WITH (topic = 'rows');\n`

const nullable = <T>(values: fc.Arbitrary<T>) => fc.option(values, { freq: 4 })
const word = fc.constantFrom('', 'a', 'ab', 'ba', 'aba', 'A', 'Ab', 'ö')
const rows: fc.Arbitrary<Rows> = fc
  .array(
    fc.record({
      a: nullable(fc.integer({ min: -5, max: 5 })),
      b: nullable(fc.integer({ min: -5, max: 5 })),
      x: nullable(fc.integer({ min: -20, max: 20 }).map((n) => n / 4)),
      s: nullable(word),
      t: nullable(word),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((list) => list.map((row, id) => ({ id, ...row })))

const binary = (operators: readonly string[], of: fc.Arbitrary<string>) =>
  fc.tuple(of, fc.constantFrom(...operators), of).map(([left, operator, right]) => `(${left} ${operator} ${right})`)

/** Expressions and conditions; the deeper, the simpler. */
const { number, text, condition } = fc.letrec<{ number: string; text: string; condition: string }>((tie) => ({
  number: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('a', 'b', 'x', '0', '1', '-2', '2.5', 'NULL'),
    binary(['+', '-', '*'], tie('number')),
    // A division by zero is no value for a job, and NULL for SQLite.
    tie('number').map((n) => `(${n} / 3)`),
    tie('number').map((n) => `(${n} / 2.5)`),
    fc.constantFrom('a', 'b').map((n) => `(${n} % 3)`),
    tie('number').map((n) => `abs(${n})`),
    tie('text').map((t) => `length(${t})`),
    fc.tuple(tie('number'), tie('number')).map(([m, n]) => `COALESCE(${m}, ${n})`),
    fc.tuple(tie('number'), tie('number')).map(([m, n]) => `NULLIF(${m}, ${n})`),
    fc
      .tuple(tie('condition'), tie('number'), tie('number'))
      .map(([c, m, n]) => `CASE WHEN ${c} THEN ${m} ELSE ${n} END`),
    fc.tuple(tie('number'), tie('number')).map(([m, n]) => `CASE ${m} WHEN 1 THEN ${n} WHEN 2 THEN 7 END`),
  ),
  text: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('s', 't', "'a'", "'it''s'", 'NULL'),
    binary(['||'], tie('text')),
    tie('text').map((t) => `upper(${t})`),
    fc.constantFrom('a', 'b').map((n) => `CAST(${n} AS text)`),
    fc.tuple(tie('condition'), tie('text'), tie('text')).map(([c, m, n]) => `CASE WHEN ${c} THEN ${m} ELSE ${n} END`),
  ),
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    binary(['=', '<>', '<', '<=', '>', '>='], tie('number')),
    binary(['=', '<>', '<', '<='], tie('text')),
    binary(['AND', 'OR'], tie('condition')),
    tie('condition').map((c) => `NOT (${c})`),
    fc.tuple(tie('number'), fc.constantFrom('IS NULL', 'IS NOT NULL')).map(([n, test]) => `${n} ${test}`),
    fc
      .tuple(tie('condition'), fc.constantFrom('IS TRUE', 'IS NOT TRUE', 'IS FALSE', 'IS NOT FALSE'))
      .map(([c, test]) => `(${c}) ${test}`),
    fc.tuple(tie('number'), tie('number')).map(([m, n]) => `${m} IN (1, ${n}, 3)`),
    fc.tuple(tie('number'), tie('number')).map(([m, n]) => `${m} NOT IN (${n}, 2)`),
    fc.tuple(tie('number'), tie('number')).map(([m, n]) => `${m} BETWEEN -1 AND ${n}`),
    fc.tuple(tie('number'), tie('number')).map(([m, n]) => `${m} NOT BETWEEN ${n} AND 2`),
    fc.tuple(tie('number'), tie('number')).map(([m, n]) => `${m} IS DISTINCT FROM ${n}`),
    fc
      .tuple(
        tie('text'),
        fc.constantFrom('LIKE', 'NOT LIKE'),
        fc.constantFrom('%a', 'a%', '%b%', 'a%a', 'ab', '%', 'A%'),
      )
      .map(([t, like, pattern]) => `${t} ${like} '${pattern}'`),
  ),
}))

describe('queries of single records', () => {
  it('give what SQLite gives, NULL and all', async () => {
    let compared = 0
    await fc.assert(
      fc.asyncProperty(rows, number, text, condition, condition, async (records, n, t, c, where) => {
        const query = `SELECT id, ${n} AS n, ${t} AS t, ${c} AS c FROM rows WHERE ${where}`
        const expected = bySqlite({ rows: { columns: COLUMNS, records } }, query)
        let found: Awaited<ReturnType<typeof asJob>>
        try {
          found = await asJob(TABLE + query, records)
        } catch (error) {
          // Random expressions meet the bounds of documents.
          assert.match(String(error), /of at most|at most \d+ characters|nested deeper|Exceeded/)
          return
        }
        compared += 1
        assert.deepEqual(found.deadLetters, [], query)
        const values = found.rows.map((row) => JSON.parse(row).value)
        // SQLite has no booleans.
        const plain = values.map((value) => ({ ...value, c: value.c === null ? null : Number(value.c) }))
        const named = ({ id, n, t, c }: Record<string, unknown>) =>
          // A job has no zero with a sign.
          [id, typeof n === 'number' ? n + 0 : n, t, c]
        assert.deepEqual(plain.map(named), expected.map(named), query)
      }),
      { seed: SEED, numRuns: propertyRuns(600) },
    )
    assert.ok(compared > 300, `${compared} of 600 were compared`)
  })
})

describe('queries of windows', () => {
  it('give what SQLite gives of the same groups', async () => {
    const columns = 'id integer NOT NULL, at integer NOT NULL, k text, a integer, x double precision'
    const table = `CREATE TABLE rows (${columns}) WITH (topic = 'rows', time = 'at');\n`
    const record = fc.record({
      at: fc.integer({ min: 0, max: 300 }),
      k: nullable(fc.constantFrom('p', 'q')),
      a: nullable(fc.integer({ min: -9, max: 9 })),
      x: nullable(fc.integer({ min: -9, max: 9 }).map((n) => n / 2)),
    })
    const selected =
      'k, count(*) AS n, count(a) AS some, sum(COALESCE(a, 0)) AS total, avg(x) AS mean, min(a) AS low, max(a) AS high, count(*) FILTER (WHERE a > 2) AS many, count(DISTINCT a) AS kinds, sum(x) FILTER (WHERE x > 0) AS gain, sum(a) AS plain, max(a) - min(a) AS spread, CASE WHEN count(a) > 1 THEN avg(x) END AS often'
    const having = fc.constantFrom(
      'count(*) > 0',
      'sum(a) > 0',
      'max(x) >= 1 OR k IS NULL',
      'NOT (min(a) < 0)',
      "k = 'p' AND avg(a) IS NOT NULL",
    )
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 30 }), having, async (list, having) => {
        const records = list.toSorted((a, b) => a.at - b.at).map((each, id) => ({ id, ...each, at: each.at * 1_000 }))
        const { rows: found, deadLetters } = await asJob(
          `${table}SELECT ${selected} FROM rows WHERE a IS NULL OR a <> 7 GROUP BY k, TUMBLE(at, INTERVAL '1' MINUTE) HAVING ${having}`,
          records,
        )
        const expected = bySqlite(
          { rows: { columns, records } },
          `SELECT at / 60000 AS minute, ${selected} FROM rows WHERE a IS NULL OR a <> 7 GROUP BY k, at / 60000 HAVING ${having}`,
        )
        assert.deepEqual(deadLetters, [])
        const rowOf = (
          { n, some, total, mean, low, high, many, kinds, k, gain, plain, spread, often }: Record<string, unknown>,
          minute: unknown,
        ) => JSON.stringify([minute, k, n, some, total, mean, low, high, many, kinds, gain, plain, spread, often])
        const mine = found.map((text) => {
          const row = JSON.parse(text)
          return rowOf(row, Date.parse(row.window.start) / 60_000)
        })
        assert.deepEqual(mine.sort(), expected.map((row) => rowOf(row, row.minute)).sort())
      }),
      { seed: SEED, numRuns: propertyRuns(100) },
    )
  })
})
