import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import type { LogRecord } from '../../../src/log/log.ts'
import { AT } from '../../../src/log/records/batch-header.ts'
import { RecordColumns } from '../../../src/log/records/columns.ts'
import { encodeBatch } from '../../../src/log/records/encode.ts'
import { type AbortedTransaction, RecordSet } from '../../../src/log/records/record-set.ts'
import { RecordsUnreadable } from '../../../src/log/records/unreadable.ts'
import { batch, compressed, concat, marker, sealed, TRANSACTIONAL } from './batches.ts'

interface Read {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
}

const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))

/** All that comes out, piece by piece. */
function readAll(set: RecordSet, position: number): Read[] {
  const columns = new RecordColumns()
  const read: Read[] = []
  for (let at = position; ; at = (read.at(-1)?.offset ?? at) + 1) {
    set.next(at, columns)
    if (columns.length === 0) return read
    for (let i = 0; i < columns.length; i++) {
      const [key, value] = [hex(columns.key(i)), hex(columns.value(i))]
      read.push({ offset: columns.offset(i), timestamp: columns.timestamp(i), key, value })
    }
  }
}

const texts = (...values: readonly string[]): LogRecord[] =>
  values.map((value) => ({ key: null, value: Buffer.from(value) }))
const valuesOf = (read: readonly Read[]) => read.map(({ value }) => Buffer.from(value ?? '', 'hex').toString())

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: null })
const anyRecord: fc.Arbitrary<LogRecord> = fc.record(
  {
    key: bytesOrNull,
    value: bytesOrNull,
    timestamp: fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), fc.constant(0)),
    headers: fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { maxKeys: 3 }),
  },
  { requiredKeys: ['key', 'value'] },
)

