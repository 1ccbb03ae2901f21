/**
 * The agreed list of member peers. Only a view moves the ring: it is part of the control document, so every peer that
 * holds the same document places every unit in the same way. Gossip never does.
 */
import type { PeerId } from '../ids.ts'

export interface View {
  readonly number: number
  readonly members: readonly PeerId[]
}
