/** Functions for jobs about places: quorate join --functions configs/functions/geo.ts */
import type { Functions } from 'quorate'

/** Which cell of a grid a point is in, as text. */
const cell = (latitude: number, longitude: number, degrees: number): string =>
  `${Math.floor(latitude / degrees)}:${Math.floor(longitude / degrees)}`

/** A check digit by Luhn's rule. */
function luhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48
    if (digit < 0 || digit > 9) return false
    const doubled = i % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

export default {
  cell: {
    args: ['number', 'number', 'number'],
    returns: 'text',
    samples: [
      [[52.5, 13.4, 1], '52:13'],
      [[-0.5, 0, 0.25], '-2:0'],
    ],
    call: cell,
  },
  luhn: {
    args: ['text'],
    returns: 'boolean',
    samples: [
      [['79927398713'], true],
      [['79927398710'], false],
    ],
    call: luhn,
  },
} satisfies Functions
