/** JSON Schemas for editors: what parse.ts checks, as far as JSON Schema can say it. Published in configs/. */
import { z } from 'zod'
import { job } from './language/job.ts'
import { quorum } from './language/quorum.ts'

/** Of a job document. Draft 2020-12. */
export const jobJsonSchema = (): Record<string, unknown> => schemaOf('A Quorate job', job())

/** Of a quorum file that job documents name. */
export const quorumJsonSchema = (): Record<string, unknown> => schemaOf('A Quorate quorum', quorum())

function schemaOf(title: string, type: z.ZodType): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(type, { target: 'draft-2020-12', io: 'input' })
  return { $schema, title, ...schema }
}
