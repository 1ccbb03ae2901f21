/**
 * Where checkpoints are: a flat set of named things that are created once, whole or not at all, and never changed. Whoever
 * writes one that is there already wrote the same, or something that says the same, so nothing happens then. What is newest
 * is told by the names, which sort; no index has to be replaced, and so none can be replaced by an older one.
 *
 *   <cluster>/documents/<forced>-<number>.json                               jobs, with the hashes of their bodies
 *   <cluster>/jobs/<hash>.json                                               a body
 *   <cluster>/units/<generation>/<stage>-<partition>/<seq>-<term>.state      the state of a certified snapshot
 *   <cluster>/units/<generation>/<stage>-<partition>/<seq>-<term>.json       its certificate and terms; written last
 */
import { parseUnitId, sortable, type UnitId } from '../../mesh/index.ts'

export interface CheckpointPlace {
  /** Does nothing where there is something of that name. */
  create(name: string, bytes: Uint8Array): Promise<void>
  /** Undefined when there is none. @param range to read only this much of it */
  read(name: string, range?: { readonly from: number; readonly length: number }): Promise<Uint8Array | undefined>
  /** What is directly in a folder, sorted; empty when there is no such folder. */
  names(folder: string): Promise<readonly string[]>
  /** No complaint when it is gone already. */
  remove(name: string): Promise<void>
  close(): Promise<void>
}

/** From the peer's own configuration. */
export type CheckpointSettings =
  | { readonly kind: 'directory'; readonly directory: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }

export const documentFolder = (cluster: string): string => `${cluster}/documents`
export const jobName = (cluster: string, hash: string): string => `${cluster}/jobs/${hash}.json`
export const generationFolder = (cluster: string, generation: string): string => `${cluster}/units/${generation}`

export function unitFolder(cluster: string, unit: UnitId): string {
  const { generation, stage, partition } = parseUnitId(unit)
  return `${generationFolder(cluster, generation)}/${stage}-${partition}`
}

/** Two numbers as a name that sorts by the first, then by the second. */
export const pairName = (first: number, second: number): string => `${sortable(first)}-${sortable(second)}`

/** The numbers of a name with this ending; undefined when it has another form. */
export function pairIn(name: string, ending: string): readonly [number, number] | undefined {
  const [, first, second, end] = /^(\d+)-(\d+)(\.\w+)$/.exec(name) ?? []
  return end === ending ? [Number(first), Number(second)] : undefined
}
