/** The one door of the mesh: what `src` may use. */

export { contentDigest, isCertificate, isCutContent, verifyCertificate } from './agreement/certificate.ts'
export {
  bodiesOf,
  type ControlChange,
  type ControlDocument,
  isControlDocument,
  type JobEntry,
  type RestoredJob,
  type StopReason,
} from './agreement/control-document.ts'
export { decodeStored, encodeStored, positionKey, sortable } from './agreement/effects.ts'
export { canonicalText, digestOf } from './agreement/encoding.ts'
export { leafDigest, merklePath, merkleRoot, rootFromPath } from './agreement/merkle.ts'
export { isTerm, isTermList, normalTerm } from './agreement/messages.ts'
export { sealsNeeded, type Wish } from './agreement/term.ts'
export { isComplete, TermHistory } from './agreement/term-history.ts'
export * from './agreement/types.ts'
export type { UnitAgreement } from './agreement/unit.ts'
export type { UnitEvent } from './agreement/unit-contract.ts'
export type { Clock, Instant } from './clock.ts'
export { monotonicClock } from './clock.ts'
export { assert, MeshError, type MeshErrorCode } from './errors.ts'
export {
  createVerifier,
  generateIdentity,
  loadOrCreateIdentity,
  peerIdOf,
  type Signer,
  syncDirectory,
  type Verifier,
} from './identity.ts'
export {
  type Digest,
  GENESIS,
  isDigest,
  isPeerId,
  type PeerId,
  parseUnitId,
  type UnitId,
  unitId,
} from './ids.ts'
export type { Member } from './membership/index.ts'
export type { MeshStore } from './mesh-store.ts'
export { MeshNode } from './node.ts'
export type { MeshEvent, Retirement } from './node-contract.ts'
export { planted } from './planted.ts'
export { type Random, seededRandom } from './random.ts'
export { preferenceList, rankAmong } from './ring/preference.ts'
export { createRing, type Ring } from './ring/ring.ts'
export type { View } from './ring/view.ts'
export type { PeerIdentity, Transport, TransportEvent, Wire } from './transport/transport.ts'
export { createWebSocketTransport, type WebSocketTransportOptions } from './transport/websocket.ts'
export type { OpenedUnit } from './units.ts'
export type { ViewSettings } from './view-keeper.ts'
