/** What the mesh needs of a store (a structural part of the product's), and how its values are read back. */
import { decodeStored, type PersistOp } from './agreement/effects.ts'
import { MeshError } from './errors.ts'

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

/** What this peer must not have forgotten. @throws MeshError QRT_MESH_DAMAGED when it cannot be read */
export async function loadOwn(store: MeshStore, table: PersistOp['table'], key: string): Promise<unknown> {
  try {
    const bytes = await store.get(table, key)
    return bytes === undefined ? undefined : decodeStored(bytes)
  } catch (cause) {
    throw new MeshError('QRT_MESH_DAMAGED', `the entry "${key}" of table ${table} cannot be read`, { cause })
  }
}

/** The same for all with from <= key < to, in key order. */
export async function loadAllOwn(
  store: MeshStore,
  table: PersistOp['table'],
  from: string,
  to: string,
): Promise<unknown[]> {
  const entries = await store.range(table, from, to, ALL)
  return entries.map((entry) => {
    if ('corrupt' in entry)
      throw new MeshError('QRT_MESH_DAMAGED', `the entry "${entry.key}" of table ${table} cannot be read`)
    return decodeStored(entry.value)
  })
}

/** What other peers can give again; undefined when it is absent or damaged. */
export async function loadBytes(
  store: MeshStore,
  table: PersistOp['table'],
  key: string,
): Promise<Uint8Array | undefined> {
  const [entry] = await store.range(table, key, `${key}\0`, 1)
  return entry === undefined || 'corrupt' in entry ? undefined : entry.value
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
