/** Operators over records in order, for people: in the words of job documents. */
import { formatDuration, type OrderedPlan, type PatternPlan } from '../../operators/index.ts'
import { joinState, joinText } from './join-text.ts'

export function orderedStep(ordered: OrderedPlan): { readonly step: string; readonly text: string } {
  switch (ordered.kind) {
    case 'count': {
      const { size, slide, emitPartial } = ordered
      const sliding = slide === size ? '' : `, slide ${slide}`
      return { step: 'window', text: `count ${size}${sliding}${emitPartial ? ', partial ones too' : ''}` }
    }
    case 'sliding': {
      const lateness = ordered.graceMs === 0 ? '' : `, allowed lateness ${formatDuration(ordered.graceMs)}`
      return { step: 'window', text: `sliding ${formatDuration(ordered.differenceMs)}${lateness}` }
    }
    case 'rolling':
      return {
        step: 'rolling',
        text: 'last' in ordered ? `last ${ordered.last} records` : `within ${formatDuration(ordered.withinMs)}`,
      }
    case 'dedupe':
      return { step: 'dedupe', text: `${ordered.by.source} within ${formatDuration(ordered.withinMs)}` }
    case 'changes':
      return { step: 'changes', text: ordered.of.source }
    case 'pattern':
      return { step: 'pattern', text: patternText(ordered) }
    case 'join':
      return { step: 'join', text: joinText(ordered) }
  }
}

const SIGNS = { strict: ', ', relaxed: ' … ', relaxedAny: ' … any ' } as const

/** `small{2,} … not refund … large within 1m` */
function patternText({ stages, withinMs }: PatternPlan): string {
  const texts = stages.map(({ name, contiguity, negated, optional, least, most }, i) => {
    const times = least === 1 && most === 1 ? '' : `{${least}${most === least ? '' : `,${most ?? ''}`}}`
    return `${i === 0 ? '' : SIGNS[contiguity]}${negated ? 'not ' : ''}${name}${times}${optional ? '?' : ''}`
  })
  return `${texts.join('')}${withinMs === undefined ? '' : ` within ${formatDuration(withinMs)}`}`
}

/** What is held for a key besides the records that the watermark has not passed. */
export function orderedState(ordered: OrderedPlan): string {
  switch (ordered.kind) {
    case 'count':
      return `the aggregates of ${Math.ceil(ordered.size / ordered.slide)} windows for each key, for as long as the job runs`
    case 'sliding':
      return `the records of the last ${formatDuration(ordered.differenceMs)} for each key`
    case 'rolling':
      return 'last' in ordered
        ? `the last ${ordered.last} records of each key, for as long as the job runs`
        : `the records of the last ${formatDuration(ordered.withinMs)} for each key`
    case 'dedupe':
      return `each value of the last ${formatDuration(ordered.withinMs)}`
    case 'changes':
      return 'the last value of each key, for as long as the job runs'
    case 'join':
      return joinState(ordered)
    case 'pattern': {
      const { withinMs } = ordered
      const time =
        withinMs === undefined ? ', for as long as they may go on' : ` of the last ${formatDuration(withinMs)}`
      return `the partial matches of each key${time}`
    }
  }
}