describe('a set of record batches', () => {
  it('reads what was encoded, from every offset', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyRecord, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.nat(250),
        fc.boolean(),
        (lists, base, skip, apart) => {
          const now = 1_234_567_890_123
          const expected: Read[] = []
          const parts = lists.map((records) => {
            const bytes = encodeBatch(records, base + expected.length, now)
            for (const { key, value, timestamp = now } of records) {
              expected.push({ offset: base + expected.length, timestamp, key: hex(key), value: hex(value) })
            }
            return bytes
          })
          const end = base + expected.length
          const position = base + Math.min(skip, expected.length - 1)
          const set = new RecordSet(apart ? parts : [concat(...parts)], { end, position })
          assert.deepEqual([set.nextOffset, set.reachesEnd, set.gap, set.isEmpty], [end, true, undefined, false])
          assert.deepEqual(readAll(set, position), expected.slice(position - base))
        },
      ),
      { seed: 20_260_727, numRuns: 300 },
    )
  })

  it('never takes a batch in which a bit was flipped', () => {
    const records = texts('one', 'two', 'three', '')
    const good = encodeBatch(records, 7, 5)
    const expected = readAll(new RecordSet([good], { end: 11, position: 7 }), 7)
    let refused = 0
    // What stands before the checksum is not under it: offset and length are checked against their surroundings, and the
    // leader's epoch is not used.
    for (let bit = AT.magic * 8; bit < good.length * 8; bit++) {
      const bad = good.slice()
      bad[bit >> 3]! ^= 1 << (bit & 7)
      try {
        assert.deepEqual(readAll(new RecordSet([bad], { end: 11, position: 7 }), 7), expected)
      } catch (error) {
        assert.ok(error instanceof RecordsUnreadable, String(error))
        refused += 1
      }
    }
    assert.equal(refused, (good.length - AT.magic) * 8)
  })

  it('takes whole batches only, however much of them there is', () => {
    const bytes = concat(encodeBatch(texts('a', 'b'), 0, 0), encodeBatch(texts('c'), 2, 0))
    const first = encodeBatch(texts('a', 'b'), 0, 0).length
    for (let length = 0; length <= bytes.length; length++) {
      const set = new RecordSet([bytes.subarray(0, length)], { end: 3, position: 0 })
      const whole = length === bytes.length ? 3 : length >= first ? 2 : 0
      assert.equal(set.nextOffset, whole)
      assert.equal(readAll(set, 0).length, whole)
    }
  })

  it('refuses batches whose bytes are whole and whose contents are not', () => {
    const at = (field: keyof typeof AT, value: number) => {
      const bytes = encodeBatch(texts('a', 'b'), 0, 0)
      new DataView(bytes.buffer).setInt32(AT[field], value)
      return sealed(bytes)
    }
    const broken = encodeBatch(texts('abcdef'), 0, 0)
    broken[AT.records + 4] = 0xfe
    for (const [name, bytes] of [
      ['more records than there are bytes', at('records', 1_000_000_000)],
      ['a negative number of records', at('records', -1)],
      ['fewer records than bytes', at('records', 1)],
      ['more records than the bytes hold', at('records', 3)],
      ['offsets beyond its last one', at('lastOffsetDelta', 0)],
      ['a last offset before its first', at('lastOffsetDelta', -5)],
      ['a record that is longer than the batch', sealed(broken)],
    ] as const) {
      assert.throws(() => readAll(new RecordSet([bytes], { end: 10, position: 0 }), 0), RecordsUnreadable, name)
    }
  })

  it('delivers what comes before a damaged batch, and then says so', () => {
    const damaged = encodeBatch(texts('c'), 2, 0)
    damaged[damaged.length - 2]! ^= 1
    const set = new RecordSet([concat(encodeBatch(texts('a', 'b'), 0, 0), damaged)], { end: 3, position: 0 })
    const columns = new RecordColumns()
    set.next(0, columns)
    assert.equal(columns.length, 2)
    assert.throws(() => set.next(2, columns), { name: 'RecordsUnreadable', kind: 'corrupt' })
  })

  it('says that old message formats are not read', () => {
    const old = encodeBatch(texts('a'), 0, 0)
    old[AT.magic] = 1
    assert.throws(() => new RecordSet([old], { end: 1, position: 0 }), { kind: 'unsupported', message: /format 1/ })
  })

  it('sees where records are missing between batches, and before the first', () => {
    const [one, two] = [encodeBatch(texts('a'), 3, 0), encodeBatch(texts('b'), 6, 0)]
    assert.deepEqual(new RecordSet([one, two], { end: 9, position: 3 }).gap, { from: 4, to: 6 })
    assert.deepEqual(new RecordSet([one], { end: 9, position: 2 }).gap, { from: 2, to: 3 })
    assert.equal(new RecordSet([one], { end: 9, position: 3 }).gap, undefined)
    assert.throws(() => new RecordSet([two, one], { end: 9, position: 6 }), { kind: 'corrupt' })
  })

  it('keeps what is not stable out, and is at its end there', () => {
    const parts = [encodeBatch(texts('a', 'b'), 0, 0), batch({ baseOffset: 2, records: texts('c'), attributes: 16 })]
    const set = new RecordSet(parts, { end: 2, position: 0 })
    assert.deepEqual([set.nextOffset, set.reachesEnd], [2, true])
    assert.deepEqual(valuesOf(readAll(set, 0)), ['a', 'b'])
  })

  it('takes the time of the append for all of a batch that has it', () => {
    const records = [5, 9, 7].map((timestamp) => ({ key: null, value: null, timestamp }))
    const set = new RecordSet([batch({ baseOffset: 0, records, attributes: 8 })], { end: 3, position: 0 })
    assert.deepEqual(
      readAll(set, 0).map(({ timestamp }) => timestamp),
      [9, 9, 9],
    )
  })

  it('reads batches of gzip and zstd, beside others', () => {
    const plain = (base: number) => encodeBatch(texts('x'.repeat(500), 'y'), base, 0)
    const parts = [plain(0), compressed(plain(2), 1, gzipSync), compressed(plain(4), 4, zstdCompressSync), plain(6)]
    const read = readAll(new RecordSet([concat(...parts)], { end: 8, position: 3 }), 3)
    assert.deepEqual(
      read.map(({ offset, value }) => [offset, value?.length]),
      [3, 4, 5, 6, 7].map((offset) => [offset, offset % 2 === 0 ? 1000 : 2]),
    )
  })

  it('refuses a codec that it does not know, and bytes that do not decompress', () => {
    const unknown = compressed(encodeBatch(texts('a'), 0, 0), 5, (bytes) => bytes)
    assert.throws(() => readAll(new RecordSet([unknown], { end: 1, position: 0 }), 0), { kind: 'unsupported' })
    for (const codec of [1, 2, 3, 4]) {
      const garbage = compressed(encodeBatch(texts('a'), 0, 0), codec, () => Buffer.from('no such thing'))
      assert.throws(
        () => readAll(new RecordSet([garbage], { end: 1, position: 0 }), 0),
        { kind: 'corrupt' },
        `${codec}`,
      )
    }
  })

  //   producer 1:  a a . . . a ABORT     listed (1, first a)
  //   producer 2:  . . b b COMMIT
  //   others:      . c . . . .           always there
  it('leaves out what aborted transactions wrote, and nothing else, from every offset', () => {
    type Step = { readonly producer: number; readonly kind: 'write' | 'abort' | 'commit' | 'plain' }
    const step: fc.Arbitrary<Step> = fc.record({
      producer: fc.integer({ min: 1, max: 3 }),
      kind: fc.constantFrom('write', 'write', 'abort', 'commit', 'plain'),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const story = tell(steps)
        for (let position = 0; position <= story.end; position++) {
          // A broker lists the transactions that touch what it sends, which begins with a whole batch.
          const from = story.batches.findLastIndex(({ base }) => base <= position)
          const parts = story.batches.slice(Math.max(0, from)).map(({ bytes }) => bytes)
          const aborted = story.aborted.filter(({ markedAt }) => markedAt >= position)
          const set = new RecordSet([concat(...parts)], { end: story.end, position, aborted })
          assert.equal(set.nextOffset, Math.max(position, story.end))
          const expected = story.visible.filter((offset) => offset >= position)
          assert.deepEqual(
            readAll(set, position).map(({ offset }) => offset),
            expected,
          )
        }
      }),
      { seed: 20_260_728, numRuns: 150 },
    )
  })
})

