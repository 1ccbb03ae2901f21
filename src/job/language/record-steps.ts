/** Steps of single records, the key and the aggregates: which names each of them reads, and whether records have them. */
import type { AggregatePlan, ExpressionPlan, StepPlan } from '../../../operators/index.ts'
import { type PipelineDocument, pathOfSource, type SourceDocument } from '../document.ts'
import { pathOfPointer } from '../text/read.ts'
import { RecordNames } from './record-names.ts'
import { type Finding, type Reporter, report } from './words.ts'

type Tell = (path: readonly PropertyKey[], finding: Finding | undefined) => void

/**
 * Reports names that no record has: of a schema, or behind steps that say which there are.
 * @param selected what rows of a join have, where the pipeline takes those
 */
export function checkRecordNames(
  sources: readonly SourceDocument[],
  { steps, time, keyBy, aggregates, ordered }: PipelineDocument,
  reporter: Reporter,
  selected: readonly string[] | undefined,
): void {
  const tell: Tell = (path, finding) => {
    if (finding !== undefined) report(reporter, path, 'a name that records have', finding)
  }
  const behind = sources.map((source) => {
    const path = pathOfSource(source)
    const names = RecordNames.of(source.format)
    // An event's attributes are fields beside those of its data.
    if (source.envelope !== undefined) return undefined
    if (source.time.kind === 'field') tell([...path, 'time', 'field'], names.unknown(source.time.path))
    return followSteps(source.steps, names, [...path, 'pipeline'], tell)
  })
  const [only, ...others] = selected === undefined ? behind : [RecordNames.selected(selected)]
  if (only === undefined || others.length > 0) return
  const names = followSteps(steps, only, ['pipeline'], tell)
  const read = (plan: ExpressionPlan | undefined) => {
    if (plan !== undefined) tell(pathOfPointer(plan.pointer), names.unknownIn(plan.source))
  }
  if (time !== undefined) tell([...pathOfPointer(time.pointer), 'field'], names.unknown(time.path))
  for (const key of keyBy ?? []) read(key)
  // What patterns and the like read is their own.
  if (ordered !== undefined && aggregates.length === 0) return
  for (const aggregate of aggregates) readAggregate(aggregate, read)
}

function readAggregate({ kind, of, where }: AggregatePlan, read: (plan: ExpressionPlan | undefined) => void): void {
  // Made of several expressions, so that no character of it is one of the document.
  if (kind !== 'maxBy' && kind !== 'minBy' && kind !== 'topBy' && kind !== 'own') read(of)
  read(where)
}

function followSteps(
  steps: readonly StepPlan[],
  names: RecordNames,
  path: readonly PropertyKey[],
  tell: Tell,
): RecordNames {
  return steps.reduce((known, step, index) => {
    readStep(step, known, (below, finding) => tell([...path, index, ...below], finding))
    return known.after(step)
  }, names)
}

function readStep(step: StepPlan, names: RecordNames, tell: Tell): void {
  switch (step.kind) {
    case 'filter':
      tell(['filter'], names.unknownIn(step.where.source))
      return
    case 'map': {
      const kind = step.keep ? 'compute' : 'map'
      for (const [name, { source }] of Object.entries(step.fields)) tell([kind, name], names.unknownIn(source))
      return
    }
    case 'project':
      for (const name of step.fields) tell(['project'], names.unknown([name]))
      return
    case 'rename':
      for (const [name, old] of Object.entries(step.fields)) tell(['rename', name], names.unknown([old]))
      return
    case 'cast':
      for (const name of Object.keys(step.fields)) tell(['cast', name], names.unknown([name]))
      return
    case 'explode':
      tell(['explode', 'list'], names.unknownIn(step.list.source))
      return
    case 'drop':
      // Taken away where a record has them.
      return
  }
}
