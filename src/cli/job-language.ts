/** The only place of the command line that names the compiler of job documents. */
export { inModule, isJob } from '../builder/check.ts'
export { explainJob } from '../job/explain.ts'
export { parseJob, selfContained } from '../job/parse.ts'
export { loadBeside } from '../job/reference.ts'
export { withSubject } from '../job/registry.ts'
export { jobJsonSchema } from '../job/schema.ts'
