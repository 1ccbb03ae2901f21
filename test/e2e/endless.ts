/** A function that keeps the thread of whoever calls it. */
import type { Functions } from 'quorate'

export default {
  endless: {
    args: ['text'],
    returns: 'boolean',
    samples: [[['fine'], true]],
    call: (text: string): boolean => {
      while (text === 'endless');
      return true
    },
  },
} satisfies Functions
