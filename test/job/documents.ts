/** Valid job documents of every shape, as plain values, and the same value in each format. */
import fc from 'fast-check'
import { stringify as toToml } from 'smol-toml'
import { stringify as toYaml } from 'yaml'
import type { JobFormat } from '../../src/job/document.ts'

export const SEED = 20_260_401

const word = fc.constantFrom('origin', 'delay', 'distance', 'user', 'x1', '_y')
const duration = fc.constantFrom('1d', '90s', '1h30m', '250ms', '2w', '36h')
const condition = fc.oneof(
  fc.tuple(word, fc.constantFrom('>', '==', '!='), fc.nat(100)).map(([field, sign, n]) => `${field} ${sign} ${n}`),
  fc.constantFrom('has(a.b) && a.b', 'true', '"a" in list', "name.startsWith('é\"\\\\')", 'a ? b : c', '!cancelled'),
)
const fieldName = fc.oneof(
  word,
  fc.constantFrom('1', '10', '9', 'a.b', 'with space', 'é', '"', 'true', '2020-01-01', '~/'),
)
const fields = fc.dictionary(fieldName, fc.oneof(word, condition), { minKeys: 1, maxKeys: 4 }).map(plain)
const keys = fc.oneof(word, fc.array(word, { minLength: 1, maxLength: 3 }))

