/** What a peer tells everybody it is connected to, several times a second: hints that are asked after, never proofs. */
import type { DocumentNumber } from './agreement/control-document.ts'
import { isPeerList, type PeerId } from './ids.ts'
import { LIMITS } from './limits.ts'
import type { Wire } from './transport/transport.ts'

export interface Heartbeat {
  /** The control document that is on the sender's disk with every body that it names; zeros: it lacks one. */
  readonly has: DocumentNumber
  /** Whom the sender has found dead. */
  readonly dead: readonly PeerId[]
  /** The sender wants to be removed from the view. */
  readonly leaving: boolean
  /** Determinism versions that it can compute in. */
  readonly versions: readonly unknown[]
  /** The highest flush of the receiver that it has seen. */
  readonly seen: number
  /** Where its units stand, as Units.standing has it. */
  readonly units: readonly unknown[]
}

export const heartbeatWire = ({ has, dead, leaving, versions, seen, units }: Heartbeat): Wire => ({
  c: 'beat',
  control: [has.forced, has.number],
  dead: [...dead],
  leaving,
  versions: [...versions] as Wire[],
  seen,
  units: [...units] as Wire[],
})

/** Undefined: it is malformed. */
export function readHeartbeat(envelope: { readonly [key: string]: unknown }): Heartbeat | undefined {
  const { control, dead, leaving, versions, seen, units } = envelope
  const [forced, number, ...rest] = Array.isArray(control) ? (control as readonly unknown[]) : []
  if (!Number.isSafeInteger(forced) || !Number.isSafeInteger(number) || rest.length > 0) return undefined
  if (!isPeerList(dead) || !Array.isArray(units) || !Array.isArray(versions) || typeof seen !== 'number')
    return undefined
  return {
    has: { forced: forced as number, number: number as number },
    dead,
    leaving: leaving === true,
    versions: versions.slice(0, LIMITS.versions),
    seen,
    units,
  }
}
