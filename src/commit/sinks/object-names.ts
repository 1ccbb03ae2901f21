/**
 * Batches as things with names that sort by position, one of each for a position of a unit. What their rows look like, the end of
 * the name says. The certificates are beside them, under `<unit>.certificates/`.
 *
 *   <cluster>/<generation>/<stage>-<partition>/<seq>-<part>.jsonl
 *   <cluster>/<generation>/<stage>-<partition>.certificates/<seq>-<part>.json
 */
import { type CutPosition, parseUnitId, sortable } from '../../../mesh/index.ts'
import type { UnitIdentity } from '../sink.ts'

export function unitPath({ cluster, generation, unit }: UnitIdentity): string {
  const { stage, partition } = parseUnitId(unit)
  return `${cluster}/${generation}/${stage}-${partition}`
}

const positionName = ({ seq, part }: CutPosition): string => `${sortable(seq)}-${sortable(part)}`
/** The end of their names. */
export const CERTIFICATE = 'json'
export const certificateName = (position: CutPosition): string => `${positionName(position)}.${CERTIFICATE}`

/** @param ending of names, such as `jsonl` */
export const rowsName = (position: CutPosition, ending: string): string => `${positionName(position)}.${ending}`

/** Of the rows, or the certificate, that a name or path ends with; undefined when it is the name of something else. */
export function positionIn(path: string, ending: string): CutPosition | undefined {
  const [, seq, part, end] = /(?:^|\/)(\d+)-(\d+)\.([a-z]+)$/.exec(path) ?? []
  return seq === undefined || part === undefined || end !== ending
    ? undefined
    : { seq: Number(seq), part: Number(part) }
}
