/**
 * What a cut's digests say, computed again in the dullest way: its input from the records in the log, its output from the
 * bytes that a peer holds (RFC 9162, section 2.1, over one leaf per destination and one for the dead letters).
 */
import { hash } from 'node:crypto'
import { type CutContent, parseUnitId } from '../../mesh/index.ts'
import type { Batch } from '../../src/replica/batch.ts'
import { firstAtOrAbove, type SimulatedLog, type StoredPartition, type StoredRecord } from './log.ts'
import { poisonOf } from './stages.ts'
import { Violation } from './violation.ts'

const ABSENT = 0xffff_ffff
const NOTHING = new Uint8Array()

/** What stages read. */
export interface ReadInputs {
  readonly log: SimulatedLog
  /** Partitions of the sources, by their numbers. */
  readonly inputs: () => readonly StoredPartition[]
}

/** Records of a source as they are, and of slices between two stages what they carry. @param from offset after the cut before */
export function checkInput({ log, inputs }: ReadInputs, content: CutContent, from: number): void {
  const { generation, stage, partition } = parseUnitId(content.unit)
  const parts: Uint8Array[] = []
  const read = stage === 0 ? inputs() : log.partitionsOf(shuffleBefore(log, generation, stage) ?? '')
  const history = read[partition]?.history ?? []
  for (let index = firstAtOrAbove(history, from); index < history.length; index++) {
    const record = history[index] as StoredRecord
    if (record.offset >= content.offset) break
    // What ends workers is passed over by a decision.
    if (stage > 0) add(parts, { ...record, value: carriedBy(record.value) })
    else if (poisonOf(record.value) === undefined) add(parts, record)
  }
  if (hash('sha256', Buffer.concat(parts)) === content.inDigest) return
  const told = `${content.unit} ${content.seq}: its input is not what the log has from ${from} to ${content.offset}`
  throw new Violation('input as in the log', told)
}

/** The topic that a stage reads, which is not the first. */
export function shuffleBefore(log: SimulatedLog, generation: string, stage: number): string | undefined {
  const ending = stage === 1 ? generation : `${generation}-${stage}`
  return log.topics().find((name) => name.startsWith('quorate-shuffle-') && name.endsWith(`-${ending}`))
}

/** Without the version, the header and the certificate before it. */
function carriedBy(slice: Uint8Array | null): Uint8Array | null {
  if (slice === null) return null
  const view = new DataView(slice.buffer, slice.byteOffset, slice.length)
  const certificate = 5 + view.getUint32(1)
  return slice.subarray(certificate + 4 + view.getUint32(certificate))
}

function add(parts: Uint8Array[], { key, value }: StoredRecord): void {
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(key?.length ?? ABSENT, 0)
  lengths.writeUInt32BE(value?.length ?? ABSENT, 4)
  parts.push(lengths, key ?? NOTHING, value ?? NOTHING)
}

export function checkOutput(peer: string, { unit, seq, part, outDigest }: CutContent, batch: Batch): void {
  const leaves = [...batch.bodies, batch.deadLetters].map((body) => sha256(Buffer.of(0), body))
  if (rootOf(leaves).toString('hex') === outDigest) return
  throw new Violation('certified bytes', `${peer} stores other bytes for ${unit} ${seq}.${part} than were certified`)
}

const sha256 = (...parts: readonly Uint8Array[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer')

/** Pairs from the left, level by level; an odd one goes up as it is, which is the same tree. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  let level = leaves
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as Buffer, level[i + 1]]
      above.push(right === undefined ? left : sha256(Buffer.of(1), left, right))
    }
    level = above
  }
  return level[0] ?? sha256()
}
