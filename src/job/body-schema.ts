/** The shape of a stored job. It came over the wire or from a disk, so every field is checked, and how they hang together. */
import { z } from 'zod'
import { canonicalText } from '../../mesh/index.ts'
import {
  type AggregatePlan,
  crosses,
  type EmitPlan,
  type ExpressionPlan,
  type FormatPlan,
  needsRecord,
  type OrderedPlan,
  outermostFirst,
  type PatternPlan,
  PROTOBUF_SCALARS,
  type ProtobufSchema,
  type StagePlan,
  type StepPlan,
  sharedBeginning,
  type WindowPlan,
} from '../../operators/index.ts'
import { COLUMN_TYPES, type FileFormat, type RowFormat } from '../commit/format/plan.ts'
import type { SinkPlan } from '../commit/sink.ts'
import { LIMITS } from '../limits.ts'
import {
  type CompiledJob,
  inRowOf,
  partitionsOf,
  plansOf,
  readerOf,
  type SourcePlan,
  shuffleBefore,
} from './compiled.ts'
import { joinSchema } from './join-schema.ts'
import { SINK_DIRECTORY } from './language/sinks.ts'
import { JOB_LIMITS } from './limits.ts'
import { originSchema } from './origin.ts'

export const BODY_VERSION = 2

const text = z.string().max(LIMITS.documentBytes)
const count = z.int().min(1)
const milliseconds = z.int().min(0)
const offset = z.int().min(0)

/** The hash of one. */
const module = z.exactOptional(z.string().regex(/^[0-9a-f]{64}$/))
const expression: z.ZodType<ExpressionPlan> = z.strictObject({ source: text, pointer: text, functions: module })

const step: z.ZodType<StepPlan> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('filter'), where: expression }),
  z.strictObject({ kind: z.literal('map'), fields: z.record(text, expression), keep: z.boolean() }),
  z.strictObject({ kind: z.literal('project'), fields: z.array(text).min(1).max(JOB_LIMITS.fields) }),
  z.strictObject({ kind: z.literal('drop'), fields: z.array(text).min(1).max(JOB_LIMITS.fields) }),
  z.strictObject({ kind: z.literal('rename'), fields: z.record(text, text) }),
  z.strictObject({
    kind: z.literal('cast'),
    fields: z.record(text, z.enum(['integer', 'number', 'text', 'boolean'])),
  }),
  z.strictObject({ kind: z.literal('explode'), as: text, list: expression, index: z.exactOptional(text) }),
])

const zoneOffset = z.strictObject({ fromMs: z.int(), offsetMs: z.int().min(-86_400_000).max(86_400_000) })

const isAscending = (offsets: readonly { readonly fromMs: number }[]): boolean =>
  offsets.every(({ fromMs }, i) => i === 0 || fromMs > (offsets[i - 1]?.fromMs ?? 0))

const emit: z.ZodType<EmitPlan> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('update') }),
  z.strictObject({ kind: z.literal('every'), everyMs: count }),
  z.strictObject({ kind: z.literal('count'), records: count }),
])

const window: z.ZodType<WindowPlan> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('aligned'),
    sizeMs: count,
    slideMs: count,
    offsetMs: milliseconds,
    allowedLatenessMs: milliseconds,
    emit: z.exactOptional(emit),
  }),
  z.strictObject({
    kind: z.literal('session'),
    gapMs: count,
    allowedLatenessMs: milliseconds,
    emit: z.exactOptional(emit),
  }),
  z.strictObject({
    kind: z.literal('global'),
    purge: z.boolean(),
    allowedLatenessMs: z.literal(0),
    emit: z.exactOptional(emit),
  }),
  z.strictObject({
    kind: z.literal('calendar'),
    unit: z.enum(['day', 'week', 'month']),
    zone: text,
    offsets: z.array(zoneOffset).min(1).max(JOB_LIMITS.zoneOffsets).refine(isAscending, 'expected offsets in order'),
    allowedLatenessMs: milliseconds,
    emit: z.exactOptional(emit),
  }),
])

