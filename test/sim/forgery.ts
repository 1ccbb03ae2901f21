/** Somebody else writes to the topics between stages: slices as they were, but signed by nobody. */
import { encodeStored } from '../../mesh/index.ts'
import { decodeSlice, encodeSlice } from '../../src/commit/slice.ts'
import type { SimulatedLog } from './log.ts'

/** Behind the generation stands the stage that reads it, where that is not the second. */
const SHUFFLE = /^quorate-shuffle-.*-[0-9a-f]{12}-\d+(?:-(\d+))?$/

/** Each stage that reads one, which has to halt; none where no stage has read anything of another. */
export function forgeSlices(log: SimulatedLog): ReadonlySet<number> {
  const readers = new Set<number>()
  for (const topic of log.topics()) {
    const [shuffle, stage = 1] = SHUFFLE.exec(topic) ?? []
    if (shuffle === undefined) continue
    for (const partition of log.partitionsOf(topic)) {
      const value = partition.records.at(-1)?.value
      if (value === null || value === undefined) continue
      const { certificate, ...slice } = decodeSlice(value)
      const forged = encodeSlice({ ...slice, certificate: encodeStored({ ...certificate, signers: [] }) })
      partition.append([{ key: null, value: forged }], log.clock.now())
      readers.add(Number(stage))
      break
    }
  }
  return readers
}
