/** When rows of windows come: at the close, or before it as well. */
import { z } from 'zod'
import type { EmitPlan } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'
import { duration, text, wholeNumber } from './values.ts'
import { expects, oneOf } from './words.ts'

const WHAT = 'onClose, onUpdate, { every: 10s } or { count: 100 }'

const early = () =>
  oneOf('every or count', {
    every: duration({ least: '1ms', most: '520w' })
      .optional()
      .meta({ description: 'Of event time: rows of what has changed, at each line of this grid.', examples: ['10s'] }),
    count: wholeNumber(`a whole number from 1 to ${JOB_LIMITS.emitRecords}`, 1, JOB_LIMITS.emitRecords)
      .optional()
      .meta({ description: 'Records of a key since its last row.', examples: [100] }),
  }).transform(({ every, count }): EmitPlan | undefined => {
    if (every !== undefined) return { kind: 'every', everyMs: every }
    return count === undefined ? undefined : { kind: 'count', records: count }
  })

/** Undefined after parsing: at the close only. */
export const emit = () =>
  z
    .union(
      [
        // A text first: what is written as an object is meant to be one of the others.
        text(WHAT)
          .check(z.regex(/^(onClose|onUpdate)$/, expects(WHAT)))
          .meta({ enum: ['onClose', 'onUpdate'] })
          .transform((mode): EmitPlan | undefined => (mode === 'onUpdate' ? { kind: 'update' } : undefined)),
        early(),
      ],
      expects(WHAT),
    )
    .prefault('onClose')
    .meta({
      description:
        'When rows come: at the close of the window, and before it with every change, on a grid of event time, or with so many records.',
      examples: ['onUpdate', { every: '10s' }],
    })
