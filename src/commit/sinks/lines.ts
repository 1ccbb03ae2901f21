/**
 * Batches as things with names: rows as JSON Lines, under names that sort by position, one of each for a position of a unit.
 * The certificates are beside them, under `<unit>.certificates/`.
 *
 *   <cluster>/<generation>/<stage>-<partition>/<seq>-<part>.jsonl
 *   <cluster>/<generation>/<stage>-<partition>.certificates/<seq>-<part>.json
 */
import { type CutPosition, parseUnitId, sortable } from '../../../mesh/index.ts'
import { readRows } from '../../../operators/index.ts'
import type { UnitIdentity } from '../sink.ts'
import { placeFields, placeOf } from './row-text.ts'

export function unitPath({ cluster, generation, unit }: UnitIdentity): string {
  const { stage, partition } = parseUnitId(unit)
  return `${cluster}/${generation}/${stage}-${partition}`
}

const positionName = ({ seq, part }: CutPosition): string => `${sortable(seq)}-${sortable(part)}`
export const rowsName = (position: CutPosition): string => `${positionName(position)}.jsonl`
export const certificateName = (position: CutPosition): string => `${positionName(position)}.json`

/** Of the rows that a name or path ends with; undefined when it is the name of something else. */
export function positionIn(path: string): CutPosition | undefined {
  const [, seq, part] = /(?:^|\/)(\d+)-(\d+)\.jsonl$/.exec(path) ?? []
  return seq === undefined || part === undefined ? undefined : { seq: Number(seq), part: Number(part) }
}

/** `{"key":…,"window":{…},"revision":…,"final":…,"value":…}` a line, key and value byte for byte. */
export function jsonLines(body: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = []
  for (const row of readRows(body)) {
    const fields = JSON.stringify(placeFields(placeOf(row))).slice(1, -1)
    const key = row.key.length === 0 ? Buffer.from('null') : row.key
    pieces.push(Buffer.from('{"key":'), key, Buffer.from(`,${fields},"value":`), row.value, Buffer.from('}\n'))
  }
  return Buffer.concat(pieces)
}
