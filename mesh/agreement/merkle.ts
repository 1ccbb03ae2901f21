/**
 * Merkle trees as in RFC 9162, section 2.1: leaves and nodes are hashed under different prefixes, so a node can never be
 * passed off as a leaf, and a tree of n leaves is split at the largest power of two below n.
 */
import { createHash } from 'node:crypto'
import { assert } from '../errors.ts'
import type { Digest } from '../ids.ts'

const EMPTY = createHash('sha256').digest('hex') as Digest

export function leafDigest(bytes: Uint8Array | string): Digest {
  return createHash('sha256').update('\0').update(bytes).digest('hex') as Digest
}

function nodeDigest(left: Digest, right: Digest): Digest {
  return createHash('sha256').update('\x01').update(left, 'hex').update(right, 'hex').digest('hex') as Digest
}

/** Largest power of two below n, for n > 1. */
function split(n: number): number {
  let half = 1
  while (half * 2 < n) half *= 2
  return half
}

export function merkleRoot(leaves: readonly Digest[]): Digest {
  if (leaves.length === 0) return EMPTY
  const [only] = leaves
  if (leaves.length === 1 && only !== undefined) return only
  const half = split(leaves.length)
  return nodeDigest(merkleRoot(leaves.slice(0, half)), merkleRoot(leaves.slice(half)))
}

/** Siblings from the leaf up. */
export function merklePath(leaves: readonly Digest[], index: number): Digest[] {
  assert(index >= 0 && index < leaves.length, `leaf ${index} of ${leaves.length}`)
  if (leaves.length === 1) return []
  const half = split(leaves.length)
  return index < half
    ? [...merklePath(leaves.slice(0, half), index), merkleRoot(leaves.slice(half))]
    : [...merklePath(leaves.slice(half), index - half), merkleRoot(leaves.slice(0, half))]
}

/** The root that a leaf at `index` of `count` leads to along `path`; undefined when the path has the wrong length. */
export function rootFromPath(leaf: Digest, index: number, count: number, path: readonly Digest[]): Digest | undefined {
  if (count <= 1) return count === 1 && index === 0 && path.length === 0 ? leaf : undefined
  if (index < 0 || index >= count) return undefined
  const sibling = path[path.length - 1]
  if (sibling === undefined) return undefined
  const half = split(count)
  const rest = path.slice(0, -1)
  if (index < half) {
    const left = rootFromPath(leaf, index, half, rest)
    return left === undefined ? undefined : nodeDigest(left, sibling)
  }
  const right = rootFromPath(leaf, index - half, count - half, rest)
  return right === undefined ? undefined : nodeDigest(sibling, right)
}
