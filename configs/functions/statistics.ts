/** Aggregates for jobs that look at distributions: quorate join --functions configs/functions/statistics.ts */
import type { Functions } from 'quorate'

/** How many there are of each: whole numbers, so that no order of adding them makes a difference. */
type Counts = Record<string, number>

function together(a: Counts, b: Counts): Counts {
  for (const [name, count] of Object.entries(b)) a[name] = (a[name] ?? 0) + count
  return a
}

/** The name with the greatest count; of equal ones that which comes first. */
function greatest(counts: Counts): string | null {
  let best: string | null = null
  for (const [name, count] of Object.entries(counts)) {
    const known = best === null ? 0 : (counts[best] ?? 0)
    if (count > known || (count === known && best !== null && name < best)) best = name
  }
  return best
}

export default {
  /** How many numbers are in each stretch of a width, by where that begins. */
  histogram: {
    args: ['number', 'number'],
    returns: 'json',
    samples: [
      [
        [
          [7, 15],
          [-1, 15],
          [16, 15],
          [20, 15],
        ],
        { '-15': 1, '0': 1, '15': 2 },
      ],
      [[], {}],
    ],
    init: (): Counts => ({}),
    add: (counts: Counts, value: number, width: number): Counts =>
      together(counts, { [String(Math.floor(value / width) * width)]: 1 }),
    merge: together,
    result: (counts: Counts): Counts => counts,
  },
  /** The text that is there most often. */
  mode: {
    args: ['text'],
    returns: 'text',
    samples: [
      [[['b'], ['a'], ['b'], ['a'], ['c']], 'a'],
      [[], null],
    ],
    init: (): Counts => ({}),
    add: (counts: Counts, text: string): Counts => together(counts, { [text]: 1 }),
    merge: together,
    result: greatest,
  },
} satisfies Functions
