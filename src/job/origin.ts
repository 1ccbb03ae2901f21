/**
 * Where a restored job comes from: the cluster that had it first, whose name its results and its sinks keep, and for each unit
 * the place to go on from. Part of the stored job, so that every peer begins with the same term.
 */
import { z } from 'zod'
import { isTerm, type OpenCut, type Term, type UnitId } from '../../mesh/index.ts'

export interface UnitOrigin {
  readonly unit: UnitId
  /** Of the clusters before: who signed up to here, and what was decided since the checkpoint. In order. */
  readonly terms: readonly Term[]
  /** The cut of the checkpoint; absent: there is none, and the unit begins at its first record. */
  readonly base?: NonNullable<Term['base']>
  /** What its sinks have beyond that: these cuts have to come out the same. */
  readonly open: readonly OpenCut[]
  /** Where the state at the base is kept. */
  readonly checkpoint?: { readonly cluster: string; readonly name: string }
}

export interface JobOrigin {
  /** The first one that the job ran in. */
  readonly cluster: string
  /** Clusters that had it before this one. */
  readonly restored: number
  readonly units: readonly UnitOrigin[]
}

const text = z.string().max(256)
const count = z.int().min(0)
const mark = { seq: count, part: count, digest: z.string().regex(/^[0-9a-f]{64}$/), offset: count }
const term = z.custom<Term>(isTerm, 'expected a term')

const unit = z.strictObject({
  unit: text,
  terms: z.array(term).min(1),
  base: z.exactOptional(z.strictObject({ ...mark, last: z.boolean() })),
  open: z.array(z.strictObject({ ...mark, term: count })),
  checkpoint: z.exactOptional(z.strictObject({ cluster: text, name: text })),
})

export const originSchema = z.strictObject({
  cluster: text,
  restored: z.int().min(1),
  units: z.array(unit),
}) as unknown as z.ZodType<JobOrigin>
