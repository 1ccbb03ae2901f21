/** A job as what records pass through, from left to right, with what goes on at each place. */
import { badge, code, element } from './dom.js'
import { sum } from './rates.js'
import { count, plural, rate } from './text.js'
import { UNIT_TONE } from './units.js'

const WORD = { source: 'source', stage: 'stage', shuffle: 'shuffle', sink: 'sink', deadLetters: 'dead letters' }

/** @param {any} job @param {readonly any[]} units of the job @param {import('./rates.js').Rates} rates */
export function jobGraph(job, units, rates) {
  const steps = columns(job.graph).map((nodes) => {
    const boxes = nodes.map((node) => element('li', { className: `node ${node.kind}` }, ...box(node, units, rates)))
    return element('li', {}, element('ul', {}, ...boxes))
  })
  // A job without sinks keeps its results for those who ask.
  const sinkless = job.sinks.length === 0
  const kept = element('li', { className: 'node sink' }, element('strong', {}, 'kept at the peers'), 'for queries')
  return element(
    'ol',
    { className: 'graph' },
    ...steps,
    ...(sinkless ? [element('li', {}, element('ul', {}, kept))] : []),
  )
}

/** Nodes by how many come before them at most. */
function columns(nodes) {
  const depths = new Map(nodes.map(({ id }) => [id, 0]))
  // As often as the longest way through can be long; a graph of ours has no circles.
  for (const _ of nodes) {
    for (const { id, to } of nodes) {
      for (const next of to) depths.set(next, Math.max(depths.get(next), depths.get(id) + 1))
    }
  }
  const made = []
  for (const node of nodes) {
    const depth = depths.get(node.id)
    made[depth] = [...(made[depth] ?? []), node]
  }
  return made
}

function box(node, units, rates) {
  const { kind, name, partitions, steps = [] } = node
  const named =
    kind === 'stage' ? [] : [element('strong', { title: name }, kind === 'shuffle' ? 'internal topic' : name)]
  const title = [element('span', { className: 'kind' }, WORD[kind]), ...named]
  const lines = steps.map(({ step, text }) => element('span', {}, element('i', {}, step), ' ', code(text)))
  return [...title, ...lines, ...facts(node, partitions, units, rates)]
}

function facts({ kind, name, to }, partitions, units, rates) {
  switch (kind) {
    case 'source': {
      const read = units.filter(({ stage, topic }) => stage === 0 && topic === name)
      const lag = sum(read.map(({ offset, endOffset }) => Math.max(0, endOffset - offset)))
      const speed = sum(read.map(({ unit }) => rates.of(`read ${unit}`)))
      return [element('span', {}, `${plural(partitions, 'partition')}, ${rate(speed)} records/s, lag ${count(lag)}`)]
    }
    case 'stage': {
      const own = units.filter(({ stage }) => `stage ${stage}` === name)
      const states = [...Map.groupBy(own, ({ state }) => state)]
      const open = sum(own.map(({ openWindows }) => openWindows))
      const badges = states.map(([state, { length }]) => badge(`${length} ${state}`, UNIT_TONE[state]))
      const windows = to.includes('shuffle') ? [] : [element('span', {}, plural(open, 'open window'))]
      return [element('span', { className: 'line' }, ...badges), ...windows]
    }
    case 'shuffle':
      return [element('span', {}, plural(partitions, 'partition'))]
    default:
      return []
  }
}
