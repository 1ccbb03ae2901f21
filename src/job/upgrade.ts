/**
 * What a job may be upgraded to without losing its state: everything that is computed before records are grouped may
 * change, how the bytes of records are read as well, and so may waiting times and retention. What its state is made of, where it reads and where it writes, may not.
 */
import { canonicalText } from '../../mesh/index.ts'
import type { StagePlan } from '../../operators/index.ts'
import type { CompiledJob, SourcePlan } from './compiled.ts'
import { withPartitions } from './growth.ts'

/** The parts of a stage that its state and its output are made of. */
const KEPT: Readonly<Partial<Record<keyof StagePlan, string>>> = {
  input: 'what records are wrapped in, their event times and their disorder',
  keyBy: 'the key',
  window: 'the window',
  ordered: 'what is made of records in order',
  aggregates: 'the aggregates',
  output: 'how rows are passed on',
  next: 'what rows are grouped by next',
  cuts: 'where cuts fall',
}

/** What keeps `after` from going on with the state of `before`, in words; empty: nothing does. */
export function differences(before: CompiledJob, after: CompiledJob): string[] {
  const found: string[] = []
  const compare = (what: string, a: unknown, b: unknown) => {
    if (text(a) !== text(b)) found.push(what)
  }
  if (text(before.sources.map(nameOf)) !== text(after.sources.map(nameOf))) return ['the names of the sources']
  for (const [i, source] of before.sources.entries()) {
    const other = after.sources[i]
    const what = source.name === undefined ? 'source' : `source "${source.name}"`
    compare(`the topic of the ${what}`, source.topic, other?.topic)
    compare(`whether the ${what} is bounded`, source.endOffsets === undefined, other?.endOffsets === undefined)
    compare(`the number of partitions of the ${what}`, source.partitions, other?.partitions)
    compare(
      `${KEPT.input} of the ${what}`,
      source.stage && keptOf(source.stage, 'input'),
      other?.stage && keptOf(other.stage, 'input'),
    )
    compare(`${KEPT.keyBy} of the ${what}`, source.stage?.keyBy, other?.stage?.keyBy)
  }
  compare('the partitions of the shuffle', before.shuffle?.partitions, after.shuffle?.partitions)
  compare('the sinks', before.sinks, after.sinks)
  compare('the topic of dead letters', before.deadLetters, after.deadLetters)
  compare('the quorum', before.quorum, after.quorum)
  if (before.stages.length !== after.stages.length) return [...found, 'the number of stages']
  for (const [index, stage] of before.stages.entries()) {
    const other = after.stages[index]
    for (const [name, what] of Object.entries(KEPT)) {
      compare(before.stages.length === 1 ? what : `${what} of stage ${index}`, keptOf(stage, name), keptOf(other, name))
    }
  }
  return found
}

const nameOf = ({ name }: SourcePlan): string | undefined => name

/**
 * Formats and their schemas may change: state is made of values, however their bytes were read. What dead letters call the sources
 * follows from their topics, which are compared.
 */
function keptOf(stage: StagePlan | undefined, name: string): unknown {
  if (name !== 'input' || stage === undefined) return stage?.[name as keyof StagePlan]
  const { among: _, ...input } = stage.input
  if (input.kind === 'slices') return input
  const { format: __, ...read } = input
  return read
}

/** Without the places in the documents, which move when a step is put in. */
const text = (value: unknown): string =>
  canonicalText(JSON.parse(JSON.stringify(value ?? null, (name, each) => (name === 'pointer' ? undefined : each))))

/** The next revision: what may change from `after`, and the rest as it is, partitions that came later among it. */
export function upgraded(before: CompiledJob, after: CompiledJob): CompiledJob {
  const { stages, maxCutAgeMs, retentionMs } = after
  const sources = before.sources.map((source, i): SourcePlan => {
    const { ownSteps: _, stage: __, ...kept } = source
    const { idleAfterMs, ownSteps, stage } = after.sources[i] ?? source
    return {
      ...kept,
      idleAfterMs,
      ...(ownSteps === undefined ? {} : { ownSteps }),
      ...(stage === undefined ? {} : { stage }),
    }
  })
  const next = { ...before, sources, stages, maxCutAgeMs, retentionMs }
  return withPartitions(
    next,
    sources.map(({ partitions }) => partitions),
  )
}
