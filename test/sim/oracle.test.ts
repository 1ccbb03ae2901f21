/** The oracles on a few records each, with what comes of them written down by hand: a check is worth what it is told to expect. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../../mesh/index.ts'
import { parseJob } from '../../src/job/parse.ts'
import { SimulatedClock } from './clock.ts'
import { jobText } from './job-text.ts'
import { SimulatedLog } from './log.ts'
import { expectedOf } from './oracle.ts'
import { reshaped } from './shapes.ts'
import { chooseWorkload, firstsOf, topicOf, type Workload } from './workload.ts'

/** Event time and amount, or key, time and amount. */
type Given = readonly [at: number, amount: number] | readonly [key: string, at: number, amount: number]

const BASE: Workload = {
  ...chooseWorkload(seededRandom(1), 3),
  otherFrom: 1,
  sourcePartitions: 1,
  disorderMs: 0,
  latenessMs: 0,
  windowMs: 10,
  slideMs: 10,
}
/** Every partition has come so far. */
const FAR = 1_000

function expectedFrom(workload: Partial<Workload>, ...partitions: readonly (readonly Given[])[]) {
  const log = new SimulatedLog(new SimulatedClock(), seededRandom(1))
  const whole: Workload = { ...BASE, ...workload, sourcePartitions: partitions.length }
  const firsts = firstsOf(whole)
  firsts.forEach((first, source) => {
    const topic = topicOf(source)
    const own = partitions.slice(first, firsts[source + 1])
    log.createTopic(topic, { partitions: own.length })
    own.forEach((records, partition) => {
      for (const record of [...records, ['none', FAR, 0] as const]) {
        const [key, at, amount] = record.length === 2 ? ['k1', ...record] : record
        const value = Buffer.from(JSON.stringify({ key, at, amount }))
        log.partition({ topic, partition })!.append([{ key: null, value }], 0)
      }
    })
  })
  return expectedOf(log, whole, [])
}

const textsFrom = (...given: Parameters<typeof expectedFrom>): unknown[] =>
  [...expectedFrom(...given).passed.values()].map((text) => JSON.parse(text))
const windowsFrom = (...given: Parameters<typeof expectedFrom>): string[] =>
  [...expectedFrom(...given).rows.values()]
    .filter(({ end }) => end <= FAR)
    .map(({ start, end, key, orders, total, most }) => `${start}..${end} ${key}: ${orders}, ${total}, ${most}`)

const within = (type: NonNullable<Workload['join']>['type']): Partial<Workload> => ({
  kind: 'joined',
  joinBeforeMs: 2,
  joinAfterMs: 5,
  join: { type, match: 'within', deletes: false },
})

describe('what the simulator expects of joins', () => {
  // left   10         20    30
  // right     15 16             40     the first is 5 after 10, which is near enough
  const left = [
    [10, 1],
    [20, 2],
    [30, 3],
  ] as const
  const right = [
    [15, 101],
    [16, 102],
    [40, 103],
  ] as const
  const pair = { amount: 1, key: 'k1', other: 101 }
  const lefts = [
    { amount: 2, key: 'k1', other: null },
    { amount: 3, key: 'k1', other: null },
  ]
  const rights = [
    { amount: null, key: 'k1', other: 102 },
    { amount: null, key: 'k1', other: 103 },
  ]

  for (const [type, alone] of [
    ['inner', []],
    ['left', lefts],
    ['right', rights],
    ['outer', [...lefts, ...rights]],
  ] as const) {
    it(`${type}: pairs that are near enough, and who stays alone`, () => {
      const texts = textsFrom(within(type), left, right).map((text) => JSON.stringify(text))
      assert.deepEqual(texts.sort(), [pair, ...alone].map((text) => JSON.stringify(text)).sort())
    })
  }

  it('names a row by its later record, and its number among the rows of that', () => {
    const { passed } = expectedFrom(
      within('inner'),
      [
        [10, 1],
        [11, 2],
      ],
      [[13, 3]],
    )
    assert.deepEqual([...passed.keys()], ['1/0', '1/0/1'])
  })

  it('joins what is in one window, however near the next one is', () => {
    const join = { type: 'left', match: 'window', deletes: false } as const
    const texts = textsFrom(
      { kind: 'joined', join },
      [
        [12, 1],
        [19, 2],
      ],
      [
        [18, 3],
        [20, 4],
      ],
    )
    assert.deepEqual(texts, [
      { amount: 1, key: 'k1', other: 3 },
      { amount: 2, key: 'k1', other: 3 },
    ])
  })

  it('gives each record of the stream what the table had at its own time, that time included', () => {
    const join = { type: 'left', match: 'table', deletes: true } as const
    const table = [
      [10, 200],
      [20, 300],
      [30, 100],
    ] as const
    const stream = [
      [9, 1],
      [10, 2],
      [25, 3],
      [35, 4],
    ] as const
    const others = textsFrom({ kind: 'joined', join }, table, stream).map((row) => (row as { other: unknown }).other)
    assert.deepEqual(others, [null, 200, 300, null])
  })

  it('gives a row at each change of two tables after which the pair, or the side that stays, is there', () => {
    const join = { type: 'left', match: 'tables', deletes: true } as const
    const texts = textsFrom(
      { kind: 'joined', join },
      [
        [10, 200],
        [30, 100],
      ],
      [
        [20, 300],
        [40, 120],
      ],
    )
    assert.deepEqual(texts, [
      { amount: 300, key: 'k1', other: 200 },
      { amount: 300, key: 'k1', other: null },
    ])
  })

  it('joins rows with a third source by the time of their later record', () => {
    const chain = { type: 'left', match: 'within', rekeys: false } as const
    const given: Partial<Workload> = { ...within('inner'), kind: 'chained', thirdFrom: 2, chain }
    const first = [[10, 1]] as const
    const second = [[15, 2]] as const
    const two = { amount: 1, key: 'k1', other: 2 }
    assert.deepEqual(textsFrom(given, first, second, [[13, 3]]), [{ ...two, third: 3 }])
    assert.deepEqual(textsFrom(given, first, second, [[12, 3]]), [{ ...two, third: null }])
  })

  it('joins rows with a third source by another key than the first', () => {
    const chain = { type: 'inner', match: 'table', rekeys: true } as const
    const given: Partial<Workload> = { ...within('inner'), kind: 'chained', thirdFrom: 2, chain }
    const thirds = [
      ['other', 11, 501],
      ['k1', 12, 20],
    ] as const
    assert.deepEqual(textsFrom(given, [[10, 700]], [[15, 2]], thirds), [
      { amount: 700, key: 'k1', other: 2, third: 501 },
    ])
  })
})