const contiguity = z.enum(['strict', 'relaxed', 'relaxedAny'])

/** Of a stage among those of its pattern. */
const place = z
  .int()
  .min(0)
  .max(JOB_LIMITS.patternStages - 1)

const pattern: z.ZodType<PatternPlan> = z
  .strictObject({
    kind: z.literal('pattern'),
    stages: z
      .array(
        z.strictObject({
          name: text,
          where: z.exactOptional(expression),
          contiguity,
          negated: z.boolean(),
          optional: z.boolean(),
          least: count.max(JOB_LIMITS.patternTimes),
          most: z.exactOptional(count.max(JOB_LIMITS.patternTimes)),
          inner: contiguity,
          until: z.exactOptional(expression),
          greedy: z.exactOptional(z.literal(true)),
        }),
      )
      .min(1)
      .max(JOB_LIMITS.patternStages),
    groups: z.exactOptional(
      z
        .array(
          z.strictObject({
            first: place,
            last: place,
            optional: z.boolean(),
            least: count.max(JOB_LIMITS.patternTimes),
            most: z.exactOptional(count.max(JOB_LIMITS.patternTimes)),
            inner: contiguity,
          }),
        )
        .max(JOB_LIMITS.patternStages),
    ),
    withinMs: z.exactOptional(count),
    afterMatch: z.union([
      z.strictObject({ strategy: z.enum(['noSkip', 'toNext', 'pastLast']) }),
      z.strictObject({ strategy: z.enum(['toFirst', 'toLast']), stage: text }),
    ]),
    select: z.exactOptional(z.record(text, expression)),
  })
  .refine(
    ({ stages, withinMs }) =>
      stages[0]?.negated === false && (stages.at(-1)?.negated !== true || withinMs !== undefined),
    'expected a pattern that begins with a record, and ends with one or in a time',
  )
  .refine(
    ({ stages, groups = [] }) =>
      groups.every((group, i) => {
        const [before] = groups.slice(0, i).slice(-1)
        const ordered = group.first <= group.last && (before === undefined || outermostFirst(before, group) < 0)
        const ends = stages[group.first]?.negated === false && stages[group.last]?.negated === false
        const apart = !groups.slice(0, i).some((other) => crosses(other, group))
        return ordered && ends && apart && needsRecord(group, { stages, groups })
      }) && sharedBeginning({ stages, groups }) === undefined,
    'expected groups apart from or in one another, each from and to a stage that takes records, with one that has to',
  )

const ordered: z.ZodType<OrderedPlan> = z.union([
  z.strictObject({ kind: z.literal('count'), size: count, slide: count, emitPartial: z.boolean() }),
  z.strictObject({ kind: z.literal('sliding'), differenceMs: count, graceMs: milliseconds }),
  z.strictObject({ kind: z.literal('rolling'), last: count.max(JOB_LIMITS.rollingRecords) }),
  z.strictObject({ kind: z.literal('rolling'), withinMs: count }),
  z.strictObject({ kind: z.literal('dedupe'), by: expression, withinMs: count }),
  z.strictObject({ kind: z.literal('changes'), of: expression }),
  pattern,
  joinSchema(expression, step),
])

const aggregate: z.ZodType<AggregatePlan> = z.strictObject({
  name: text,
  kind: z.enum([
    'count',
    'sum',
    'avg',
    'min',
    'max',
    'variance',
    'stddev',
    'quantile',
    'topK',
    'first',
    'last',
    'collect',
    'countDistinct',
    'maxBy',
    'minBy',
    'topBy',
    'own',
  ]),
  of: z.exactOptional(expression),
  own: z.exactOptional(z.strictObject({ aggregate: text, functions: module })),
  parameter: z.exactOptional(z.number().min(0).max(JOB_LIMITS.collected)),
  where: z.exactOptional(expression),
})

const scalar = z.enum(PROTOBUF_SCALARS)

