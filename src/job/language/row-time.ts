/** `time` before another stage: which field of rows says when they happened, in place of the time that they have by themselves. */
import type { RowTimePlan } from '../../../operators/index.ts'
import { type PipelineDocument, type RoundDocument, roundsOf } from '../document.ts'
import { pathOfPointer, pointerOf } from '../text/read.ts'
import { namesAfter } from './row-steps.ts'
import { timeField } from './time-field.ts'
import { duration } from './values.ts'
import { type Reporter, report, strict } from './words.ts'

export const rowTime = () =>
  strict('where rows say when they happened, such as { field: began, within: 1d }', {
    ...timeField(),
    within: duration({ most: '520w' }).meta({
      description:
        'How much before the end of its window, or the record that it was made at, a row may say that it happened. The next stage waits so long.',
      examples: ['1d'],
    }),
  })

export function rowTimePlan(
  { field, pattern, within }: { field: string; pattern?: string | undefined; within: number },
  step: number,
): RowTimePlan {
  return {
    path: field.split('.'),
    ...(pattern === undefined ? {} : { pattern }),
    withinMs: within,
    pointer: pointerOf(['pipeline', step, 'time']),
  }
}

/** Records say when they happened at their source, and rows only where another stage takes them. */
export function checkFirstTime(
  { pipeline, joined }: { readonly pipeline: PipelineDocument; readonly joined: boolean },
  reporter: Reporter,
): void {
  const { time, keyBy } = pipeline
  if (time === undefined || (joined && keyBy !== undefined)) return
  const [sentence, suggestion] = joined
    ? ['without keyBy the rows of a join stay in its stage, and have the time of their later record', 'add keyBy']
    : [
        'the source says when its records happened; a step says so of rows that another stage takes',
        'move it to source',
      ]
  report(reporter, pathOfPointer(time.pointer), 'no time here', { sentence, suggestion, atName: true })
}

/** Of rows that aggregates give all names are known. */
export function checkRowTimes(pipeline: PipelineDocument, reporter: Reporter): void {
  const rounds = roundsOf(pipeline)
  rounds.forEach(({ time }: RoundDocument, i) => {
    const before = rounds[i - 1]
    if (time === undefined || before === undefined || before.aggregates.length === 0) return
    const names = namesAfter(before)
    if (names.has(time.path)) return
    const finding = names.missing(time.path.join('.'))
    report(reporter, [...pathOfPointer(time.pointer).slice(1), 'field'], 'a name that rows have', finding)
  })
}
