/** Joins, for people: in the words of job documents. */
import { formatDuration, type JoinPlan } from '../../operators/index.ts'

export function joinText({ names, type, match }: JoinPlan): string {
  const both = `${type}, ${names.left} with ${names.right}`
  switch (match.kind) {
    case 'within':
      return match.beforeMs === match.afterMs
        ? `${both} within ${formatDuration(match.afterMs)}`
        : `${both} from ${formatDuration(match.beforeMs)} before to ${formatDuration(match.afterMs)} after it`
    case 'window':
      return `${both} in the same window of ${formatDuration(match.sizeMs)}`
    case 'table':
      return match.tables === 'both' ? `${both}, both as tables` : `${both} as a table`
  }
}

export function joinState({ names, match }: JoinPlan): string {
  switch (match.kind) {
    case 'within':
      return `the records of ${names.left} for ${formatDuration(match.afterMs)} and of ${names.right} for ${formatDuration(match.beforeMs)}`
    case 'window':
      return `the records of the last ${formatDuration(match.sizeMs)}`
    case 'table':
      return `the latest record of each key of ${match.tables === 'both' ? `${names.left} and of ${names.right}` : names.right}, for as long as the job runs`
  }
}