const optional = <T>(name: string, value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc
    .option(value, { nil: undefined })
    .map((chosen): Record<string, T> => (chosen === undefined ? {} : { [name]: chosen }))

const merged = (...parts: readonly fc.Arbitrary<object>[]): fc.Arbitrary<Record<string, unknown>> =>
  fc.tuple(...parts).map((chosen) => Object.assign({}, ...chosen) as Record<string, unknown>)

/** All that expressions here read. A step that says which fields there are keeps these, since a name that no record has is a fault. */
const READ = [
  '_y',
  'a',
  'airport',
  'b',
  'c',
  'cancelled',
  'date',
  'delay',
  'distance',
  'late',
  'list',
  'name',
  'order',
  'origin',
]
const ALL = [...READ, 'spare', 'user', 'x', 'x1']
const kept = (): Record<string, string> => Object.fromEntries(ALL.map((name) => [name, name]))

const PROTO = `syntax = "proto3";
message M { ${ALL.map((name, i) => `map<string, int32> ${name} = ${i + 1};`).join(' ')} }`

/** One of its own each time: YAML would write an alias for what stands twice. */
const copied = <T>(value: T): T => structuredClone(value)

const step = fc.oneof(
  condition.map((filter) => ({ filter })),
  fields.map((map) => ({ map: { ...kept(), ...map } })),
  fields.map((compute) => ({ compute })),
  fc.shuffledSubarray(ALL, { minLength: ALL.length }).map((project) => ({ project })),
  fc.subarray(['gone', 'with space', 'é'], { minLength: 1 }).map((drop) => ({ drop })),
  fc
    .constantFrom({ a: 'b', b: 'a' }, { airport: 'spare', spare: 'airport' })
    .map((rename) => ({ rename: { ...rename } })),
  fc.constantFrom({ delay: 'integer', user: 'text' }, { a: 'boolean' }).map((cast) => ({ cast: { ...cast } })),
  fc
    .constantFrom({ list: 'order.items', as: 'item' }, { list: '[origin]', as: 'a.b', index: 'i' })
    .map((explode) => ({ explode: { ...explode } })),
)

const aligned = merged(
  fc.oneof(
    fc.constantFrom('1d', '2w').map((tumbling) => ({ tumbling })),
    fc.constantFrom('1h', '1d').map((every) => ({ hopping: '1d', every })),
  ),
  optional('offset', fc.constantFrom('0s', '30m')),
  optional('allowedLateness', duration),
)
const session = merged(
  duration.map((gap) => ({ session: gap })),
  optional('allowedLateness', duration),
)
const calendar = merged(
  fc.constantFrom('day', 'week', 'month').map((period) => ({ calendar: period })),
  optional('zone', fc.constantFrom('UTC', 'Europe/Berlin')),
)
const emit = fc
  .constantFrom<unknown>('onClose', 'onUpdate', { every: '10s' }, { count: 100 })
  .map((mode) => structuredClone(mode))
const global = merged(
  fc.constantFrom<unknown>('onUpdate', { every: '1m' }, { count: 3 }).map((mode) => ({
    global: true,
    emit: structuredClone(mode),
  })),
  optional('purge', fc.boolean()),
)
const window = fc.oneof(
  { weight: 3, arbitrary: merged(aligned, optional('emit', emit)) },
  { weight: 1, arbitrary: merged(session, optional('emit', emit)) },
  { weight: 1, arbitrary: calendar },
  { weight: 1, arbitrary: global },
)

const PATTERN = {
  pattern: {
    stages: [
      { name: 'small', where: 'delay < 3', oneOrMore: true, inner: 'strict', until: 'x1' },
      { name: 'none', where: 'user == 1', negated: true },
      { name: 'large', where: 'delay > 9 * small.delay', times: { least: 2, most: 4 }, contiguity: 'relaxedAny' },
      { name: 'rest', optional: true, times: 2, greedy: true },
      { name: 'end', where: 'user == 2' },
    ],
    groups: [{ from: 'small', to: 'large', times: { least: 1, most: 3 }, inner: 'strict', optional: true }],
    within: '1m',
    afterMatch: { skipToLast: 'large' },
    select: { n: 'count(small)', sum: 'sum(large.delay)' },
  },
}

const ordered = fc
  .constantFrom<object>({ dedupe: { by: '[origin, x1]', within: '10m' } }, { changes: { of: 'delay > 15' } }, PATTERN)
  .map(copied)
const recordWindow = fc
  .constantFrom<object>(
    { window: { count: 100 } },
    { window: { count: 10, slide: 3, emitPartial: true } },
    { window: { sliding: '5s' } },
    { window: { sliding: '5s', allowedLateness: '1m' } },
    { rolling: { last: 10 } },
    { rolling: { within: '5m' } },
  )
  .map(copied)

const aggregate = fc.oneof(
  fc.constantFrom('count()', 'count(delay > 15)', 'sum(delay)', ' avg( delay / 2 ) ', 'min(a.b)', 'max(size(name))'),
  fc.constantFrom('stddev(delay)', 'median(x)', 'quantile(x, 0.99)', 'topK(x, 3)', 'collect([a, b], 7)', 'last(a)'),
  merged(
    fc.constantFrom<object>(
      { max: 'delay' },
      { sum: 'a + b' },
      { count: 'late' },
      { quantile: 'delay', at: 0.9 },
      { collect: 'name' },
      { topK: 'delay', limit: 4 },
      { countDistinct: 'user' },
    ),
    optional('where', condition),
  ),
)
const aggregates = fc.dictionary(fieldName, aggregate, { minKeys: 1, maxKeys: 4 }).map(plain)

/** fast-check's dictionaries have no prototype, which is no difference that documents can show. */
function plain<T>(dictionary: Record<string, T>): Record<string, T> {
  return { ...dictionary }
}

/** Steps on rows, which know the names that all rows have. */
const onRows = [
  { compute: { who: 'key' } },
  { filter: 'who != null' },
  { rename: { whose: 'who' } },
  { project: ['whose'] },
]

const pipeline = fc
  .tuple(
    fc.array(step, { maxLength: 4 }),
    fc.option(keys, { nil: undefined }),
    fc.option(
      fc.tuple(
        fc.oneof(
          { weight: 3, arbitrary: window.map((each) => ({ window: each })) },
          { weight: 1, arbitrary: recordWindow },
        ),
        aggregates,
        fc.nat(onRows.length).map((count) => copied(onRows.slice(0, count))),
      ),
      { nil: undefined },
    ),
    ordered,
    fc.boolean(),
  )
  .map(([steps, keyBy, windowed, passing, passes]): object[] => [
    ...steps,
    ...(keyBy === undefined ? [] : [{ keyBy }]),
    ...(windowed === undefined ? (passes ? [passing] : []) : [windowed[0], { aggregate: windowed[1] }, ...windowed[2]]),
  ])

const source = merged(
  fc.constantFrom({ topic: 'flights' }, { topic: 'a.b_c-D' }),
  optional(
    'format',
    fc.oneof(
      fc.constantFrom('json', 'yaml', 'toml', 'msgpack'),
      fc.constant({ avro: { schema: '{"type":"map","values":"double"}' } }).map(copied),
      fc.constant({ avro: { registry: [{ id: 7, schema: '{"type":"map","values":"long"}' }] } }).map(copied),
      fc.constant({ protobuf: { schema: PROTO, message: 'M' } }).map(copied),
    ),
  ),
  optional(
    'time',
    fc.constantFrom({ field: 'date' }, { field: 'a.b' }, { field: 'date', pattern: "yyyy-MM-dd'T'HH:mm" }),
  ),
  optional('outOfOrderness', duration),
  optional('partitionedBy', keys),
  optional('envelope', fc.constant('cloudevents')),
  optional('from', fc.constantFrom('earliest')),
  optional('bounded', fc.boolean()),
  optional('idleAfter', fc.constantFrom('1s', '10m')),
  optional('onIdle', fc.constantFrom('emit', 'wait', 'close')),
)

const sinks = fc.subarray([
  { kafka: { topic: 'results' } },
  { mongodb: { collection: 'results' } },
  { mongodb: { database: 'other', collection: 'results' } },
  { s3: { bucket: 'results', prefix: 'a/b' } },
  { s3: { bucket: 'results' } },
  { file: { directory: 'results' }, where: 'key != null' },
])

/** Silence cannot close a window of all time. */
function sound(job: Record<string, unknown>): Record<string, unknown> {
  const { source = {}, pipeline } = job as {
    source?: Record<string, unknown>
    pipeline: readonly { window?: object }[]
  }
  const isGlobal = pipeline.some(({ window }) => window !== undefined && 'global' in window)
  return isGlobal && source.onIdle === 'close' ? { ...job, source: { ...source, onIdle: 'wait' } } : job
}

const SOURCES = {
  planned: { topic: 'planned', time: { field: 'at' }, pipeline: [{ map: { id: 'id', at: 'at' } }] },
  actual: { topic: 'actual', format: 'msgpack', outOfOrderness: '5s', idleAfter: '1m' },
}
const ON = { on: { left: ['id', 'day'], right: ['flight', 'day'] } }
const SELECT = { select: { id: 'planned.id', late: 'actual.at - planned.at' } }
const WINDOW = [{ window: { tumbling: '1h' } }, { aggregate: { n: 'count()', most: 'max(late)' } }]

/** Two topics: together, or joined in one of the ways. */
const several = fc
  .constantFrom<object>(
    { pipeline: [{ keyBy: 'id' }, { window: { session: '1h' } }, { aggregate: { n: 'count()' } }] },
    { join: { on: 'id', within: '1h' }, pipeline: [] },
    {
      join: { ...ON, within: { before: '1h', after: '0s' }, type: 'outer', ...SELECT },
      pipeline: [{ filter: 'late > 3' }],
    },
    { join: { ...ON, window: { tumbling: '1d', offset: '6h' }, type: 'left', ...SELECT }, pipeline: WINDOW },
    { join: { on: 'id', table: 'right', delete: { right: 'gone' }, ...SELECT }, pipeline: [{ compute: { x: 'id' } }] },
    { join: { on: 'id', table: 'both', type: 'right' }, pipeline: [] },
  )
  .map((chosen): object => {
    const { join, ...rest } = copied(chosen) as { join?: object }
    const sides = join === undefined ? {} : { join: { left: 'planned', right: 'actual', ...join } }
    return { sources: copied(SOURCES), ...sides, ...rest }
  })

/** Valid, whatever was chosen. Shuffles are left out: whether one is allowed depends on the rest. */
export const jobValue: fc.Arbitrary<Record<string, unknown>> = merged(
  fc.constantFrom({ name: 'delays' }, { name: '0-a' }),
  fc.oneof(
    {
      weight: 5,
      arbitrary: merged(
        source.map((chosen) => ({ source: chosen })),
        pipeline.map((chosen) => ({ pipeline: chosen })),
      ),
    },
    { weight: 1, arbitrary: several },
  ),
  optional('sinks', sinks),
  optional('deadLetters', fc.constantFrom({ kafka: { topic: 'dead' } }, { s3: { bucket: 'dead' } })),
  fc
    .constantFrom({ replicas: 3, write: 2, read: 2 }, { replicas: 2, write: 1, read: 1, allowForks: true })
    .map((quorum) => ({ quorum })),
  optional('maxCutAge', fc.constantFrom('100ms', '5s')),
  optional('retention', fc.oneof(duration, fc.constant('forever'))),
).map(sound)

export const FORMATS = ['yaml', 'toml', 'json'] as const

const WRITERS: Readonly<Record<JobFormat, (value: unknown) => string>> = {
  yaml: (value) => toYaml(value),
  toml: (value) => toToml(value),
  json: (value) => JSON.stringify(value, null, 2),
}

export const textOf = (value: unknown, format: JobFormat): string => WRITERS[format](value)

/** A text with some of its characters gone, doubled, or others in their place. */
export function mutationsOf(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      ':',
      ',',
      '\n',
      '\t',
      ' ',
      '#',
      '- ',
      '&a',
      '*a',
      '!',
      '|',
      '>',
      '=',
      '.',
    ),
    fc.constantFrom(
      '---\n',
      '"""',
      "'''",
      '\\',
      '\\u',
      '\u0000',
      '\u001f',
      '\ufeff',
      '\ud800',
      '<<',
      '__proto__',
      '[[a]]',
    ),
    fc.string({ maxLength: 3, unit: 'binary' }),
  )
  const edit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(8), piece)
  return fc.tuple(texts, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((changed, [share, removed, inserted]) => {
      const at = Math.floor(share * changed.length)
      return changed.slice(0, at) + inserted + changed.slice(at + removed)
    }, text),
  )
}
