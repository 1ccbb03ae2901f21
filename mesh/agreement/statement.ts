/**
 * What a peer signs. A statement is a leaf of the Merkle tree of a flush; the flush has one Ed25519 signature over its
 * counter and root, so the cost of signing does not grow with the number of units.
 */
import { peerIdOf, type Signer, type Verifier } from '../identity.ts'
import { type Digest, isDigest, isPeerId, type PeerId } from '../ids.ts'
import { canonicalText } from './encoding.ts'
import { leafDigest, merkleTree, type NodeDigest, rootFromPath } from './merkle.ts'
import type { Ballot, StatementProof, Vote } from './types.ts'

/** "I have sealed `scope` under this ballot": `body` is the digest of what was handed over. */
export interface PromiseStatement {
  readonly kind: 'promise'
  readonly scope: string
  readonly ballot: Ballot
  readonly body: Digest
}

/** "I accept the value with this digest as the successor of `scope`." */
export interface AcceptStatement {
  readonly kind: 'accept'
  readonly scope: string
  readonly ballot: Ballot
  readonly value: Digest
}

export type Statement = Vote | PromiseStatement | AcceptStatement

const statementLeaf = (statement: Statement): Digest => leafDigest(canonicalText(statement))

/** The bytes under a flush's signature. */
export function flushBytes(peer: PeerId, counter: number, root: Digest): Uint8Array {
  return Buffer.from(`quorate-flush-1\n${peer}\n${counter}\n${root}`)
}

/** Signs statements as one flush; the proofs are in the order of the statements. */
export function signFlush(signer: Signer, counter: number, statements: readonly Statement[]): StatementProof[] {
  const leaves = statements.map(statementLeaf)
  const { root, paths } = merkleTree(leaves)
  const signature = Buffer.from(signer.sign(flushBytes(signer.id, counter, root))).toString('hex')
  const publicKey = Buffer.from(signer.publicKey).toString('hex')
  return paths.map((path, index) => ({
    peer: signer.id,
    publicKey,
    counter,
    index,
    leaves: leaves.length,
    path,
    signature,
  }))
}

/**
 * Whether a proof shows that its peer, whose id is the hash of the key it brings, signed the statement.
 * @param node for statements of one flush, whose paths share nodes
 */
export function verifyStatement(
  statement: Statement,
  proof: StatementProof,
  verify: Verifier['verify'],
  node?: NodeDigest,
): boolean {
  const root = rootFromPath(statementLeaf(statement), proof.index, proof.leaves, proof.path, node)
  const { id, publicKey } = ownerOf(proof.publicKey)
  if (root === undefined || id !== proof.peer) return false
  return verify(publicKey, flushBytes(proof.peer, proof.counter, root), Buffer.from(proof.signature, 'hex'))
}

interface Owner {
  readonly id: PeerId
  readonly publicKey: Uint8Array
}

/** A cluster has few keys, and each proof brings one; beyond these, all are looked at anew. */
const MOST_OWNERS = 1024
const owners = new Map<string, Owner>()

/** @param key a public key in hex */
function ownerOf(key: string): Owner {
  const known = owners.get(key)
  if (known !== undefined) return known
  const publicKey = Buffer.from(key, 'hex')
  const owner = { id: peerIdOf(publicKey), publicKey }
  if (owners.size >= MOST_OWNERS) owners.clear()
  owners.set(key, owner)
  return owner
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Shape check for a proof that came over the wire or from a file. */
export function isStatementProof(value: unknown): value is StatementProof {
  if (typeof value !== 'object' || value === null) return false
  const proof = value as Partial<StatementProof>
  return (
    isPeerId(proof.peer) &&
    typeof proof.publicKey === 'string' &&
    /^[0-9a-f]{64}$/.test(proof.publicKey) &&
    isCount(proof.counter) &&
    isCount(proof.index) &&
    isCount(proof.leaves) &&
    Array.isArray(proof.path) &&
    proof.path.length <= 32 &&
    proof.path.every(isDigest) &&
    typeof proof.signature === 'string' &&
    /^[0-9a-f]{128}$/.test(proof.signature)
  )
}

/** Shape check of the outermost kind; what a scope or a unit stands for is checked by whoever knows it. */
export function isStatement(value: unknown): value is Statement {
  if (typeof value !== 'object' || value === null) return false
  const statement = value as { readonly kind?: unknown; readonly unit?: unknown; readonly scope?: unknown }
  if (statement.kind === 'vote') return typeof statement.unit === 'string'
  return (statement.kind === 'promise' || statement.kind === 'accept') && typeof statement.scope === 'string'
}
