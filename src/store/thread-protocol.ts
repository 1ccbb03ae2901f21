/** What the main thread and the store's thread say to one another: one request, one outcome, matched by id. */
import type { QuorateErrorCode } from '../errors.ts'
import type { StoreEntry, StoreOp, StoreTable } from './store.ts'

export type StoreRequest =
  | { readonly kind: 'write'; readonly id: number; readonly ops: readonly StoreOp[] }
  | { readonly kind: 'get'; readonly id: number; readonly table: StoreTable; readonly key: string }
  | {
      readonly kind: 'range'
      readonly id: number
      readonly table: StoreTable
      readonly from: string
      readonly to: string
      readonly limit: number
    }
  | { readonly kind: 'close'; readonly id: number }

/** An error without its class and cause, which do not survive the way between threads. */
export interface StoreFault {
  readonly code: QuorateErrorCode
  readonly message: string
  readonly indefinite: boolean
}

export type StoreResult = undefined | Uint8Array | readonly StoreEntry[]

export type StoreOutcome =
  | { readonly id: number; readonly result: StoreResult }
  | { readonly id: number; readonly fault: StoreFault }

/** The thread's first message tells whether the file could be opened; then come outcomes, several at a time. */
export type StoreReply =
  | { readonly kind: 'opened' }
  | { readonly kind: 'refused'; readonly fault: StoreFault }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly StoreOutcome[] }
