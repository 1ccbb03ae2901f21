/** A field that says when something happened: of a record at its source, or of a row before another stage. */
import { z } from 'zod'
import { expressionErrorIn, findingFor } from './expressions.ts'
import { pattern } from './values.ts'
import { report } from './words.ts'

const FIELD = 'the name of a field such as date, or a path such as order.placedAt'

const timePattern = () =>
  pattern('a time pattern of at most 64 characters, such as yyyy/MM/dd HH:mm', /^.{1,64}$/u).check(
    z.superRefine((value, reporter) => {
      const error = expressionErrorIn({
        input: {
          kind: 'records',
          format: 'json',
          time: { kind: 'field', path: ['t'], pattern: value },
          outOfOrdernessMs: 0,
        },
      })
      if (error !== undefined) report(reporter, [], 'a time pattern', findingFor(error, value))
    }),
  )

export const timeField = () => ({
  field: pattern(FIELD, /^[^.\p{Cc}]{1,128}(?:\.[^.\p{Cc}]{1,128}){0,7}$/u).meta({
    description: 'Epoch milliseconds, or an ISO 8601 text; UTC unless the text says otherwise.',
    examples: ['date', 'order.placedAt'],
  }),
  pattern: timePattern()
    .optional()
    .meta({
      description: 'For texts that are not ISO 8601: yyyy MM dd HH mm ss SSS; other letters in single quotes. UTC.',
      examples: ['yyyy/MM/dd HH:mm'],
    }),
})
