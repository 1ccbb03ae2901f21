/** The only place of the command line that names the compiler of job documents. */
export { parseJob } from '../job/parse.ts'
export { jobJsonSchema } from '../job/schema.ts'
