/** The document of a workload's job. */
import {
  isSpread,
  JOB,
  OTHER_SOURCE,
  passesRecords,
  SINK,
  type SinkKind,
  SOURCE,
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

function joinText({ joinBeforeMs, joinAfterMs }: Workload): string {
  const within = `within: { before: ${joinBeforeMs}ms, after: ${joinAfterMs}ms }`
  return `join: { left: a, right: b, on: key, ${within}, select: { key: a.key, amount: a.amount, other: b.amount } }`
}

/** @param revision a later one takes as many records as the first; only its text, and so its operators, are others */
export function jobText(workload: Workload, revision = 0): string {
  const { kind, windowMs, slideMs, latenessMs, quorum, sourcePartitions, otherFrom } = workload
  const shuffles = kind === 'shuffled' || kind === 'ordered' || kind === 'joined'
  const size = slideMs === windowMs ? `tumbling: ${windowMs}ms` : `hopping: ${windowMs}ms, every: ${slideMs}ms`
  const window = `{ ${size}, allowedLateness: ${latenessMs}ms${emitText(workload.emit)} }`
  const having = workload.having > 0 ? [`filter: total >= ${workload.having}`] : []
  const aggregates = 'aggregate: { orders: count(), total: sum(amount), most: max(amount) }'
  const pipeline: string[] =
    kind === 'joined'
      ? []
      : kind === 'rows'
        ? ['filter: amount >= 0', 'compute: { doubled: amount * 2 }']
        : kind === 'ordered'
          ? ['keyBy: key', `changes: { of: amount >= ${TURNS_AT} }`]
          : ['keyBy: key', `window: ${window}`, aggregates, ...having]
  if (revision > 0) pipeline.unshift(`filter: amount >= -${revision}`)
  return [
    `name: ${JOB}`,
    ...(otherFrom === sourcePartitions
      ? [`source: ${sourceText(workload, SOURCE)}`]
      : [`sources: { a: ${sourceText(workload, SOURCE)}, b: ${sourceText(workload, OTHER_SOURCE)} }`]),
    ...(kind === 'joined' ? [joinText(workload)] : []),
    pipeline.length === 0 ? 'pipeline: []' : 'pipeline:',
    ...pipeline.map((line) => `  - ${line}`),
    `sinks: [ ${workload.sinks.map((sink, index) => sinkText(workload, sink, index)).join(', ')} ]`,
    `quorum: { replicas: ${quorum.replicas}, write: ${quorum.write}, read: ${quorum.read} }`,
    ...(shuffles ? [`shuffle: { partitions: ${Math.max(1, 3 - sourcePartitions)} }`] : []),
    'maxCutAge: 1s',
    '',
  ].join('\n')
}
