/**
 * Certified snapshots on a peer's own disk: the latest two of each unit, each with the cut content that certifies it. The
 * older one is there for the day on which the newer one cannot be read.
 *
 *   snapshot = u32 length | JSON {content} | state
 *   state    = u32 the last term whose decision it holds | u16 flags | u16 version | u32 revision
 *              | what the stage wrote
 */
import {
  type CutContent,
  type CutPosition,
  contentDigest,
  type Digest,
  decodeStored,
  encodeStored,
  isCutContent,
  leafDigest,
  merkleRoot,
  planted,
  type UnitId,
} from '../../mesh/index.ts'
import type { Store, StoreOp } from '../store/store.ts'
import { snapshotKey } from './batch.ts'
import { FIRST_VERSION } from './determinism.ts'

/** Bytes of state that travel at once, and of one leaf of the state's digest. */
export const CHUNK_BYTES = 256 * 1024

export interface StoredSnapshot {
  readonly position: CutPosition
  readonly offset: number
  /** Of the content: what the next cut names as its parent. */
  readonly digest: Digest
  readonly content: CutContent
  readonly course: Course
  readonly bytes: Uint8Array
}

/** What decisions have made of a replica: the part of its state that is not the stage's. */
export interface Course {
  /** The term whose decision was applied last. */
  readonly applied: number
  /** It takes no records until a decision to resume. */
  readonly paused: boolean
  /** It takes none any more. */
  readonly finished: boolean
  /** The determinism version of what comes after. */
  readonly version: number
  /** Which of its job's bodies it computes by. */
  readonly revision: number
}

export const FRESH: Course = {
  applied: 0,
  paused: false,
  finished: false,
  version: FIRST_VERSION,
  revision: 0,
}

const COURSE_BYTES = 12
const PAUSED = 1
const FINISHED = 2

export function encodeState(course: Course, stage: Uint8Array): Uint8Array {
  const { applied, paused, finished, version, revision } = course
  const bytes = new Uint8Array(COURSE_BYTES + stage.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, applied)
  view.setUint16(4, (paused ? PAUSED : 0) | (finished ? FINISHED : 0))
  view.setUint16(6, version)
  view.setUint32(8, revision)
  bytes.set(stage, COURSE_BYTES)
  return bytes
}

export function decodeState(bytes: Uint8Array): { readonly course: Course; readonly stage: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const flags = view.getUint16(4)
  const course: Course = {
    applied: view.getUint32(0),
    paused: (flags & PAUSED) !== 0,
    finished: (flags & FINISHED) !== 0,
    version: view.getUint16(6),
    revision: view.getUint32(8),
  }
  return { course, stage: bytes.subarray(COURSE_BYTES) }
}

/** One leaf for each chunk: another peer checks each as it comes. */
export function stateLeaves(bytes: Uint8Array): Digest[] {
  const leaves: Digest[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += CHUNK_BYTES) leaves.push(leafDigest(chunkAt(bytes, at)))
  return leaves
}

export const stateDigest = (bytes: Uint8Array): Digest => merkleRoot(stateLeaves(bytes))

export const chunkOf = (bytes: Uint8Array, index: number): Uint8Array => chunkAt(bytes, index * CHUNK_BYTES)
const chunkAt = (bytes: Uint8Array, at: number): Uint8Array => bytes.subarray(at, at + CHUNK_BYTES)

/** Adds a snapshot; those before `keepFrom` go. */
export function snapshotOps(content: CutContent, bytes: Uint8Array, keepFrom: CutPosition): StoreOp[] {
  const { unit } = content
  const meta = encodeStored({ content })
  const value = new Uint8Array(4 + meta.length + bytes.length)
  new DataView(value.buffer).setUint32(0, meta.length)
  value.set(meta, 4)
  value.set(bytes, 4 + meta.length)
  return [
    { kind: 'deleteRange', table: 'snapshot', from: `${unit}/`, to: snapshotKey(unit, keepFrom) },
    { kind: 'put', table: 'snapshot', key: snapshotKey(unit, content), value },
  ]
}

/** Those on disk, in order; one that is not what was certified is left out. */
export async function storedSnapshots(store: Store, unit: UnitId): Promise<StoredSnapshot[]> {
  const entries = await store.range('snapshot', `${unit}/`, `${unit}/~`, Number.MAX_SAFE_INTEGER)
  return entries.flatMap((entry) => ('corrupt' in entry ? [] : (decodeSnapshot(unit, entry.value) ?? [])))
}

/** As the store has it; undefined when it is not what was certified. */
export function decodeSnapshot(unit: UnitId, value: Uint8Array): StoredSnapshot | undefined {
  const length = new DataView(value.buffer, value.byteOffset).getUint32(0)
  const { content } = decodeStored(value.subarray(4, 4 + length)) as { readonly content?: unknown }
  const bytes = value.subarray(4 + length)
  if (!isCutContent(content) || content.unit !== unit) return undefined
  if (stateDigest(bytes) !== content.stateDigest && !planted('snapshot-unchecked')) return undefined
  const { seq, part, offset } = content
  const { course } = decodeState(bytes)
  return { position: { seq, part }, offset, digest: contentDigest(content), content, course, bytes }
}
