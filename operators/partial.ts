/**
 * Partial aggregates on their way through a shuffle: where in the source they come from, then the group. The place is the last
 * record of the source that was read before they left, so a part that comes too late is named by something that its reader can
 * look up, and with its number in the cut it is told from every other.
 */
import type { StateReader, StateWriter } from './snapshot.ts'

export interface SourcePlace {
  /** Its number among the partitions of all sources. */
  readonly partition: number
  readonly offset: number
}

export function writePartialPlace(writer: StateWriter, { partition, offset }: SourcePlace): void {
  writer.varint(partition)
  writer.varint(offset)
}

export const readPartialPlace = (reader: StateReader): SourcePlace => ({
  partition: reader.varint(),
  offset: reader.varint(),
})
