/**
 * How fast the scanner takes three fields out of a record of about 160 bytes, against JSON.parse of the same bytes in the
 * same run. Prints one JSON document; asserts nothing, because machines differ.
 */
import { FieldSet } from '../../operators/fields.ts'
import type { Value } from '../../operators/json.ts'
import { compileScanner } from '../../operators/scan.ts'

const RECORDS = 20_000
const ROUNDS = 7
const PASSES = 25

const texts = Array.from({ length: RECORDS }, (_, i) =>
  Buffer.from(
    JSON.stringify({
      auction: 1000 + ((i * 7919) % 4000),
      bidder: 2000 + ((i * 104_729) % 9000),
      price: 100 + ((i * 15_485_863) % 10_000_000),
      channel: 'Google',
      url: `https://www.nexmark.com/item.htm?query=${i}`,
      dateTime: 1_700_000_000_000 + i * 10,
      extra: 'x'.repeat(16),
    }),
  ),
)

// As a fetch delivers them: views into one buffer.
const batch = Buffer.concat(texts)
let end = 0
const records = texts.map(({ length }) => {
  end += length
  return batch.subarray(end - length, end)
})

const fields = new FieldSet()
const auction = fields.slotOf(['auction'])
const price = fields.slotOf(['price'])
const dateTime = fields.slotOf(['dateTime'])
const scanner = compileScanner(fields)
const slots: Value[] = []

function scanAll(): number {
  let sum = 0
  for (const record of records) {
    if (scanner.scan(record, slots) !== undefined) throw new Error('a good record was refused')
    sum += (slots[auction] as number) + (slots[price] as number) + (slots[dateTime] as number)
  }
  return sum
}

function parseAll(): number {
  let sum = 0
  for (const record of records) {
    const value = JSON.parse(record.toString('utf8')) as Record<'auction' | 'price' | 'dateTime', number>
    sum += value.auction + value.price + value.dateTime
  }
  return sum
}

function recordsPerSecond(pass: () => number): number {
  const started = process.hrtime.bigint()
  for (let i = 0; i < PASSES; i++) pass()
  return (RECORDS * PASSES * 1e9) / Number(process.hrtime.bigint() - started)
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number

if (scanAll() !== parseAll()) throw new Error('the scanner and JSON.parse disagree')
const scanned: number[] = []
const parsed: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  scanned.push(recordsPerSecond(scanAll))
  parsed.push(recordsPerSecond(parseAll))
}
const scanRate = median(scanned)
const parseRate = median(parsed)
console.log(
  JSON.stringify({
    bench: 'scan',
    recordBytes: Math.round(records.reduce((sum, { length }) => sum + length, 0) / RECORDS),
    recordsPerSecond: Math.round(scanRate),
    jsonParsePerSecond: Math.round(parseRate),
    ratio: Number((scanRate / parseRate).toFixed(2)),
  }),
)
