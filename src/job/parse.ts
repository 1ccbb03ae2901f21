/**
 * Text to job document, the same for lint, test, explain and submit: reads any format, checks everything that can be checked
 * without a cluster, and throws all faults at once.
 */
import { createStage, whileChecking } from '../../operators/index.ts'
import { type Checked, check } from './check.ts'
import type { QuorumPlan } from './compiled.ts'
import type { JobDocument, JobFormat } from './document.ts'
import { JobInvalidError } from './errors.ts'
import { locate } from './faults.ts'
import { withFunctions } from './functions.ts'
import { type JobParts, job, sourcesOf } from './language/job.ts'
import { withJoin } from './language/join.ts'
import { withJoins } from './language/joins.ts'
import { withColumns } from './language/parquet-columns.ts'
import { type LoadFile, referenceIn, resolveQuorum, withQuorum } from './reference.ts'
import { placeSchemas, withSchemas } from './schema-files.ts'
import { stagesOf } from './stages.ts'
import { readTree, unmarked } from './text/read.ts'
import type { TextFault } from './text/tree.ts'

const SCHEMA = job()

/**
 * @param file how messages call the document, such as its path
 * @param load reads the quorum file that a document on disk may name; without it such a reference is a fault
 * @throws JobInvalidError with every fault
 */
export function parseJob(text: string, format: JobFormat, file: string, load?: LoadFile): JobDocument {
  return whileChecking(() => parseChecked(text, format, file, load))
}

function parseChecked(text: string, format: JobFormat, file: string, load: LoadFile | undefined): JobDocument {
  const checked = check(text, format, SCHEMA, (root) => placeSchemas(root, load))
  const quorum = quorumOf(checked, file, load)
  const { value, faults } = checked
  if (value === undefined || quorum === undefined) throw new JobInvalidError(file, faults)
  const document = withFunctions(documentOf(value, quorum))
  compileAll(document)
  if (load !== undefined) checkWhole(text, format, file, load)
  return document
}

/** With the schemas of its files in it, a document must stay within the bounds: that is how a peer gets it. */
function checkWhole(text: string, format: JobFormat, file: string, load: LoadFile): void {
  const whole = selfContained(text, format, file, load)
  const { faults } = whole === unmarked(text) ? { faults: [] } : check(whole, format, SCHEMA)
  const [fault] = faults
  if (fault === undefined) return
  const message = `with the contents of the files that it names, this document is not valid: ${fault.message}`
  throw new JobInvalidError(file, locate(text, [{ offset: 0, message }]))
}

/**
 * The text of a document as it can be sent to a peer, which reads no files: what the files hold that it names is put in their
 * place. Lines behind a quorum file may move. Nothing else is checked.
 * @throws JobInvalidError when a file cannot be read, or a quorum file has faults
 */
export function selfContained(given: string, format: JobFormat, file: string, load: LoadFile): string {
  const named = unmarked(given)
  const tree = readTree(named, format).root
  const text = tree === undefined ? named : withSchemas(named, format, tree, load)
  const { root } = readTree(text, format)
  const reference = root === undefined ? undefined : referenceIn(root)
  if (reference === undefined) return text
  const quorum = resolveQuorum(reference, load)
  if (isFaults(quorum)) throw new JobInvalidError(file, locate(text, quorum))
  return withQuorum(text, format, reference, quorum)
}

const isFaults = (resolved: QuorumPlan | readonly TextFault[]): resolved is readonly TextFault[] =>
  Array.isArray(resolved)

/** Undefined when the document has no sound quorum, for which it has faults. */
function quorumOf(checked: Checked<JobParts>, file: string, load: LoadFile | undefined): QuorumPlan | undefined {
  const { text, root, value, faults } = checked
  const reference = root === undefined ? undefined : referenceIn(root)
  if (reference !== undefined) {
    const resolved = resolveQuorum(reference, load)
    if (!isFaults(resolved)) return resolved
    throw new JobInvalidError(file, [...faults, ...locate(text, resolved)])
  }
  return value === undefined || 'file' in value.quorum ? undefined : value.quorum
}

function documentOf(parts: JobParts, quorum: QuorumPlan): JobDocument {
  const { name, join, joins, sinks, deadLetters, shuffle, maxCutAge, retention } = parts
  const { pipeline } = parts
  const sources = sourcesOf(parts)
  return {
    name,
    ...(joins !== undefined
      ? withJoins(joins, sources, pipeline)
      : join === undefined
        ? { sources, pipeline }
        : withJoin(join, sources, pipeline)),
    sinks: sinks.map(({ where, ...target }) => ({
      ...withColumns(target, pipeline),
      ...(where === undefined ? {} : { where }),
    })),
    ...(deadLetters === undefined ? {} : { deadLetters: withColumns(deadLetters, undefined) }),
    quorum,
    ...(shuffle === undefined ? {} : { shufflePartitions: shuffle.partitions }),
    maxCutAgeMs: maxCutAge,
    retentionMs: retention,
  }
}

/** What the schema took, the operators take: as a job of one partition a source, and of several. */
function compileAll(document: JobDocument): void {
  for (const partitions of [1, 2]) {
    const { stages, others } = stagesOf(
      document,
      document.sources.map(() => partitions),
    )
    for (const stage of [...stages, ...others]) createStage(stage, { partition: 0 })
  }
}
