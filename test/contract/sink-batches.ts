/** Certified batches for the tests of sinks, and what a reader must find when they were all written. */
import {
  type CutPosition,
  type Digest,
  encodeStored,
  GENESIS,
  leafDigest,
  merkleRoot,
  type UnitId,
  unitId,
} from '../../mesh/index.ts'
import { FLAG_FINAL, FLAG_REMOVED, partitionOf, ROW_WINDOW, RowWriter, readRows } from '../../operators/index.ts'
import type { CertifiedBatch, UnitIdentity } from '../../src/commit/sink.ts'
import { encodeDestinations } from '../../src/commit/slice.ts'

/** A window row as a test thinks of it; key and value are JSON text. */
export interface WindowRow {
  readonly start: number
  readonly end: number
  readonly key: string
  readonly value: string
  readonly revision: number
  readonly final: boolean
  readonly removed?: true
}

export const HOUR = 3_600_000
const DAY = Date.UTC(2001, 0, 1)

export const row = (hour: number, key: string, value: string, revision = 0, final = true): WindowRow => ({
  start: DAY + hour * HOUR,
  end: DAY + (hour + 1) * HOUR,
  key,
  value,
  revision,
  final,
})

export function bodyOf(rows: readonly WindowRow[]): Uint8Array {
  const writer = new RowWriter()
  for (const { start, end, key, value, revision, final, removed } of rows) {
    const flags = (final ? FLAG_FINAL : 0) | (removed === true ? FLAG_REMOVED : 0)
    writer.append(ROW_WINDOW, flags, start, end, revision, Buffer.from(key), Buffer.from(value))
  }
  return writer.take()
}

export const rowsOf = (body: Uint8Array): WindowRow[] =>
  Array.from(readRows(body), ({ a, b, key, value, revision, flags }) => ({
    start: a,
    end: b,
    key: Buffer.from(key).toString(),
    value: Buffer.from(value).toString(),
    revision,
    final: (flags & FLAG_FINAL) !== 0,
  }))

/** What is certified: one body and the dead letters, or a body per partition of a shuffle and the dead letters. */
export type Layout = (rows: readonly WindowRow[]) => { readonly body: Uint8Array; readonly outDigest: Digest }

export const oneBody: Layout = (rows) => {
  const body = bodyOf(rows)
  return { body, outDigest: merkleRoot([body, new Uint8Array()].map(leafDigest)) }
}

export const bodyPerPartition =
  (partitions: number): Layout =>
  (rows) => {
    const bodies = Array.from({ length: partitions }, (_, partition) =>
      bodyOf(rows.filter(({ key }) => partitionOf(Buffer.from(key), partitions) === partition)),
    )
    const leaves = [...bodies, new Uint8Array()]
    return { body: encodeDestinations(leaves), outDigest: merkleRoot(leaves.map(leafDigest)) }
  }

export function identity(submission = 1, partition = 0): UnitIdentity {
  const generation = `orders-0123456789ab-${submission}`
  return { cluster: 'test', job: 'orders', generation, unit: unitId(generation, 0, partition) }
}

export function batch(
  unit: UnitIdentity,
  position: CutPosition,
  previous: CutPosition | undefined,
  rows: readonly WindowRow[],
  layout: Layout,
): CertifiedBatch {
  const { body, outDigest } = layout(rows)
  const certified = certificate(unit.unit, position, outDigest)
  return { ...unit, position, previous, body, outDigest, certificate: certified, record: certified, restorable: true }
}

/** Of the right shape; sinks carry certificates, they do not judge them. */
function certificate(unit: UnitId, position: CutPosition, outDigest: Digest): Uint8Array {
  const content = {
    ...{ cluster: 'test', unit, ...position, last: true, offset: 100 * position.seq },
    ...{ counts: { in: 100, late: 0, dead: 0 }, parent: GENESIS, inDigest: GENESIS, outDigest },
  }
  return encodeStored({ content, term: 1, signers: [] })
}

/**
 * Four batches of three cuts: a late record raises a row's revision, a cut has two parts, an integer is beyond 2^53.
 *
 *   1/0  00h a, b           2/0  01h a, b (provisional), 00h a revised      2/1  01h c        3/0  01h b final, 02h a
 */
export const STORY: readonly (readonly [CutPosition, readonly WindowRow[]])[] = [
  [{ seq: 1, part: 0 }, [row(0, '"a"', '{"count":1}'), row(0, '"b"', '{"sum":9007199254740993}')]],
  [
    { seq: 2, part: 0 },
    [row(0, '"a"', '{"count":2}', 1), row(1, '"a"', '{"count":3}'), row(1, '"b"', '{"count":4}', 0, false)],
  ],
  [{ seq: 2, part: 1 }, [row(1, '"c"', '{"mean":0.1,"worst":null}')]],
  [{ seq: 3, part: 0 }, [row(1, '"b"', '{"count":5}', 1), row(2, '"a"', '{"count":6}')]],
]

export const story = (unit: UnitIdentity, layout: Layout): CertifiedBatch[] =>
  STORY.map(([position, rows], i) => batch(unit, position, STORY[i - 1]?.[0], rows, layout))

/** In one order, so that readers of several partitions can be compared. */
export function sorted(rows: readonly WindowRow[]): WindowRow[] {
  const text = ({ start, key, revision, value }: WindowRow) => `${start} ${key} ${revision} ${value}`
  return rows.toSorted((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0))
}

/** The rows of all batches: every revision, or the last of each window and key. */
export function expectedRows(batches: readonly (readonly WindowRow[])[], keeps: 'everyRevision' | 'lastRevision') {
  const all = batches.flat()
  if (keeps === 'everyRevision') return sorted(all)
  const last = new Map<string, WindowRow>()
  for (const each of all) last.set(`${each.start}/${each.key}`, each)
  return sorted([...last.values()])
}
