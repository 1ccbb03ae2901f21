/** Intervals as durations: `INTERVAL '5' MINUTE`, `INTERVAL '1 hour 30 minutes'`. Months have no length, and are refused. */
import type { Node, TypeCast } from 'libpg-query'
import { formatDuration } from '../../operators/index.ts'
import { kindOf, SqlFault } from './fault.ts'

const UNITS: readonly (readonly [form: RegExp, ms: number])[] = [
  [/^(?:ms|msecs?|milliseconds?)$/i, 1],
  [/^(?:s|secs?|seconds?)$/i, 1_000],
  [/^(?:m|mins?|minutes?)$/i, 60_000],
  [/^(?:h|hrs?|hours?)$/i, 3_600_000],
  [/^(?:d|days?)$/i, 86_400_000],
  [/^(?:w|weeks?)$/i, 604_800_000],
]

/** The field after the text, as the parser has it: a bit mask. */
const FIELDS: ReadonlyMap<number, number> = new Map([
  [1 << 3, 86_400_000],
  [1 << 10, 3_600_000],
  [1 << 11, 60_000],
  [1 << 12, 1_000],
])

const EXAMPLE = "an interval such as INTERVAL '5' MINUTE or INTERVAL '1 hour 30 minutes'"

/** As a document writes it. */
export const durationOf = (node: Node | undefined, byte: number | undefined): string =>
  formatDuration(millisecondsOf(node, byte))

export function millisecondsOf(node: Node | undefined, byte: number | undefined): number {
  const at = node === undefined ? byte : (kindOf(node).byte ?? byte)
  const cast: TypeCast | undefined = node !== undefined && 'TypeCast' in node ? node.TypeCast : undefined
  const { names = [], typmods = [], location } = cast?.typeName ?? {}
  const name = names.at(-1)
  const arg = cast?.arg
  const text = arg !== undefined && 'A_Const' in arg ? arg.A_Const.sval?.sval : undefined
  if (name === undefined || !('String' in name) || name.String.sval !== 'interval' || text === undefined) {
    throw new SqlFault(at, `expected ${EXAMPLE}`)
  }
  const ms = milliseconds(text.trim(), maskOf(typmods[0]))
  if (ms === undefined || !Number.isSafeInteger(ms) || ms <= 0) {
    throw new SqlFault(location, `expected ${EXAMPLE}, in whole milliseconds; found '${text}'`)
  }
  return ms
}

function maskOf(typmod: Node | undefined): number | undefined {
  return typmod !== undefined && 'A_Const' in typmod ? typmod.A_Const.ival?.ival : undefined
}

function milliseconds(text: string, mask: number | undefined): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) {
    const unit = mask === undefined ? 1_000 : FIELDS.get(mask)
    return unit === undefined ? undefined : Math.round(Number(text) * unit * 1_000) / 1_000
  }
  const [, hours, minutes, seconds] = /^(\d+):(\d\d):(\d\d)$/.exec(text) ?? []
  if (seconds !== undefined) return (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000
  let total = 0
  let rest = text
  while (rest !== '') {
    const [whole, amount, word = ''] = /^(\d+)\s*([a-z]+)\s*/i.exec(rest) ?? []
    const [, unit] = UNITS.find(([form]) => form.test(word)) ?? []
    if (whole === undefined || unit === undefined) return undefined
    total += Number(amount) * unit
    rest = rest.slice(whole.length)
  }
  return total
}