const protobufSchema: z.ZodType<ProtobufSchema> = z.strictObject({
  messages: z.record(
    text,
    z.array(
      z.strictObject({
        number: z.int().min(1).max(536_870_911),
        name: text,
        type: z.union([scalar, z.enum(['message', 'enum'])]),
        of: z.exactOptional(text),
        shape: z.enum(['explicit', 'implicit', 'repeated', 'map']),
        oneof: z.exactOptional(text),
        key: z.exactOptional(scalar),
        required: z.exactOptional(z.literal(true)),
      }),
    ),
  ),
  enums: z.record(text, z.record(text, text)),
  places: z.record(text, text),
})

const framing = z.enum(['none', 'registry'])
const schemaId = z.exactOptional(z.int().min(0).max(4_294_967_295))
const schemas = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .array(z.strictObject({ id: schemaId, schema }))
    .min(1)
    .max(JOB_LIMITS.schemas)

const format: z.ZodType<FormatPlan> = z.union([
  z.enum(['json', 'yaml', 'toml', 'msgpack']),
  z.strictObject({ kind: z.literal('avro'), framing, schemas: schemas(text) }),
  z.strictObject({
    kind: z.literal('protobuf'),
    framing,
    message: z.exactOptional(text),
    schemas: schemas(protobufSchema),
  }),
])

const time = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('field'), path: z.array(text).min(1), pattern: z.exactOptional(text) }),
  z.strictObject({ kind: z.literal('log') }),
])

const later = z.strictObject({ from: count, numbers: z.array(offset).min(1) })

const among = z.exactOptional(
  z
    .array(z.strictObject({ topic: text, numberFrom: offset, later: z.exactOptional(later) }))
    .min(1)
    .max(JOB_LIMITS.sources),
)

const stage: z.ZodType<StagePlan> = z.strictObject({
  job: text,
  stage: z.int().min(0).max(JOB_LIMITS.rounds),
  input: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('records'),
      format,
      envelope: z.exactOptional(z.literal('cloudevents')),
      time,
      outOfOrdernessMs: milliseconds,
      side: z.exactOptional(z.enum(['left', 'right'])),
      among,
    }),
    z.strictObject({
      kind: z.literal('slices'),
      sources: count,
      first: z.exactOptional(count),
      among,
      rowSources: z.exactOptional(count),
    }),
  ]),
  steps: z.array(step).max(JOB_LIMITS.steps),
  keyBy: z.exactOptional(z.array(expression).min(1).max(JOB_LIMITS.keys)),
  window: z.exactOptional(window),
  ordered: z.exactOptional(ordered),
  aggregates: z.array(aggregate).max(JOB_LIMITS.aggregates),
  after: z.exactOptional(z.array(step).min(1).max(JOB_LIMITS.steps)),
  next: z.exactOptional(
    z.strictObject({
      keyBy: z.exactOptional(z.array(expression).min(1).max(JOB_LIMITS.keys)),
      ordered: z.exactOptional(ordered),
      aggregates: z.array(aggregate).max(JOB_LIMITS.aggregates),
      time: z.exactOptional(
        z.strictObject({
          path: z.array(text).min(1),
          pattern: z.exactOptional(text),
          withinMs: milliseconds,
          pointer: text,
        }),
      ),
      numberFrom: z.exactOptional(count),
    }),
  ),
  output: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('rows'),
      branches: z.exactOptional(z.array(expression).min(1).max(JOB_LIMITS.sinks)),
    }),
    z.strictObject({
      kind: z.literal('shuffle'),
      partitions: count,
      carries: z.exactOptional(z.literal('records')),
      to: z.exactOptional(z.int().min(2).max(JOB_LIMITS.rounds)),
    }),
  ]),
  onIdle: z.enum(['emit', 'wait', 'close']),
  cuts: z.strictObject({
    gridMs: count,
    gridRecords: count,
    maxRecords: count,
    maxBytes: count,
    partBytes: count,
    snapshotEvery: count,
  }),
})

