/** The shape of a join in a stored job. */
import { z } from 'zod'
import type { ExpressionPlan, JoinPlan, StepPlan } from '../../operators/index.ts'
import { JOB_LIMITS } from './limits.ts'

const milliseconds = z.int().min(0)
const text = z.string().max(1_024)

export const joinSchema = (expression: z.ZodType<ExpressionPlan>, step: z.ZodType<StepPlan>): z.ZodType<JoinPlan> =>
  z.strictObject({
    kind: z.literal('join'),
    names: z.strictObject({ left: text, right: text }),
    rows: z.exactOptional(z.array(text).min(1).max(JOB_LIMITS.sources)),
    type: z.enum(['inner', 'left', 'right', 'outer']),
    match: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('within'), beforeMs: milliseconds, afterMs: milliseconds }),
      z.strictObject({ kind: z.literal('window'), sizeMs: z.int().min(1), offsetMs: milliseconds }),
      z.strictObject({
        kind: z.literal('table'),
        tables: z.enum(['right', 'both']),
        delete: z.exactOptional(
          z.strictObject({ left: z.exactOptional(expression), right: z.exactOptional(expression) }),
        ),
      }),
    ]),
    select: z.record(text, expression),
    steps: z.array(step).max(JOB_LIMITS.steps),
  })
