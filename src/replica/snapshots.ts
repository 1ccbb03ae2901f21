/**
 * Certified snapshots on a peer's own disk: the latest one of each unit, with the cut content that certifies it.
 *
 *   snapshot = u32 length | JSON {content} | state
 */
import {
  type CutContent,
  type CutPosition,
  contentDigest,
  type Digest,
  decodeStored,
  encodeStored,
  isCutContent,
  sha256,
  type UnitId,
} from '../../mesh/index.ts'
import type { Store, StoreOp } from '../store/store.ts'
import { snapshotKey } from './batch.ts'

export interface StoredSnapshot {
  readonly position: CutPosition
  readonly offset: number
  /** Of the content: what the next cut names as its parent. */
  readonly digest: Digest
  readonly bytes: Uint8Array
}

/** Replaces the unit's earlier snapshots. */
export function snapshotOps(unit: UnitId, content: CutContent, bytes: Uint8Array): StoreOp[] {
  const meta = encodeStored({ content })
  const value = new Uint8Array(4 + meta.length + bytes.length)
  new DataView(value.buffer).setUint32(0, meta.length)
  value.set(meta, 4)
  value.set(bytes, 4 + meta.length)
  const key = snapshotKey(unit, content)
  return [
    { kind: 'deleteRange', table: 'snapshot', from: `${unit}/`, to: key },
    { kind: 'put', table: 'snapshot', key, value },
  ]
}

/** What is on disk is believed only if it is what was certified. */
export async function latestSnapshot(store: Store, unit: UnitId): Promise<StoredSnapshot | undefined> {
  const entries = await store.range('snapshot', `${unit}/`, `${unit}/~`, Number.MAX_SAFE_INTEGER)
  for (const entry of [...entries].reverse()) {
    if ('corrupt' in entry) continue
    const view = new DataView(entry.value.buffer, entry.value.byteOffset)
    const length = view.getUint32(0)
    const { content } = decodeStored(entry.value.subarray(4, 4 + length)) as { readonly content?: unknown }
    const bytes = entry.value.subarray(4 + length)
    if (!isCutContent(content) || content.unit !== unit || sha256(bytes) !== content.stateDigest) continue
    const { seq, part, offset } = content
    return { position: { seq, part }, offset, digest: contentDigest(content), bytes }
  }
  return undefined
}