const source: z.ZodType<SourcePlan> = z.strictObject({
  name: z.exactOptional(text),
  topic: text,
  partitions: count,
  later: z.exactOptional(z.array(offset).min(1)),
  startOffsets: z.array(offset),
  endOffsets: z.exactOptional(z.array(offset)),
  idleAfterMs: count,
  ownSteps: z.exactOptional(count),
  stage: z.exactOptional(stage),
})

const branch = z.exactOptional(count)

const avroRows = z.strictObject({ kind: z.literal('avro'), schema: text, id: schemaId })
const protobufRows = z.strictObject({
  kind: z.literal('protobuf'),
  schema: protobufSchema,
  message: text,
  id: schemaId,
})
const rowFormat: z.ZodType<RowFormat> = z.union([z.enum(['toml', 'msgpack']), avroRows, protobufRows])

const columns = z
  .array(z.strictObject({ name: text, path: z.array(text).min(1).max(2), type: z.enum(COLUMN_TYPES) }))
  .min(1)
  .max(2 * JOB_LIMITS.fields)
const parquetRows = z.strictObject({ kind: z.literal('parquet'), columns })
const fileFormat: z.ZodType<FileFormat> = z.union([
  z.enum(['yaml', 'toml', 'msgpack']),
  avroRows,
  protobufRows,
  parquetRows,
])

const sink: z.ZodType<SinkPlan> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('kafka'), topic: text, format: z.exactOptional(rowFormat), branch }),
  z.strictObject({ kind: z.literal('mongodb'), database: text, collection: text, branch }),
  z.strictObject({ kind: z.literal('s3'), bucket: text, prefix: text, format: z.exactOptional(fileFormat), branch }),
  z.strictObject({
    kind: z.literal('file'),
    directory: z.string().regex(SINK_DIRECTORY),
    format: z.exactOptional(fileFormat),
    branch,
  }),
])

const replicas = z.int().min(1).max(JOB_LIMITS.replicas)

const compiled: z.ZodType<CompiledJob> = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
    generation: z.string().regex(/^[a-z0-9-]+-[0-9a-f]{12}-[1-9]\d{0,15}$/),
    sources: z.array(source).min(1).max(JOB_LIMITS.sources),
    stages: z
      .array(stage)
      .min(1)
      .max(1 + JOB_LIMITS.rounds),
    shuffle: z.exactOptional(z.strictObject({ topic: text, partitions: count })),
    sinks: z.array(sink).max(JOB_LIMITS.sinks),
    deadLetters: z.exactOptional(sink),
    quorum: z.strictObject({ replicas, write: replicas, read: replicas, allowForks: z.boolean() }),
    maxCutAgeMs: count,
    retentionMs: z.int().min(-1),
  })
  .check(z.superRefine(checkWhole))

