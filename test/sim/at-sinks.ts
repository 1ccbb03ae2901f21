/**
 * How far each unit is at the sink that is furthest, with what was about to be written there, read from what the log and the stores hold and not through the sinks
 * that wrote it: all that is left of a cluster whose disks are lost.
 */
import { type CutPosition, furthest, type UnitId, unitId } from '../../mesh/index.ts'
import { decodeProgress } from '../../src/commit/sinks/progress.ts'
import type { SimulatedLog } from './log.ts'
import type { SimulatedStores } from './stores.ts'
import { STORE } from './workload.ts'

export function placesAtSinks(log: SimulatedLog, { mongodb, s3 }: SimulatedStores): ReadonlyMap<UnitId, CutPosition> {
  const places = new Map<UnitId, CutPosition>()
  const there = (unit: UnitId, place: CutPosition) => {
    const further = furthest(places.get(unit), place)
    if (further !== undefined) places.set(unit, further)
  }
  for (const [writer, progress] of log.progress) {
    const [, unit = ''] = /^quorate:[^:]+:(.+:\d+:\d+):(?:kafka|shuffle):/.exec(writer) ?? []
    there(unit as UnitId, decodeProgress(writer, progress).position)
  }
  for (const { _id, seq, part } of mongodb.documents(`${STORE}.${STORE}.quorate`)) {
    const [, unit] = /^[^/]+\/(.+:\d+:\d+)(?:\/announced)?$/.exec(_id) ?? []
    if (unit !== undefined) there(unit as UnitId, { seq: Number(seq), part: Number(part) })
  }
  for (const key of s3.objects.keys()) {
    const [, generation, stage, partition, seq, part] =
      /\/([^/]+)\/(\d+)-(\d+)(?:\.certificates)?\/(\d+)-(\d+)\.jsonl?$/.exec(key) ?? []
    if (generation === undefined) continue
    there(unitId(generation, Number(stage), Number(partition)), { seq: Number(seq), part: Number(part) })
  }
  return places
}
