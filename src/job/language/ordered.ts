/** Steps that see the records of a key in order: windows of records, rolling aggregates, dedupe, changes and patterns. */
import type { z } from 'zod'
import type { ExpressionPlan, OrderedPlan } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'
import { expression } from './expressions.ts'
import { pattern, patternPlan, patternTexts } from './pattern.ts'
import { duration, flag, wholeNumber } from './values.ts'
import { oneOf, report, rule, strict } from './words.ts'

const TIME = { least: '1ms', most: '520w' }

const records = (most: number) => wholeNumber(`a whole number of records from 1 to ${most}`, 1, most)

export const countWindow = () =>
  strict('a window such as { count: 100 }', {
    count: records(JOB_LIMITS.countWindow).meta({
      description: 'Records of a key that a window holds.',
      examples: [100],
    }),
    slide: records(JOB_LIMITS.countWindow).optional().meta({
      description: 'Records from the first of a window to the first of the next; as many as it holds if absent.',
    }),
    emitPartial: flag()
      .prefault(false)
      .meta({ description: 'Windows that are not full have rows too, when the source falls silent and when it ends.' }),
  }).check(
    rule<{ count: number; slide?: number | undefined }>(['count', 'slide'], ({ count, slide = count }, reporter) => {
      const windows = Math.ceil(count / slide)
      if (windows <= JOB_LIMITS.windowsPerRecord) return
      const sentence = `expected a record to be in at most ${JOB_LIMITS.windowsPerRecord} windows; it would be in ${windows}`
      report(reporter, ['slide'], 'a longer slide', { sentence, suggestion: 'choose a longer slide' })
    }),
  )

export const slidingWindow = () =>
  strict('a window such as { sliding: 5s }', {
    sliding: duration(TIME).meta({
      description: 'Records of a key that are at most this far apart are in a window together; both ends are included.',
      examples: ['5s'],
    }),
    allowedLateness: duration({ most: '520w' })
      .prefault('0s')
      .meta({ description: 'How long after the watermark records are still taken. Rows come so much later.' }),
  })

type OrderedWindow = z.output<ReturnType<typeof countWindow>> | z.output<ReturnType<typeof slidingWindow>>

export const isOrderedWindow = (window: object): window is OrderedWindow => 'count' in window || 'sliding' in window

export function orderedWindowPlan(window: OrderedWindow): OrderedPlan {
  if ('sliding' in window) return { kind: 'sliding', differenceMs: window.sliding, graceMs: window.allowedLateness }
  const { count: size, slide = size, emitPartial } = window
  return { kind: 'count', size, slide, emitPartial }
}

const rolling = () =>
  oneOf('last or within, such as { last: 10 } or { within: 5m }', {
    last: records(JOB_LIMITS.rollingRecords)
      .optional()
      .meta({ description: 'Over so many records, up to the one that the row is for.', examples: [10] }),
    within: duration(TIME)
      .optional()
      .meta({ description: 'Over the records of so much time, up to the one that the row is for.', examples: ['5m'] }),
  })

const dedupe = () =>
  strict('what is the same and for how long, such as { by: orderId, within: 10m }', {
    by: expression('what makes two records the same, such as orderId').meta({
      description: 'Records with the same value of this are the same.',
    }),
    within: duration(TIME).meta({
      description: 'Event time after the first of them in which others are left out.',
      examples: ['10m'],
    }),
  })

const changes = () =>
  strict('what has to change, such as { of: status }', {
    of: expression('what has to change, such as status').meta({
      description: 'A record passes where this is not what it was in the record before of its key.',
    }),
  })

/** Steps of a pipeline, in place of a window. */
export const orderedSteps = () => ({
  rolling: rolling().optional().meta({ description: 'A row for each record, with aggregates over those before it.' }),
  dedupe: dedupe().optional().meta({ description: 'Lets pass the first of records that are the same.' }),
  changes: changes().optional().meta({ description: 'Lets pass the records in which something has changed.' }),
  pattern: pattern().optional().meta({ description: 'A row for each sequence of records that is found.' }),
})

export const ORDERED_STEPS = ['rolling', 'dedupe', 'changes', 'pattern'] as const

/** Those that have no aggregates, with what they make. */
export const WITHOUT_AGGREGATES: Readonly<Record<string, string>> = {
  dedupe: 'passes records on as they are',
  changes: 'passes records on as they are',
  pattern: 'makes rows of its matches',
}

type OrderedShapes = {
  [Name in keyof ReturnType<typeof orderedSteps>]?: z.output<ReturnType<typeof orderedSteps>[Name]>
}

/** The plan of such a step, and the key that it has where there is no keyBy; undefined where the item is another step. */
export function orderedPlan(
  { rolling, dedupe, changes, pattern }: OrderedShapes,
  planOf: (source: string, ...names: readonly (string | number)[]) => ExpressionPlan,
): { readonly ordered: OrderedPlan; readonly key?: ExpressionPlan } | undefined {
  if (rolling?.last !== undefined) return { ordered: { kind: 'rolling', last: rolling.last } }
  if (rolling?.within !== undefined) return { ordered: { kind: 'rolling', withinMs: rolling.within } }
  if (dedupe !== undefined) {
    const by = planOf(dedupe.by, 'dedupe', 'by')
    // What is the same may be anywhere unless it is grouped, and nothing else is compared.
    return { ordered: { kind: 'dedupe', by, withinMs: dedupe.within }, key: by }
  }
  if (pattern !== undefined) {
    return { ordered: patternPlan(pattern, (source, ...names) => planOf(source, 'pattern', ...names)) }
  }
  return changes === undefined ? undefined : { ordered: { kind: 'changes', of: planOf(changes.of, 'changes', 'of') } }
}

/** What such a step reads besides aggregates. */
export function orderedTexts(ordered: OrderedPlan | undefined): readonly string[] {
  if (ordered?.kind === 'pattern') return patternTexts(ordered)
  if (ordered?.kind === 'dedupe') return [ordered.by.source]
  return ordered?.kind === 'changes' ? [ordered.of.source] : []
}
