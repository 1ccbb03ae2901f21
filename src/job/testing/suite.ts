/**
 * A document with tests of a job: what the records are, how time passes between them, and which rows come out. It is read like
 * a job document, with every fault at its line and column.
 */
import { z } from 'zod'
import type { Fault } from '../../http/problems.ts'
import { check } from '../check.ts'
import type { JobFormat } from '../document.ts'
import { choiceOf, duration, flag, pattern, text, wholeNumber } from '../language/values.ts'
import { expects, type Reporter, report, requires, strict } from '../language/words.ts'
import { JOB_LIMITS } from '../limits.ts'

/** One thing that happens. */
export type TestEvent =
  | {
      readonly kind: 'record'
      readonly value: TestValue
      /** Which one of several. */
      readonly source: string | undefined
      readonly partition: number
      readonly key: string | undefined
      readonly headers: Readonly<Record<string, string>>
    }
  | { readonly kind: 'wait'; readonly ms: number }

export type TestValue =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

export interface TestCase {
  readonly name: string
  /** Of each source. */
  readonly partitions: number
  /** Epoch milliseconds of the clock when the case begins. */
  readonly startMs: number
  /** The source ends after the last event, so that every window closes. */
  readonly end: boolean
  readonly given: readonly TestEvent[]
  readonly rows: readonly unknown[]
  readonly deadLetters: readonly unknown[]
}

export interface TestSuite {
  /** Of the job document, relative to the suite. */
  readonly job: string
  readonly cases: readonly TestCase[]
}

const RECORD = 'a record such as { record: { origin: SFO } }, or { wait: 10s }'

const event = () =>
  strict(RECORD, {
    record: z.json().optional(),
    text: text('the text of a record').optional(),
    base64: pattern('the bytes of a record in base64', /^[A-Za-z0-9+/]*={0,2}$/).optional(),
    wait: duration({ most: '52w' }).optional(),
    source: text('the name of a source').optional(),
    partition: wholeNumber('the number of a partition, from 0', 0, 1_023).optional(),
    key: text('the key of the record').optional(),
    headers: z.record(z.string(), text('the text of a header'), expects('headers by name')).prefault({}),
  })
    .check(z.superRefine(checkEvent))
    .transform(({ record, text, base64, wait, source, partition = 0, key, headers }): TestEvent => {
      if (wait !== undefined) return { kind: 'wait', ms: wait }
      const bytes = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text)
      const value: TestValue =
        text === undefined && base64 === undefined ? { kind: 'value', value: record } : { kind: 'bytes', bytes }
      return { kind: 'record', value, source, partition, key, headers }
    })

const WAYS = ['record', 'text', 'base64', 'wait'] as const

function checkEvent(value: object, reporter: Reporter): void {
  const found = WAYS.filter((way) => Object.hasOwn(value, way))
  if (found.length === 1) return
  const sentence = `expected one of ${choiceOf(WAYS)}; found ${found.length === 0 ? 'none' : found.join(' and ')}`
  report(reporter, [], RECORD, { sentence })
}

const START = 'a time in ISO 8601 such as 2001-01-01T00:00:00Z'
const ROWS = 'a list of rows, each with its fields'

const testCase = () =>
  strict('a case with name, given and rows', {
    name: text('the name of the case, as a sentence'),
    partitions: wholeNumber('a number of partitions from 1 to 64', 1, 64).prefault(1),
    start: text(START).optional(),
    end: flag().prefault(true),
    given: z.array(event(), requires('a list of records and waits')).max(JOB_LIMITS.values, expects('fewer records')),
    rows: z.array(z.json(), requires(ROWS)),
    deadLetters: z.array(z.json(), requires('a list of dead letters, such as { error: QRT_RECORD_LATE }')).prefault([]),
  }).transform(({ start, ...rest }, reporter): TestCase => {
    const startMs = start === undefined ? 0 : Date.parse(start)
    if (Number.isNaN(startMs)) report(reporter, ['start'], START)
    rest.given.forEach((given, i) => {
      if (given.kind === 'wait' || given.partition < rest.partitions) return
      const sentence = `there is no partition ${given.partition}; the case has ${rest.partitions}`
      report(reporter, ['given', i, 'partition'], 'a partition', { sentence })
    })
    return { ...rest, startMs }
  })

const SCHEMA = strict('a suite with job and cases', {
  job: pattern(
    'a relative path to a job document or module',
    /^(?!\/)[^\\\p{Cc}]{1,200}\.(?:ya?ml|toml|json|sql|[cm]?[jt]s)$/u,
  ),
  cases: z.array(testCase(), requires('a list of cases')).min(1, expects('at least one case')),
})

export interface ReadSuite {
  /** Undefined when there are faults. */
  readonly suite: TestSuite | undefined
  readonly faults: readonly Fault[]
}

export function readSuite(given: string, format: JobFormat): ReadSuite {
  const { value, faults } = check(given, format, SCHEMA)
  return { suite: value, faults }
}
