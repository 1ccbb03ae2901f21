/**
 * Merkle trees as in RFC 9162, section 2.1: leaves and nodes are hashed under different prefixes, so a node can never be
 * passed off as a leaf, and a tree of n leaves is split at the largest power of two below n.
 */
import { hash } from 'node:crypto'
import { assert } from '../errors.ts'
import type { Digest } from '../ids.ts'

const EMPTY = hash('sha256', '') as Digest

const LEAF = Buffer.of(0)

export function leafDigest(bytes: Uint8Array | string): Digest {
  return hash('sha256', typeof bytes === 'string' ? `\0${bytes}` : Buffer.concat([LEAF, bytes])) as Digest
}

function nodeDigest(left: Digest, right: Digest): Digest {
  return hash('sha256', Buffer.from(`01${left}${right}`, 'hex')) as Digest
}

/** The digest of a node by those of its children. */
export type NodeDigest = (left: Digest, right: Digest) => Digest

/** For many paths of one tree, which share their upper nodes: each is hashed once. */
export function rememberingNodes(): NodeDigest {
  const known = new Map<Digest, Map<Digest, Digest>>()
  return (left, right) => {
    let byRight = known.get(left)
    if (byRight === undefined) {
      byRight = new Map()
      known.set(left, byRight)
    }
    const seen = byRight.get(right)
    if (seen !== undefined) return seen
    const digest = nodeDigest(left, right)
    byRight.set(right, digest)
    return digest
  }
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

export interface MerkleTree {
  readonly root: Digest
  /** Of each leaf: siblings from the leaf up. */
  readonly paths: readonly (readonly Digest[])[]
}

/** The root and every leaf's path; each node is hashed once. */
export function merkleTree(leaves: readonly Digest[]): MerkleTree {
  const [only] = leaves
  if (only === undefined) return { root: EMPTY, paths: [] }
  if (leaves.length === 1) return { root: only, paths: [[]] }
  const half = split(leaves.length)
  const left = merkleTree(leaves.slice(0, half))
  const right = merkleTree(leaves.slice(half))
  const paths = [...left.paths.map((path) => [...path, right.root]), ...right.paths.map((path) => [...path, left.root])]
  return { root: nodeDigest(left.root, right.root), paths }
}

/** Siblings of one leaf, from it up. */
export function merklePath(leaves: readonly Digest[], index: number): readonly Digest[] {
  const path = merkleTree(leaves).paths[index]
  assert(path !== undefined, `leaf ${index} of ${leaves.length}`)
  return path
}

/** The root that a leaf at `index` of `count` leads to along `path`; undefined when the path has the wrong length. */
export function rootFromPath(
  leaf: Digest,
  index: number,
  count: number,
  path: readonly Digest[],
  node: NodeDigest = nodeDigest,
): Digest | undefined {
  if (count <= 1) return count === 1 && index === 0 && path.length === 0 ? leaf : undefined
  if (index < 0 || index >= count) return undefined
  const sibling = path[path.length - 1]
  if (sibling === undefined) return undefined
  const half = split(count)
  const rest = path.slice(0, -1)
  if (index < half) {
    const left = rootFromPath(leaf, index, half, rest, node)
    return left === undefined ? undefined : node(left, sibling)
  }
  const right = rootFromPath(leaf, index - half, count - half, rest, node)
  return right === undefined ? undefined : node(sibling, right)
}