/** What no field says by itself. */
function checkWhole(job: CompiledJob, reporter: { addIssue(message: string): void }): void {
  const { name, generation, sources, stages, shuffle, quorum } = job
  const expect = (holds: boolean, what: string): void => {
    if (!holds) reporter.addIssue(`expected ${what}`)
  }
  expect(generation.startsWith(`${name}-`), 'a generation that begins with the name of the job')
  for (const { partitions, startOffsets, endOffsets } of sources) {
    expect(startOffsets.length === partitions, 'a start offset for each partition')
    expect((endOffsets?.length ?? partitions) === partitions, 'an end offset for each partition')
  }
  expect(areNumbered(sources), 'partitions that came later to have numbers of their own')
  expect(quorum.write <= quorum.replicas && quorum.read <= quorum.replicas, 'quorums within the replicas')
  expect(quorum.allowForks || quorum.write > quorum.replicas / 2, 'a write quorum of more than half of the replicas')
  const sides = new Set(plansOf(job).map(({ input }) => (input.kind === 'records' ? input.side : undefined)))
  const joins = stages.some(({ ordered }) => ordered?.kind === 'join')
  expect(!joins || (sides.has('left') && sides.has('right')), 'a join with a left and a right')
  for (const { window, ordered } of stages) {
    const both = window !== undefined && ordered !== undefined && ordered.kind !== 'join'
    expect(!both, 'a window or an ordered operator, not both')
  }
  const [first, second, ...later] = stages
  const before = (stage: StagePlan | undefined) => stage && shuffleBefore(job, readerOf(stage) ?? 0)
  for (const [i, { stage = first }] of sources.entries()) {
    const output = stage?.output.kind === 'shuffle' ? stage.output.partitions : undefined
    expect((stage === first) === (i === 0), 'a first stage of its own for each source after the first')
    expect(stage?.stage === 0 && stage.input.kind === 'records', 'a first stage that reads records')
    expect(output === before(stage)?.partitions, 'a first stage that ends in the shuffle, where there is one')
  }
  expect((second === undefined) === (shuffle === undefined), 'a second stage where there is a shuffle')
  if (second === undefined) return
  const carries = first?.output.kind === 'shuffle' && first.output.carries === 'records'
  const holds = (stage: typeof first): boolean => (carries ? stage?.ordered : stage?.window) !== undefined
  expect(holds(first) && holds(second), 'stages that hold what the shuffle between them carries')
  const merged = second.input.kind === 'slices' ? second.input.sources : undefined
  expect(merged === partitionsFor(job, 1), 'a second stage that merges all partitions of its sources')
  expect(stages.at(-1)?.output.kind === 'rows', 'a last stage that ends in rows')
  stages.forEach(({ stage }, i) => {
    expect(stage === i, 'stages that are numbered in their order')
  })
  ;[second, ...later].forEach((stage, i) => {
    checkLater(
      stage,
      [second, ...later][i - 1],
      { last: i === later.length, direct: partitionsFor(job, i + 1) },
      expect,
    )
  })
}

/** The numbers of partitions that came later are those behind the others, each once. */
function areNumbered(sources: CompiledJob['sources']): boolean {
  const inRow = sources.reduce((sum, source) => sum + inRowOf(source), 0)
  const later = sources.flatMap(({ later = [] }) => later).toSorted((a, b) => a - b)
  return sources.every((source) => inRowOf(source) > 0) && later.every((number, i) => number === inRow + i)
}

/** Partitions of the sources whose records a stage reads behind the first shuffle on their way. */
const partitionsFor = ({ sources, stages: [first] }: CompiledJob, reader: number): number =>
  partitionsOf(sources.filter(({ stage = first }) => stage !== undefined && readerOf(stage) === reader))

/** Of a stage behind a shuffle. @param before whose rows it takes; undefined: it takes records. `direct`: partitions of its sources */
function checkLater(
  stage: StagePlan,
  before: StagePlan | undefined,
  { last, direct }: { readonly last: boolean; readonly direct: number },
  expect: (holds: boolean, what: string) => void,
): void {
  expect((stage.output.kind === 'rows') === last, 'rows for sinks from the last stage only')
  expect((stage.next === undefined) === last, 'a next stage behind all but the last')
  const rows = stage.input.kind === 'slices' ? stage.input.rowSources : undefined
  expect(
    (rows === undefined) === (before === undefined),
    'rows of the stage before in all but the first behind a shuffle',
  )
  if (before === undefined || stage.input.kind !== 'slices') return
  const { keyBy, ordered, aggregates } = stage
  const { numberFrom, time: _, ...next } = before.next ?? { aggregates: [] }
  expect(stage.input.sources === direct + (rows ?? 0), 'rows of the stage before, and records of its own sources')
  expect((numberFrom ?? 0) === (stage.input.first ?? 0) + direct, 'units that are numbered behind the sources')
  expect(canonicalText(next) === canonicalText({ keyBy, ordered, aggregates }), 'rows that are held as they were sent')
}

export const bodySchema = z.strictObject({
  version: z.literal(BODY_VERSION),
  document: z.strictObject({ text, format: z.enum(['yaml', 'toml', 'json']) }),
  compiled,
  submittedAt: z.iso.datetime({ precision: 3 }),
  origin: z.exactOptional(originSchema),
})