interface Story {
  readonly batches: { readonly base: number; readonly bytes: Uint8Array }[]
  readonly aborted: (AbortedTransaction & { readonly markedAt: number })[]
  readonly visible: number[]
  readonly end: number
}

/** What a broker has after these steps up to its last stable offset, and what a reader may see of it: the dumb twin. */
function tell(
  steps: readonly { readonly producer: number; readonly kind: 'write' | 'abort' | 'commit' | 'plain' }[],
): Story {
  const batches: Story['batches'] = []
  const aborted: Story['aborted'] = []
  const visible: number[] = []
  const open = new Map<number, number[]>()
  let next = 0
  for (const { producer, kind } of steps) {
    if (kind === 'plain' || kind === 'write') {
      const records = texts(`${producer}`, 'and', 'more').slice(0, 1 + (next % 3))
      const transactional = kind === 'write' ? { attributes: TRANSACTIONAL, producerId: producer } : {}
      batches.push({ base: next, bytes: batch({ baseOffset: next, records, ...transactional }) })
      const offsets = records.map((_, i) => next + i)
      if (kind === 'plain') visible.push(...offsets)
      else open.set(producer, [...(open.get(producer) ?? []), ...offsets])
      next += records.length
      continue
    }
    const written = open.get(producer)
    if (written === undefined) continue
    if (kind === 'commit') visible.push(...written)
    else aborted.push({ producerId: producer, firstOffset: written[0]!, markedAt: next })
    open.delete(producer)
    batches.push({ base: next, bytes: marker(next, producer, kind) })
    next += 1
  }
  const end = Math.min(next, ...[...open.values()].map(([first]) => first!))
  return { batches, aborted, visible: visible.filter((offset) => offset < end).sort((a, b) => a - b), end }
}
