/** What a PromQL expression asks for, by the parser that Prometheus' own editor uses. */
import { parser } from '@prometheus-io/lezer-promql'

export interface Matcher {
  readonly label: string
  readonly operator: string
  readonly value: string
}

export interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
}

export interface Query {
  readonly selectors: readonly Selector[]
  /** Labels that it groups or joins by. */
  readonly labels: readonly string[]
}

/** @throws Error with the place where it does not parse */
export function readQuery(text: string): Query {
  const selectors: { metric: string; matchers: Matcher[] }[] = []
  const labels: string[] = []
  const tree = parser.parse(text)
  tree.iterate({
    enter(node) {
      const own = () => text.slice(node.from, node.to)
      if (node.type.isError) throw new Error(`at character ${node.from} of: ${text}`)
      if (node.name === 'VectorSelector') selectors.push({ metric: '', matchers: [] })
      const selector = selectors[selectors.length - 1]
      if (node.name === 'Identifier' && selector?.metric === '') selector.metric = own()
      if (/LabelMatcher$/.test(node.name)) {
        const [, label = '', operator = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(own()) ?? []
        selector?.matchers.push({ label, operator, value })
      }
      if (node.name === 'GroupingLabels') {
        labels.push(...[...own().matchAll(/\w+/g)].map(([label]) => label))
      }
    },
  })
  return { selectors, labels }
}
