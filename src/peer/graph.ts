/** A compiled job as a graph of what records pass through: for people, in the words of job documents. */
import {
  type AggregatePlan,
  type EmitPlan,
  type ExpressionPlan,
  formatDuration,
  type InputPlan,
  type NextPlan,
  type StagePlan,
  type StepPlan,
  type WindowPlan,
} from '../../operators/index.ts'
import type { SinkPlan } from '../commit/sink.ts'
import { sinkName } from '../commit/thread.ts'
import type { GraphNode } from '../http/api.ts'
import { type CompiledJob, plansOf, readerOf, shuffleBefore, unitsOfStage } from '../job/compiled.ts'
import { orderedStep } from './ordered-text.ts'

export function jobGraph(job: CompiledJob): GraphNode[] {
  const { sources, sinks, deadLetters, stages } = job
  const last = stages.length - 1
  const sinkNodes = sinks.map(
    (sink): GraphNode => ({
      id: sinkName(sink),
      kind: 'sink',
      name: sinkName(sink),
      ...whereOf(sink, stages[last]),
      to: [],
    }),
  )
  const letterNodes: GraphNode[] =
    deadLetters === undefined
      ? []
      : [{ id: `dead letters ${sinkName(deadLetters)}`, kind: 'deadLetters', name: sinkName(deadLetters), to: [] }]
  const nodes: GraphNode[] = sources.map(({ name, topic, partitions, ownSteps = 0, stage = stages[0] }): GraphNode => {
    const steps = (stage?.steps ?? []).slice(0, ownSteps).map(stepText)
    // The sides of a join have keys of their own.
    if (stage?.ordered?.kind === 'join') steps.push(...keyOf(stage))
    return {
      id: name === undefined ? 'source' : `source ${name}`,
      kind: 'source',
      name: topic,
      partitions,
      ...(steps.length === 0 ? {} : { steps }),
      to: [stageId(0)],
    }
  })
  for (const plan of stages) {
    const behind = shuffleBefore(job, plan.stage + 1)
    const readers = plansOf(job).flatMap((each) => (each.stage === plan.stage ? (readerOf(each) ?? []) : []))
    const ends = readers.length === 0 ? sinkNodes.map(({ id }) => id) : [...new Set(readers)].sort().map(shuffleId)
    nodes.push({
      id: stageId(plan.stage),
      kind: 'stage',
      name: `stage ${plan.stage}`,
      partitions: unitsOfStage(job, plan.stage),
      steps: stepsOf(plan.stage === 0 ? { ...plan, steps: plan.steps.slice(sources[0]?.ownSteps ?? 0) } : plan),
      ...windowOf(plan.window),
      to: [...ends, ...letterNodes.map(({ id }) => id)],
    })
    if (behind === undefined) continue
    const { topic, partitions } = behind
    const id = shuffleId(plan.stage + 1)
    nodes.push({ id, kind: 'shuffle', name: topic, partitions, to: [stageId(plan.stage + 1)] })
  }
  return [...nodes, ...sinkNodes, ...letterNodes]
}

/** Which rows go there. */
function whereOf(sink: SinkPlan, stage: StagePlan | undefined): Pick<GraphNode, 'steps'> {
  if (sink.kind === 'shuffle' || sink.branch === undefined || stage?.output.kind !== 'rows') return {}
  const where = stage.output.branches?.[sink.branch - 1]
  return where === undefined ? {} : { steps: [{ step: 'where', text: where.source }] }
}

const stageId = (stage: number): string => `stage-${stage}`
/** By the stage that reads it. */
const shuffleId = (stage: number): string => (stage === 1 ? 'shuffle' : `shuffle-${stage}`)

/** Where clocks go back an hour. */
const LONGEST = { day: 90_000_000, week: 608_400_000, month: 2_682_000_000 } as const

/** Nothing of a window that has no size. */
function windowOf(window: WindowPlan | undefined): Pick<GraphNode, 'window'> {
  if (window === undefined || window.kind === 'global') return {}
  const { allowedLatenessMs } = window
  if (window.kind === 'session') return { window: { sizeMs: window.gapMs, allowedLatenessMs } }
  if (window.kind === 'calendar') return { window: { sizeMs: LONGEST[window.unit], allowedLatenessMs } }
  return { window: { sizeMs: window.sizeMs, slideMs: window.slideMs, allowedLatenessMs } }
}

type Step = NonNullable<GraphNode['steps']>[number]

const keyOf = ({ keyBy }: Pick<StagePlan, 'keyBy'>): readonly Step[] =>
  keyBy === undefined ? [] : [{ step: 'keyBy', text: keyBy.map(({ source }) => source).join(', ') }]

/** When rows happened that another stage takes, where they say so themselves. */
const timeOf = ({ time }: NextPlan): readonly Step[] =>
  time === undefined
    ? []
    : [{ step: 'time', text: `${time.path.join('.')}, at most ${formatDuration(time.withinMs)} before its own` }]

