/** `quorate explain`: what a job becomes, as text or as a Mermaid graph. */

import { QuorateError } from '../errors.ts'
import type { Explanation } from '../job/explain.ts'
import { DOCUMENT_OPTIONS, readJobDocument } from './documents.ts'
import { EXIT } from './exit.ts'
import { mermaidOf } from './mermaid.ts'
import type { Output } from './output.ts'
import { parseDocument } from './parse-document.ts'
import type { Verb } from './verb.ts'

const MOST_PARTITIONS = 10_000
/** Enough to show a shuffle, where there would be one. */
const ASSUMED_PARTITIONS = 3

export const verb: Verb = {
  summary: 'What a job becomes: stages, shuffles and why, units, guarantees',
  description: 'Asks no peer. How many partitions a source has is for --partitions to say.',
  args: [
    {
      name: 'FILE',
      required: true,
      help: 'YAML, TOML, JSON, SQL, or a module that builds a job; - reads standard input',
    },
  ],
  options: {
    ...DOCUMENT_OPTIONS,
    partitions: {
      type: 'string',
      placeholder: 'COUNT',
      help: `Partitions of each source; default ${ASSUMED_PARTITIONS}`,
    },
    mermaid: { type: 'boolean', help: 'A graph in the language of Mermaid, for documentation' },
  },
  examples: [
    { command: 'quorate explain delays.yaml --partitions 12', what: 'in words' },
    { command: 'quorate explain delays.yaml --mermaid > delays.mmd', what: 'as a graph' },
  ],
  run: async ({ args: [path = ''], options, output }) => {
    const { explainJob } = await import('./job-language.ts')
    const partitions = partitionsOf(options.string('partitions'))
    const explanation = explainJob(await parseDocument(await readJobDocument(path, options)), partitions)
    if (options.flag('mermaid')) output.line(mermaidOf(explanation.graph))
    else if (output.format !== 'text') output.json(explanation)
    else show(output, explanation, options.string('partitions') === undefined)
    return EXIT.ok
  },
}

function partitionsOf(given: string | undefined): number {
  if (given === undefined) return ASSUMED_PARTITIONS
  const count = Number(given)
  if (/^\d+$/.test(given) && count >= 1 && count <= MOST_PARTITIONS) return count
  throw new QuorateError(
    'QRT_USAGE',
    `--partitions: expected a whole number from 1 to ${MOST_PARTITIONS}, found "${given}"`,
  )
}

const MARGIN = 12

const stepLine = ({ step, text }: { readonly step: string; readonly text: string }): string =>
  `${step.padEnd(14)}${text}`

function show(
  output: Output,
  { job, quorum, sources, graph, shuffle, laterShuffles = [], units, state, sinks }: Explanation,
  assumed: boolean,
): void {
  const entry = (name: string, ...lines: readonly string[]): void => {
    lines.forEach((line, i) => {
      output.line(`${output.paint('bold', (i === 0 ? name : '').padEnd(MARGIN))}${line}`)
    })
  }
  entry('job', job, quorum.says)
  for (const { name, topic, format, partitions, says } of sources) {
    const count = `${partitions} partition${partitions === 1 ? '' : 's'}${assumed ? ' (assumed)' : ''}`
    const steps = graph.find(({ id }) => id === `source ${name}`)?.steps ?? []
    const called = name === undefined || name === topic ? topic : `${name}: ${topic}`
    entry('source', `${called}, ${format}, ${count}`, says, ...steps.map(stepLine))
  }
  const reasons = [shuffle.why, ...laterShuffles]
  for (const node of graph) {
    if (node.kind === 'stage') {
      entry(node.name, `${node.partitions} units`, ...(node.steps ?? []).map(stepLine))
    } else if (node.kind === 'shuffle') entry('shuffle', `${node.partitions} partitions: ${reasons.shift()}`)
  }
  if (!shuffle.needed) entry('no shuffle', shuffle.why)
  const total = units.reduce((sum, each) => sum + each, 0)
  entry(
    'units',
    `${total}, each on ${quorum.replicas} peer${quorum.replicas === 1 ? '' : 's'}: ${total * quorum.replicas} replicas in the cluster`,
  )
  entry('state', state)
  for (const { name, guarantee } of sinks)
    entry(name === 'queries' ? 'queries' : 'sink', ...(name === 'queries' ? [guarantee] : [name, guarantee]))
}
