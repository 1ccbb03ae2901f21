/**
 * Whether records of one key are in one partition already, so that a window needs no shuffle. `partitionedBy` speaks of the
 * records of the topic and `keyBy` of records after the steps, so the same text means the same only where no step before
 * gave one of its names to something else.
 */
import type { StepPlan } from '../../operators/index.ts'
import type { JobDocument, PipelineDocument, SourceDocument } from './document.ts'

const WORD = /[A-Za-z_][A-Za-z0-9_]*/g

/** All that could be names of fields in an expression, and more: functions and words inside texts as well. */
export const wordsOf = (source: string): readonly string[] => source.match(WORD) ?? []

/** Partitions of several topics are never one unit, however each is partitioned. Rows that are grouped again have a shuffle in any case. */
export function isPartitioned({ sources, pipeline }: Pick<JobDocument, 'sources' | 'pipeline'>): boolean {
  const [source, another] = sources
  if (source === undefined || another !== undefined || pipeline.next !== undefined) return false
  return keepsPartitioning(source, pipeline)
}

/**
 * True when keyBy says the same as partitionedBy: the same expressions in the same order, letter by letter, and every step leaves
 * their words alone. A step does so when it does not make a field of that name (compute), or makes it of the field of that name.
 */
export function keepsPartitioning(source: SourceDocument, { keyBy, steps }: PipelineDocument): boolean {
  const { partitionedBy } = source
  if (keyBy === undefined || partitionedBy === undefined || keyBy.length !== partitionedBy.length) return false
  if (!keyBy.every((key, i) => key.source === partitionedBy[i])) return false
  const words = new Set(keyBy.flatMap((key) => wordsOf(key.source)))
  return steps.every((step) => leavesAlone(step, words))
}

function leavesAlone(step: StepPlan, words: ReadonlySet<string>): boolean {
  const all = [...words]
  switch (step.kind) {
    case 'filter':
      return true
    case 'map':
      return all.every((word) => {
        const made = Object.hasOwn(step.fields, word) ? step.fields[word] : undefined
        return made === undefined ? step.keep : made.source === word
      })
    case 'project':
      return all.every((word) => step.fields.includes(word))
    case 'drop':
      return !all.some((word) => step.fields.includes(word))
    case 'rename':
      return !Object.entries(step.fields)
        .flat()
        .some((name) => words.has(name))
    case 'cast':
      return !all.some((word) => Object.hasOwn(step.fields, word))
    case 'explode':
      return !words.has(step.as) && (step.index === undefined || !words.has(step.index))
  }
}
