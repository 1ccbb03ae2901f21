/** The document of a workload's job. */
import { joinsText } from './join-text.ts'
import { patternText } from './pattern-text.ts'
import {
  firstsOf,
  isSpread,
  JOB,
  passesRecords,
  SINK,
  type SinkKind,
  SOURCES,
  STORE,
  TURNS_AT,
  type Workload,
} from './workload.ts'

const SINK_TEXTS: Readonly<Record<SinkKind, string>> = {
  kafka: `kafka: { topic: ${SINK} }`,
  mongodb: `mongodb: { database: ${STORE}, collection: ${STORE} }`,
  s3: `s3: { bucket: ${STORE} }`,
}

/** What a row must have, or a single record its amount, to come to a sink; 0: all come. */
export function leastAt({ having, branchFrom, sinks: [first] }: Workload, sink: SinkKind): number {
  return Math.max(having, sink === first ? branchFrom : 0)
}

const emitText = (emit: Workload['emit']): string =>
  emit === 'onClose' ? '' : `, emit: ${typeof emit === 'number' ? `{ every: ${emit}ms }` : emit}`

function sinkText(workload: Workload, sink: SinkKind, index: number): string {
  const { branchFrom } = workload
  const field = passesRecords(workload) ? 'amount' : 'total'
  const where = index > 0 || branchFrom === 0 ? '' : `, where: ${field} >= ${branchFrom}`
  return `{ ${SINK_TEXTS[sink]}${where} }`
}

function sourceText(workload: Workload, topic: string): string {
  const { disorderMs, idleAfterMs, onIdle } = workload
  const fields = [
    `topic: ${topic}`,
    'format: json',
    'time: { field: at }',
    `outOfOrderness: ${disorderMs}ms`,
    `idleAfter: ${idleAfterMs}ms`,
    `onIdle: ${onIdle}`,
    ...(isSpread(workload) ? [] : ['partitionedBy: key']),
  ]
  return `{ ${fields.join(', ')} }`
}

function sourcesText(workload: Workload): string {
  const texts = firstsOf(workload).map((_, i) => sourceText(workload, SOURCES[i] ?? SOURCES[0]))
  const [first = ''] = texts
  if (texts.length === 1) return `source: ${first}`
  return `sources: { ${texts.map((text, i) => `${'abc'[i]}: ${text}`).join(', ')} }`
}

const AGGREGATES = 'aggregate: { orders: count(), total: sum(amount), most: max(amount) }'
const OF_ROWS = 'aggregate: { orders: sum(orders), total: sum(total), most: max(most) }'
const AGAIN = { key: ['keyBy: key'], half: ['keyBy: key < "k4"'], all: [] } as const

function pipelineOf(workload: Workload): string[] {
  const { kind, windowMs, slideMs, latenessMs, emit, again, pattern, having } = workload
  const behind = having > 0 ? [`filter: total >= ${having}`] : []
  const windowed = (size: string, shows: string) => [
    'keyBy: key',
    `window: { ${size}, allowedLateness: ${latenessMs}ms${shows} }`,
    AGGREGATES,
  ]
  switch (kind) {
    case 'joined':
    case 'chained':
      return []
    case 'rows':
      return ['filter: amount >= 0', 'compute: { doubled: amount * 2 }']
    case 'ordered':
      return ['keyBy: key', `changes: { of: amount >= ${TURNS_AT} }`]
    case 'pattern':
      return ['keyBy: key', ...(pattern === undefined ? [] : [patternText(pattern, windowMs)])]
    case 'sessions':
      return [...windowed(`session: ${windowMs}ms`, emitText(emit)), ...behind]
    case 'staged': {
      const { times = 2, by = 'all' } = again ?? {}
      const outer = `window: { tumbling: ${times * windowMs}ms${emitText(emit)} }`
      return [...windowed(`tumbling: ${windowMs}ms`, ''), ...AGAIN[by], outer, OF_ROWS, ...behind]
    }
    case 'hopping':
      return [...windowed(`hopping: ${windowMs}ms, every: ${slideMs}ms`, emitText(emit)), ...behind]
    case 'keyed':
    case 'shuffled':
      return [...windowed(`tumbling: ${windowMs}ms`, emitText(emit)), ...behind]
  }
}

/** @param revision a later one takes as many records as the first; only its text, and so its operators, are others */
export function jobText(workload: Workload, revision = 0): string {
  const { kind, quorum, sourcePartitions, maxCutAgeMs } = workload
  const { shufflePartitions = Math.max(1, 3 - sourcePartitions) } = workload
  const pipeline = pipelineOf(workload)
  const joins = kind === 'joined' || kind === 'chained'
  // A row of one record alone may have no amount.
  if (revision > 0) pipeline.unshift(joins ? `filter: key != "none${revision}"` : `filter: amount >= -${revision}`)
  return [
    `name: ${JOB}`,
    sourcesText(workload),
    ...(joins ? [joinsText(workload)] : []),
    pipeline.length === 0 ? 'pipeline: []' : 'pipeline:',
    ...pipeline.map((line) => `  - ${line}`),
    `sinks: [ ${workload.sinks.map((sink, index) => sinkText(workload, sink, index)).join(', ')} ]`,
    `quorum: { replicas: ${quorum.replicas}, write: ${quorum.write}, read: ${quorum.read} }`,
    ...(kind === 'keyed' || kind === 'hopping' || kind === 'rows'
      ? []
      : [`shuffle: { partitions: ${shufflePartitions} }`]),
    `maxCutAge: ${maxCutAgeMs}ms`,
    '',
  ].join('\n')
}