function stepsOf(plan: StagePlan): Step[] {
  const { input, output, steps, window, ordered, aggregates, after, next } = plan
  const merges = input.kind === 'slices'
  const all: Step[] = merges ? [{ step: 'merge', text: mergeText(input) }] : steps.map(stepText)
  // The stage behind the shuffle gets its keys with the partial aggregates.
  if (!merges && ordered?.kind !== 'join') all.push(...keyOf(plan))
  if (output.kind === 'shuffle' && output.carries === 'records' && next === undefined) {
    return [...all, { step: 'pass on', text: 'single records' }]
  }
  if (ordered !== undefined) all.push(orderedStep(ordered))
  if (ordered?.kind === 'join') {
    all.push({ ...stepText({ kind: 'map', fields: ordered.select, keep: false }), step: 'select' })
    all.push(...ordered.steps.map(stepText))
  }
  if (window !== undefined) all.push({ step: 'window', text: windowText(window) })
  if (output.kind === 'shuffle' && next === undefined) {
    return [...all, { step: 'pre-aggregate', text: aggregates.map(({ name }) => name).join(', ') }]
  }
  const made = aggregates.map((each) => ({ step: 'aggregate', text: aggregateText(each) }))
  const rows = [...all, ...made, ...(after ?? []).map(stepText)]
  if (next === undefined) return rows
  return [...rows, ...timeOf(next), ...keyOf(next), { step: 'pass on', text: 'rows that are final' }]
}

function mergeText({ sources, among, rowSources = 0 }: InputPlan & { readonly kind: 'slices' }): string {
  const direct = sources - rowSources
  const given = `what ${direct} partitions of the source${(among?.length ?? 1) === 1 ? '' : 's'} gave`
  const rows = `the rows of ${rowSources} units`
  return direct === 0 ? rows : rowSources === 0 ? given : `${rows}, and ${given}`
}

function stepText(step: StepPlan): Step {
  const pairs = (fields: Readonly<Record<string, string>>) =>
    Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', ')
  switch (step.kind) {
    case 'filter':
      return { step: 'filter', text: step.where.source }
    case 'map': {
      const fields = Object.entries(step.fields).map(([name, { source }]) => `${name}: ${source}`)
      return { step: step.keep ? 'compute' : 'map', text: fields.join(', ') }
    }
    case 'project':
    case 'drop':
      return { step: step.kind, text: step.fields.join(', ') }
    case 'rename':
    case 'cast':
      return { step: step.kind, text: pairs(step.fields) }
    case 'explode': {
      const index = step.index === undefined ? '' : `, index ${step.index}`
      return { step: 'explode', text: `${step.as}: ${step.list.source}${index}` }
    }
  }
}

function windowText(window: WindowPlan): string {
  const { allowedLatenessMs } = window
  const lateness = allowedLatenessMs === 0 ? [] : [`allowed lateness ${formatDuration(allowedLatenessMs)}`]
  return [...shapeText(window), ...lateness, ...emitText(window.emit)].join(', ')
}

function emitText(emit: EmitPlan | undefined): readonly string[] {
  switch (emit?.kind) {
    case undefined:
      return []
    case 'update':
      return ['emit onUpdate']
    case 'every':
      return [`emit every ${formatDuration(emit.everyMs)}`]
    case 'count':
      return [`emit every ${emit.records} records`]
  }
}

function shapeText(window: WindowPlan): readonly string[] {
  if (window.kind === 'session') return [`session ${formatDuration(window.gapMs)}`]
  if (window.kind === 'global') return [window.purge ? 'global, purged' : 'global']
  if (window.kind === 'calendar') return [`calendar ${window.unit}`, `zone ${window.zone}`]
  const { sizeMs, slideMs, offsetMs } = window
  const kind = sizeMs === slideMs ? 'tumbling' : 'hopping'
  const every = sizeMs === slideMs ? [] : [`every ${formatDuration(slideMs)}`]
  const offset = offsetMs === 0 ? [] : [`offset ${formatDuration(offsetMs)}`]
  return [`${kind} ${formatDuration(sizeMs)}`, ...every, ...offset]
}

function aggregateText({ name, kind, of, own, parameter, where }: AggregatePlan): string {
  const text = (expression: ExpressionPlan | undefined) => expression?.source ?? ''
  if (own !== undefined) {
    // Its arguments are a list, each on a line of its own.
    const args = text(of).slice(1, -1).replaceAll('\n', '')
    return `${name}: ${own.aggregate}(${args})${where === undefined ? '' : ` where ${text(where)}`}`
  }
  const second = parameter === undefined ? '' : `, ${parameter}`
  return `${name}: ${kind}(${text(of)}${second})${where === undefined ? '' : ` where ${text(where)}`}`
}
