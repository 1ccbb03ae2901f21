/**
 * What a peer keeps on its own disk: statements, certificates, terms, snapshots, results, jobs. An ordered key-value
 * store in named tables; a write is atomic and durable when it resolves, and writes apply in the order they were made.
 * Every value is checksummed: one that does not match is reported as `corrupt`, never returned.
 */
export const STORE_TABLES = [
  'meta',
  'statement',
  'acceptor',
  'term',
  'certificate',
  'batch',
  'snapshot',
  'control',
  'job',
] as const
export type StoreTable = (typeof STORE_TABLES)[number]

export type StoreOp =
  | { readonly kind: 'put'; readonly table: StoreTable; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly table: StoreTable; readonly key: string }
  /** Deletes from <= key < to. */
  | { readonly kind: 'deleteRange'; readonly table: StoreTable; readonly from: string; readonly to: string }

export type StoreEntry =
  | { readonly key: string; readonly value: Uint8Array }
  | { readonly key: string; readonly corrupt: true }

export interface Store {
  write(ops: readonly StoreOp[]): Promise<void>
  /** Undefined when absent. @throws QuorateError QRT_STORE_CORRUPT when the checksum does not match. */
  get(table: StoreTable, key: string): Promise<Uint8Array | undefined>
  /** Entries with from <= key < to in key order (code-unit order), at most `limit`. */
  range(table: StoreTable, from: string, to: string, limit: number): Promise<readonly StoreEntry[]>
  close(): Promise<void>
}
