/** What the mesh needs of a store (a structural part of the product's), and how its values are read back. */
import { decodeStored, type PersistOp } from './agreement/effects.ts'

export interface MeshStore {
  write(ops: readonly PersistOp[]): Promise<void>
  get(table: PersistOp['table'], key: string): Promise<Uint8Array | undefined>
  range(
    table: PersistOp['table'],
    from: string,
    to: string,
    limit: number,
  ): Promise<
    readonly ({ readonly key: string; readonly value: Uint8Array } | { readonly key: string; readonly corrupt: true })[]
  >
}

const ALL = 1_000_000

export async function loadValue(store: MeshStore, table: PersistOp['table'], key: string): Promise<unknown> {
  const bytes = await store.get(table, key)
  return bytes === undefined ? undefined : decodeStored(bytes)
}

/** Values with from <= key < to, in key order; damaged ones are left out. */
export async function loadValues(
  store: MeshStore,
  table: PersistOp['table'],
  from: string,
  to: string,
  limit = ALL,
): Promise<unknown[]> {
  const entries = await store.range(table, from, to, limit)
  return entries.flatMap((entry) => ('corrupt' in entry ? [] : [decodeStored(entry.value)]))
}
