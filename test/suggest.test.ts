/** "Did you mean" against a slow twin of its distance. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { editDistance, suggest } from '../src/suggest.ts'

/** The definition, without a table. */
function slowDistance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length
  const replaced = slowDistance(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1)
  const best = Math.min(replaced, slowDistance(a.slice(1), b) + 1, slowDistance(a, b.slice(1)) + 1)
  const swapped = a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0]
  return swapped ? Math.min(best, slowDistance(a.slice(2), b.slice(2)) + 1) : best
}

describe('suggest', () => {
  it('measures as its definition does', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 })
    fc.assert(
      fc.property(word, word, (a, b) => editDistance(a, b) === slowDistance(a, b)),
      { seed: 7, numRuns: 200 },
    )
  })

  it('names what is near and nothing else', () => {
    const verbs = ['query', 'status', 'submit', 'members']
    const cases = [
      ['qurey', 'query'],
      ['STATUS', 'status'],
      ['sumbit', 'submit'],
      ['member', 'members'],
      ['deploy', undefined],
      ['', undefined],
    ] as const
    for (const [word, expected] of cases) assert.equal(suggest(word, verbs), expected, word)
  })
})
