/** Steps that change the shape of a record without an expression: project, drop, rename, cast; and explode, which has one. */
import { z } from 'zod'
import type { CastType } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'
import { expression } from './expressions.ts'
import { fieldName } from './values.ts'
import { expects, type Reporter, report, requires, rule, strict } from './words.ts'

const MANY = `at most ${JOB_LIMITS.fields} fields`

/** Names of fields at the top of a record, each once. */
const names = (what: string) =>
  z
    .array(fieldName(), requires(what))
    .min(1, expects(what))
    .max(JOB_LIMITS.fields, expects(MANY))
    .check(
      z.superRefine((list, reporter) => {
        list.forEach((name, i) => {
          if (list.indexOf(name) === i) return
          report(reporter, [i], 'another field', { sentence: `the field "${name}" stands here twice` })
        })
      }),
    )

function checkCount(what: string) {
  return z.superRefine<Record<string, unknown>>((value, reporter) => {
    const count = Object.keys(value).length
    if (count === 0) report(reporter, [], what)
    if (count > JOB_LIMITS.fields) report(reporter, [], MANY)
  })
}

const RENAMED = 'new names with the old ones, such as { airport: origin }'

const rename = () =>
  z.record(fieldName(), fieldName(), expects(RENAMED)).check(
    checkCount(RENAMED),
    z.superRefine((value, reporter) => {
      const seen = new Set<string>()
      for (const [name, old] of Object.entries(value)) {
        if (seen.has(old)) {
          const sentence = `the field "${old}" is renamed here already`
          report(reporter, [name], 'another field', { sentence, suggestion: 'copy a field with compute' })
        }
        seen.add(old)
      }
    }),
  )

const TYPES: readonly CastType[] = ['integer', 'number', 'text', 'boolean']
const TYPE = '"integer", "number", "text" or "boolean"'
const CASTS = 'fields with their new types, such as { delay: integer }'

const cast = () => z.record(fieldName(), z.enum(TYPES, expects(TYPE)), expects(CASTS)).check(checkCount(CASTS))

const EXPLODE = 'a list and the name of its items, such as { list: order.items, as: item }'

const explode = () =>
  strict(EXPLODE, {
    list: expression('an expression that gives a list').meta({
      description: 'The list; each of its items makes a record of its own.',
      examples: ['order.items'],
    }),
    as: fieldName().meta({ description: 'The field that an item is in.', examples: ['item'] }),
    index: fieldName().optional().meta({ description: 'The field with the place of the item in the list, from 0.' }),
  }).check(
    rule(['as', 'index'], ({ as, index }: { as: string; index?: string | undefined }, reporter: Reporter) => {
      if (as !== index) return
      report(reporter, ['index'], 'another name', { sentence: `the item itself is in the field "${as}" already` })
    }),
  )

/** The fields of the steps, for the schema of a step. */
export const reshapingSteps = () => ({
  project: names('names of fields, such as [origin, delay]')
    .optional()
    .meta({ description: 'Keeps these fields and no others.', examples: [['origin', 'delay']] }),
  drop: names('names of fields, such as [delay]')
    .optional()
    .meta({ description: 'Takes these fields away, where they are.', examples: [['delay']] }),
  rename: rename()
    .optional()
    .meta({ description: 'New names, each with the old one.', examples: [{ airport: 'origin' }] }),
  cast: cast()
    .optional()
    .meta({ description: 'Gives fields another type; null stays null.', examples: [{ delay: 'integer' }] }),
  explode: explode()
    .optional()
    .meta({
      description: 'Makes a record of each item of a list, with the other fields beside it.',
      examples: [{ list: 'order.items', as: 'item' }],
    }),
})