describe('what the simulator expects of patterns', () => {
  const shape = { several: 'no', without: false, contiguity: 'relaxed', afterMatch: 'noSkip' } as const
  const matchesOf = (pattern: Partial<NonNullable<Workload['pattern']>>, ...records: readonly Given[]) =>
    textsFrom({ kind: 'pattern', pattern: { ...shape, ...pattern } }, records).map((text) => {
      const { from, lows, to } = text as Record<string, number>
      return `${from}..${to} (${lows})`
    })

  it('a low amount, then the next high one in time', () => {
    assert.deepEqual(matchesOf({}, [1, 100], [2, 400], [3, 700], [4, 800]), ['1..3 (1)'])
    assert.deepEqual(matchesOf({}, [1, 100], [11, 700]), [])
  })

  it('the very next, or any', () => {
    assert.deepEqual(matchesOf({ contiguity: 'strict' }, [1, 100], [2, 400], [3, 700]), [])
    assert.deepEqual(matchesOf({ contiguity: 'relaxedAny' }, [1, 100], [3, 700], [4, 800]), ['1..3 (1)', '1..4 (1)'])
  })

  it('nothing between where that is said', () => {
    assert.deepEqual(matchesOf({ without: true }, [1, 100], [2, 400], [3, 700]), [])
  })

  it('several low ones, next to one another or not', () => {
    const records = [
      [1, 100],
      [2, 400],
      [3, 200],
      [4, 700],
    ] as const
    assert.deepEqual(matchesOf({ several: 'strict' }, ...records), ['1..4 (1)', '3..4 (1)'])
    assert.deepEqual(matchesOf({ several: 'relaxed' }, ...records), ['1..4 (1)', '1..4 (2)', '3..4 (1)'])
  })

  it('none that begins before the end of one that counts', () => {
    const records = [
      [1, 100],
      [2, 200],
      [3, 700],
      [4, 100],
      [5, 700],
    ] as const
    assert.deepEqual(matchesOf({ afterMatch: 'skipPastLast' }, ...records), ['1..3 (1)', '4..5 (1)'])
  })
})

describe('what the simulator expects of windows', () => {
  it('sessions of records that are a gap apart at most', () => {
    const records = [
      [10, 1],
      [31, 2],
      [20, 5],
      ['k2', 12, 7],
    ] as const
    assert.deepEqual(windowsFrom({ kind: 'sessions' }, records), [
      '10..30 k1: 2, 6, 5',
      '31..41 k1: 1, 2, 2',
      '12..22 k2: 1, 7, 7',
    ])
  })

  it('windows of windows, which have the last instant of theirs', () => {
    const records = [
      ['k1', 15, 1],
      ['k2', 19, 5],
      ['k5', 20, 2],
    ] as const
    const given = (by: 'key' | 'half' | 'all') => windowsFrom({ kind: 'staged', again: { times: 2, by } }, records)
    assert.deepEqual(given('all'), ['0..20 null: 2, 6, 5', '20..40 null: 1, 2, 2'])
    assert.deepEqual(given('half'), ['0..20 true: 2, 6, 5', '20..40 false: 1, 2, 2'])
    assert.equal(given('key').length, 3)
  })
})

describe('what the simulator plays', () => {
  it('is a job that lint accepts, before an upgrade and after', () => {
    const seen = new Map<string, number>()
    for (let seed = 1; seed <= 300; seed++) {
      const workload = reshaped(chooseWorkload(seededRandom(seed), 5), seededRandom(seed + 1_000))
      const before = seen.get(workload.kind) ?? 0
      seen.set(workload.kind, before + 1)
      if (before < 5) for (const revision of [0, 1]) parseJob(jobText(workload, revision), 'yaml', 'job.yaml')
    }
    assert.equal(seen.size, 10)
  })
})
