/** Patterns on which engines that backtrack take longer than the universe is old, with texts for which they do. */
import { createStage, encodeUtf8 } from '../../operators/index.ts'
import { deadLettersOf, expression, rowsOfCuts, stagePlan } from '../operators/stage-harness.ts'

const PATTERNS = [
  '(a+)+$',
  '(a|aa)+$',
  '(a|a)*$',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(.*a){25}',
  '(x+x+)+y',
  '(?:a?){30}a{30}',
  '.*.*.*=.*',
]
const LENGTHS = [30, 1_000, 20_000, 500_000]

export const SEARCHES = PATTERNS.flatMap((pattern) =>
  LENGTHS.map((length) => ({ what: `${length} characters for ${pattern}`, pattern, text: `${'a'.repeat(length)}!` })),
)

/** `found`, `not found`, or the code of the dead letter. */
export function searched({ pattern, text }: (typeof SEARCHES)[number]): string {
  const { window: _, keyBy: _key, ...bare } = stagePlan()
  const where = expression(`name.matches(${JSON.stringify(pattern)})`)
  const stage = createStage({ ...bare, aggregates: [], steps: [{ kind: 'filter', where }] }, { partition: 0 })
  const value = encodeUtf8(JSON.stringify({ t: 1, name: text }))
  const batch = { length: 1, offset: () => 0, timestamp: () => 0, key: () => null, value: () => value }
  stage.run(batch, 0, 1)
  stage.decide('final')
  const cuts = [stage.cut()]
  const [letter] = deadLettersOf(cuts)
  if (letter !== undefined) return String(JSON.parse(letter.value).error)
  return rowsOfCuts(cuts).length > 0 ? 'found' : 'not found'
}
