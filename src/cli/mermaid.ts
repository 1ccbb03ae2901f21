/** The graph of a job in the language of Mermaid, which documentation renders. */
import type { GraphNode } from '../http/api.ts'

export function mermaidOf(graph: readonly GraphNode[]): string {
  const ids = new Map(graph.map(({ id }, i) => [id, `n${i}`]))
  const nodes = graph.map((node) => `  ${ids.get(node.id)}${shapeOf(node)}`)
  const edges = graph.flatMap(({ id, to }) => to.map((next) => `  ${ids.get(id)} --> ${ids.get(next)}`))
  return ['flowchart LR', ...nodes, ...edges].join('\n')
}

function shapeOf({ kind, name, partitions, steps = [] }: GraphNode): string {
  const count = partitions === undefined ? [] : [`${partitions} ${kind === 'stage' ? 'units' : 'partitions'}`]
  const title =
    kind === 'stage' || kind === 'shuffle'
      ? kind === 'stage'
        ? name
        : 'shuffle'
      : `${kind === 'deadLetters' ? 'dead letters' : kind}<br/>${escaped(name)}`
  const label = [title, ...count, ...steps.map(({ step, text }) => `${step} ${escaped(text)}`)].join('<br/>')
  switch (kind) {
    case 'stage':
      return `["${label}"]`
    case 'shuffle':
      return `{{"${label}"}}`
    default:
      return `[("${label}")]`
  }
}

/** Whatever an expression or a name holds is text in a label, never a part of the graph. */
const escaped = (text: string): string =>
  text.replace(/[^\p{L}\p{N} ._,()+*/:%-]/gu, (character) => `#${character.codePointAt(0)};`)
