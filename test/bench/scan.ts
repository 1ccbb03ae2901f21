/**
 * How fast the scanner takes three fields out of a bid of about 160 bytes, against JSON.parse of the same bytes in the same
 * run. Prints one JSON document; asserts nothing, because machines differ.
 */
import { FieldSet } from '../../operators/fields.ts'
import type { Value } from '../../operators/json.ts'
import { compileScanner } from '../../operators/scan.ts'
import { bids } from './nexmark.ts'
import { median } from './processes.ts'

const RECORDS = 20_000
const ROUNDS = 7
const PASSES = 25

export async function main(): Promise<void> {
  const records = slicesOf(Array.from(bids({ count: RECORDS }), (bid) => Buffer.from(JSON.stringify(bid))))
  const fields = new FieldSet()
  const [auction, price, dateTime] = ['auction', 'price', 'dateTime'].map((name) => fields.slotOf([name])) as [
    number,
    number,
    number,
  ]
  const scanner = compileScanner(fields)
  const slots: Value[] = []
  const scanAll = () => {
    let sum = 0
    for (const record of records) {
      if (scanner.scan(record, slots) !== undefined) throw new Error('a good record was refused')
      sum += (slots[auction] as number) + (slots[price] as number) + (slots[dateTime] as number)
    }
    return sum
  }
  const parseAll = () => {
    let sum = 0
    for (const record of records) {
      const value = JSON.parse(record.toString('utf8')) as Record<'auction' | 'price' | 'dateTime', number>
      sum += value.auction + value.price + value.dateTime
    }
    return sum
  }
  if (scanAll() !== parseAll()) throw new Error('the scanner and JSON.parse disagree')
  const rounds = Array.from({ length: ROUNDS }, () => ({
    scan: recordsPerSecond(scanAll),
    parse: recordsPerSecond(parseAll),
  }))
  const scanRate = median(rounds.map(({ scan }) => scan))
  const parseRate = median(rounds.map(({ parse }) => parse))
  console.log(
    JSON.stringify({
      recordBytes: Math.round(records.reduce((sum, { length }) => sum + length, 0) / RECORDS),
      recordsPerSecond: Math.round(scanRate),
      jsonParsePerSecond: Math.round(parseRate),
      ratio: Number((scanRate / parseRate).toFixed(2)),
    }),
  )
}

/** As a fetch delivers them: views into one buffer. */
function slicesOf(texts: readonly Uint8Array[]): Buffer[] {
  const whole = Buffer.concat(texts)
  let end = 0
  return texts.map(({ length }) => {
    end += length
    return whole.subarray(end - length, end)
  })
}

function recordsPerSecond(pass: () => number): number {
  const started = process.hrtime.bigint()
  for (let i = 0; i < PASSES; i++) pass()
  return (RECORDS * PASSES * 1e9) / Number(process.hrtime.bigint() - started)
}
