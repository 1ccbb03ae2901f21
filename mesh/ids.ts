/**
 * Branded identifiers. Everything that is compared, signed or used as a map key across peers is one of these, so a
 * name can never be passed where an identity is meant.
 */

/** Identity of a peer: the first 32 hex characters of the SHA-256 of its raw Ed25519 public key. */
export type PeerId = string & { readonly __brand: 'PeerId' }

/** What is placed, replicated and moved: `<generation>:<stage>:<partition>`. */
export type UnitId = string & { readonly __brand: 'UnitId' }

/** SHA-256 as 64 lower-case hex characters. */
export type Digest = string & { readonly __brand: 'Digest' }

export const peerId = (text: string): PeerId => text as PeerId
export const unitId = (generation: string, stage: number, partition: number): UnitId =>
  `${generation}:${stage}:${partition}` as UnitId

/** The parts of a unit id. The generation holds no colon. */
export function parseUnitId(unit: UnitId): { generation: string; stage: number; partition: number } {
  const [generation = '', stage, partition] = unit.split(':')
  return { generation, stage: Number(stage), partition: Number(partition) }
}

const PEER_ID = /^[0-9a-f]{32}$/
const DIGEST = /^[0-9a-f]{64}$/

export const isPeerId = (value: unknown): value is PeerId => typeof value === 'string' && PEER_ID.test(value)
/** Of no more peers than a cluster can have. */
export const isPeerList = (value: unknown): value is PeerId[] =>
  Array.isArray(value) && value.length <= 512 && value.every(isPeerId)
export const isDigest = (value: unknown): value is Digest => typeof value === 'string' && DIGEST.test(value)

/** Digest of "nothing before": the parent of a unit's first cut and of the first term. */
export const GENESIS = '0'.repeat(64) as Digest
