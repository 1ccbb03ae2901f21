/**
 * Columns of a Parquet file: where and when a row belongs first, then what it says, by name. The types are those of the aggregates,
 * which are known from the document alone; what may be anything is JSON. A document says where one is to be another.
 */
import { type AggregatePlan, findAggregate, ownMembers, type StepPlan } from '../../../operators/index.ts'
import type { ColumnType, FileFormat, ParquetColumn } from '../../commit/format/plan.ts'
import type { SinkTarget } from '../../commit/sink.ts'
import { suggest } from '../../suggest.ts'
import { lastRoundOf, type RoundDocument } from '../document.ts'
import type { GivenFileFormat, ParquetFields } from './sink-format.ts'
import type { GivenTarget } from './sinks.ts'
import { type Reporter, report } from './words.ts'

const column = (name: string, type: ColumnType, ...path: readonly string[]): ParquetColumn => ({
  name,
  path: path.length === 0 ? [name] : path,
  type,
})

/** Of rows of windows. */
const WINDOW: readonly ParquetColumn[] = [
  column('window_start', 'time', 'window', 'start'),
  column('window_end', 'time', 'window', 'end'),
  column('revision', 'integer'),
  column('final', 'boolean'),
  column('removed', 'boolean'),
]

/** Where the record is that a row was made of. */
const SOURCE: readonly ParquetColumn[] = [
  column('source_partition', 'integer', 'source', 'partition'),
  column('source_offset', 'integer', 'source', 'offset'),
  column('source_index', 'integer', 'source', 'index'),
]

const DEAD_LETTERS: readonly ParquetColumn[] = [
  ...[column('error', 'text'), column('reason', 'text'), column('topic', 'text')],
  ...[column('partition', 'integer'), column('offset', 'integer'), column('records', 'integer')],
  ...[column('record', 'json'), column('recordBase64', 'text'), column('recordBytes', 'integer')],
]

/** What every row has. */
function ownColumns({ aggregates, ordered }: RoundDocument): readonly ParquetColumn[] {
  const key = column('key', 'json')
  if (aggregates.length === 0) return [key, ...SOURCE]
  return ownMembers(ordered?.kind).includes('window') ? [key, ...WINDOW] : [key, column('time', 'time'), ...SOURCE]
}

function typeOf({ kind, own }: AggregatePlan): ColumnType {
  switch (kind) {
    case 'own':
      return findAggregate(own?.aggregate ?? '', own?.functions)?.aggregate.returns ?? 'json'
    case 'count':
    case 'countDistinct':
      return 'integer'
    case 'sum':
    case 'avg':
    case 'min':
    case 'max':
    case 'variance':
    case 'stddev':
    case 'quantile':
      return 'number'
    default:
      return 'json'
  }
}

/** Fields of rows behind all steps, with what they are. Undefined: rows are records, whose fields no document knows. */
function fieldsOf({ aggregates, after = [] }: RoundDocument): ReadonlyMap<string, ColumnType> | undefined {
  if (aggregates.length === 0) return undefined
  const first: ReadonlyMap<string, ColumnType> = new Map(aggregates.map((each) => [each.name, typeOf(each)] as const))
  return after.reduce(afterStep, first)
}

function afterStep(fields: ReadonlyMap<string, ColumnType>, step: StepPlan): ReadonlyMap<string, ColumnType> {
  switch (step.kind) {
    case 'map': {
      // A field that is only given another name stays what it is.
      const made = Object.entries(step.fields).map(
        ([name, { source }]) => [name, fields.get(source.trim()) ?? 'json'] as const,
      )
      return new Map([...(step.keep ? fields : []), ...made])
    }
    case 'project':
      return new Map([...fields].filter(([name]) => step.fields.includes(name)))
    case 'drop':
      return new Map([...fields].filter(([name]) => !step.fields.includes(name)))
    case 'rename': {
      const names = new Map(Object.entries(step.fields).map(([name, old]) => [old, name] as const))
      return new Map([...fields].map(([name, type]) => [names.get(name) ?? name, type] as const))
    }
    case 'cast':
      return new Map([...fields].map(([name, type]) => [name, step.fields[name] ?? type] as const))
    case 'filter':
    case 'explode':
      return fields
  }
}

/** All columns, of which some are to be of other types. Of records, the fields are those that have a type. */
function columnsOf(round: RoundDocument, types: ParquetFields['types']): readonly ParquetColumn[] {
  const own = ownColumns(round)
  const given = Object.keys(types).filter((name) => !own.some((each) => each.name === name))
  const fields = fieldsOf(round) ?? new Map(given.map((name) => [name, types[name] ?? 'json'] as const))
  const named = [...fields].map(([name, type]) => column(name, type)).sort((a, b) => (a.name < b.name ? -1 : 1))
  return [...own, ...named].map((each) => ({ ...each, type: typeIn(types, each) }))
}

const typeIn = (types: ParquetFields['types'], { name, type }: ParquetColumn): ColumnType =>
  Object.hasOwn(types, name) ? (types[name] ?? type) : type

/** Reports types of columns that there are not, and records whose fields have none. */
export function checkColumns(
  { pipeline, sinks }: { readonly pipeline: RoundDocument; readonly sinks: readonly GivenTarget[] },
  reporter: Reporter,
): void {
  const last = lastRoundOf(pipeline)
  sinks.forEach((sink, i) => {
    const format = 'format' in sink ? sink.format : undefined
    if (typeof format !== 'object' || format.kind !== 'parquet') return
    const tell = (path: readonly PropertyKey[], sentence: string, suggestion?: string) =>
      report(reporter, ['sinks', i, sink.kind, 'format', ...path], 'columns of rows', {
        sentence,
        ...(suggestion === undefined ? {} : { suggestion }),
      })
    const names = Object.keys(format.types)
    if (last.aggregates.length === 0) {
      if (names.length > 0) return
      const example = 'format: { parquet: { columns: { origin: text, delay: integer } } }'
      tell(
        [],
        'Parquet has columns with types, and without aggregates rows have the fields of records',
        `write ${example}`,
      )
      return
    }
    const known = columnsOf(last, {}).map(({ name }) => name)
    for (const name of names.filter((each) => !known.includes(each))) {
      const near = suggest(name, known)
      const sentence = `the rows here have no column "${name}"; they have ${known.join(', ')}`
      tell(['parquet', 'columns', name], sentence, near === undefined ? undefined : `did you mean ${near}?`)
    }
  })
}

/** The sink with all of its columns. @param pipeline undefined: the sink is that of dead letters */
export function withColumns(target: GivenTarget, pipeline: RoundDocument | undefined): SinkTarget {
  if (target.kind === 's3') {
    const { format, ...rest } = target
    return format === undefined ? rest : { ...rest, format: withAll(format, pipeline) }
  }
  if (target.kind !== 'file') return target
  const { format, ...rest } = target
  return format === undefined ? rest : { ...rest, format: withAll(format, pipeline) }
}

function withAll(format: GivenFileFormat, pipeline: RoundDocument | undefined): FileFormat {
  if (typeof format !== 'object' || format.kind !== 'parquet') return format
  const { types } = format
  const columns =
    pipeline === undefined
      ? DEAD_LETTERS.map((each) => ({ ...each, type: typeIn(types, each) }))
      : columnsOf(lastRoundOf(pipeline), types)
  return { kind: 'parquet', columns }
}
